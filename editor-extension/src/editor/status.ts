// The status bar's item: how many commands run, and which ones where. It is not there when none does.

import * as vscode from "vscode";

import { type Fleet, liveOf } from "../fleet.js";
import { targetName } from "../targets.js";
import { commandName } from "../texts.js";
import { escaped } from "../tree.js";
import { t } from "../words.js";

export function createStatus(fleet: Fleet): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("remotecmd.running", vscode.StatusBarAlignment.Left, 50);
  item.name = t("Running Remote Commands");
  item.command = "remotecmd.commands.focus";
  const registration = fleet.onEvent(({ kind }) => {
    if (kind === "server") return;
    const live = liveOf(fleet.commands);
    if (live.length === 0) {
      item.hide();
      return;
    }
    item.text = `$(circle-filled) ${String(live.length)}`;
    const rows = live.map((it) => `- ${escaped(commandName(it.process))} · ${escaped(targetName(it.target))}`);
    const title = live.length === 1 ? t("1 remote command runs") : t("{0} remote commands run", live.length);
    item.tooltip = new vscode.MarkdownString([title, "", ...rows].join("\n"));
    item.accessibilityInformation = { label: title };
    item.show();
  });
  return vscode.Disposable.from(registration, item);
}
