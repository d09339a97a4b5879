// Where VS Code starts the extension: wiring only. The server is started when it is first needed, not here.

import * as vscode from "vscode";

import { registerCommands } from "./editor/commands.js";
import { watchDevfiles } from "./editor/devfile.js";
import { watchKeys } from "./editor/keys.js";
import { registerLinks } from "./editor/links.js";
import { Parts } from "./editor/parts.js";
import { createStatus } from "./editor/status.js";
import { registerTasks } from "./editor/tasks.js";
import { Tree } from "./editor/tree.js";
import { speak } from "./words.js";

let parts: Parts | undefined;

export function activate(context: vscode.ExtensionContext): void {
  speak((message, ...values) => vscode.l10n.t(message, ...values));
  parts = new Parts(context);
  const tree = new Tree(parts.fleet);
  context.subscriptions.push(
    parts,
    tree,
    createStatus(parts.fleet),
    watchKeys(parts),
    watchDevfiles(),
    registerCommands(parts, tree),
    registerTasks(parts),
    registerLinks((terminal) => parts?.terminals.has(terminal) === true),
  );
  void parts.resume();
}

/** The server gets the time to go in order; commands are not touched. */
export async function deactivate(): Promise<void> {
  await parts?.fleet.close();
}
