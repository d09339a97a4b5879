// Devfiles of the workspace: where they are, what they offer, and running one of their commands.

import * as vscode from "vscode";

import { componentsOf, carryOut, offered, planOf } from "../devfiles.js";
import type { DevfileCommand, DevfileResult, Target } from "../protocol.js";
import type { Choice } from "../steps.js";
import { isLive } from "../texts.js";
import { t } from "../words.js";
import { PickAsker } from "./asker.js";
import { inFolder, type Parts } from "./parts.js";

const NAMES = ["devfile.yaml", ".devfile.yaml"];

/** The devfiles at the top of the workspace's folders. */
export async function devfiles(): Promise<readonly vscode.Uri[]> {
  const found: vscode.Uri[] = [];
  for (const { uri } of vscode.workspace.workspaceFolders ?? [])
    for (const name of NAMES) {
      const file = vscode.Uri.joinPath(uri, name);
      const exists = await vscode.workspace.fs.stat(file).then(
        () => true,
        () => false,
      );
      if (exists) {
        found.push(file);
        break;
      }
    }
  return found;
}

/** Keeps the key for `when` clauses right. */
export function watchDevfiles(): vscode.Disposable {
  const look = (): void => {
    void devfiles().then((found) =>
      vscode.commands.executeCommand("setContext", "remotecmd.devfile", found.length > 0),
    );
  };
  const watcher = vscode.workspace.createFileSystemWatcher(`**/{${NAMES.join(",")}}`);
  look();
  return vscode.Disposable.from(
    watcher,
    watcher.onDidCreate(look),
    watcher.onDidDelete(look),
    vscode.workspace.onDidChangeWorkspaceFolders(look),
  );
}

/** What a devfile offers. A virtual workspace's is read by the editor, since the server can't. */
export async function readDevfile(parts: Parts, uri: vscode.Uri): Promise<DevfileResult> {
  const params =
    uri.scheme === "file"
      ? { path: uri.fsPath }
      : { text: new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)) };
  return parts.fleet.link.request("remotecmd/devfile", params);
}

interface Chosen {
  readonly devfile: DevfileResult;
  readonly id: string;
  readonly folder: vscode.WorkspaceFolder | undefined;
}

/** Choose a command of a devfile and where it runs, and run it. */
export async function runDevfileCommand(parts: Parts): Promise<void> {
  const asker = new PickAsker();
  let chosen: Chosen | undefined;
  try {
    asker.loading(t("Devfile Command"));
    const choices: Choice<Chosen>[] = [];
    for (const uri of await devfiles()) {
      const devfile = await readDevfile(parts, uri);
      for (const command of offered(devfile))
        choices.push({
          label: command.id,
          icon: icon(command),
          description: [command.group?.kind ?? "", command.component ?? ""].filter((part) => part !== "").join(" · "),
          detail:
            command.definition?.cmdLine ?? (command.commands ?? []).join(command.parallel === true ? " ‖ " : " → "),
          value: { devfile, id: command.id, folder: vscode.workspace.getWorkspaceFolder(uri) },
        });
    }
    if (asker.isCancelled) return;
    const placeholder =
      choices.length === 0 ? t("The devfile has no command that can be run here") : t("A command of the devfile");
    const answer = await asker.ask({ title: t("Devfile Command"), placeholder, choices }, false);
    if (answer === undefined || answer === "back") return;
    chosen = answer.value;
  } finally {
    asker.dispose();
  }
  const plan = planOf(chosen.devfile, chosen.id);
  if (typeof plan === "string") throw new Error(plan);
  const targets = new Map<string, Target>();
  for (const component of componentsOf(plan)) {
    const target = await parts.askTarget(component);
    if (target === undefined) return;
    targets.set(component, target);
  }
  const { folder } = chosen;
  await carryOut(plan, (command) => runOne(parts, command, targets, folder));
}

/** Run it to its end; resolves with whether it succeeded. */
async function runOne(
  parts: Parts,
  command: DevfileCommand,
  targets: ReadonlyMap<string, Target>,
  folder: vscode.WorkspaceFolder | undefined,
): Promise<boolean> {
  const target = targets.get(command.component ?? "");
  if (target === undefined || command.definition === undefined) return false;
  const started = await parts.startAndShow(target, inFolder(target, command.definition, folder), true);
  return new Promise((done) => {
    const look = (): boolean => {
      const process = parts.fleet.command(started.key)?.process;
      if (process !== undefined && process.runId === started.process.runId && isLive(process)) return false;
      done(process?.exitCode === 0);
      return true;
    };
    if (look()) return;
    const registration = parts.fleet.onEvent(() => {
      if (look()) registration.dispose();
    });
  });
}

function icon({ group, kind }: DevfileCommand): string {
  if (kind === "composite") return "list-tree";
  return group?.kind === "build"
    ? "tools"
    : group?.kind === "test"
      ? "beaker"
      : group?.kind === "debug"
        ? "bug"
        : "play";
}
