// Opens a terminal with a shell in a target.

import * as vscode from "vscode";

import type { Target } from "../protocol.js";
import { shellCommand } from "../shells.js";
import { targetName } from "../targets.js";

export function openShell(target: Target): void {
  const command = shellCommand(target);
  const name = targetName(target);
  const terminal = vscode.window.createTerminal(
    command === undefined ? { name } : { name, shellPath: command.program, shellArgs: [...command.args] },
  );
  terminal.show();
}
