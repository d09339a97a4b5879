// The one message that says what went wrong, with buttons that help.

import * as vscode from "vscode";

import { explain, type Explained, type Remedy } from "../failures.js";
import { unlinked } from "../texts.js";
import { t } from "../words.js";

/** What each button says and does. `subject` is what the message is about: a node of the list. */
function button(remedy: Remedy): { readonly label: string; readonly command: string; readonly arguments?: unknown } {
  switch (remedy) {
    case "install":
      return { label: t("Install the Server"), command: "remotecmd.installServer" };
    case "choosePython":
      return {
        label: t("Choose a Python"),
        command: "workbench.action.openSettings",
        arguments: "remotecmd.pythonPath",
      };
    case "showLog":
      return { label: t("Show Log"), command: "remotecmd.showLog" };
    case "restart":
      return { label: t("Restart the Server"), command: "remotecmd.restartServer" };
    case "chooseTarget":
      return { label: t("Choose Another Target"), command: "remotecmd.chooseTarget" };
    case "doctor":
      return { label: t("Check the Target"), command: "remotecmd.doctor" };
    case "showOutput":
      return { label: t("Show Output"), command: "remotecmd.showOutput" };
  }
}

const open = new Set<string>();

/** Show it, unless the same message is on the screen already. */
export async function showProblem(problem: Explained, subject?: unknown): Promise<void> {
  const { remedies } = problem;
  const message = unlinked(problem.message); // it may have words of a container
  if (open.has(message)) return;
  open.add(message);
  const buttons = remedies.map(button);
  try {
    const pressed = await vscode.window.showErrorMessage(message, ...buttons.map(({ label }) => label));
    const chosen = buttons.find(({ label }) => label === pressed);
    if (chosen !== undefined) await vscode.commands.executeCommand(chosen.command, chosen.arguments ?? subject);
  } finally {
    open.delete(message);
  }
}

export async function showError(error: unknown, subject?: unknown): Promise<void> {
  await showProblem(explain(error), subject);
}
