// Where VS Code starts the extension: wiring only.

import * as vscode from "vscode";

import type { Process } from "./protocol.js";
import { connect, type Server } from "./server.js";
import { speak } from "./words.js";

export function activate(context: vscode.ExtensionContext): void {
  speak(vscode.l10n.t);
  const log = vscode.window.createOutputChannel("Remote Commands", { log: true });
  let server: Promise<Server> | undefined;
  const running = vscode.window.createStatusBarItem("remotecmd.running", vscode.StatusBarAlignment.Left);
  const changed = new vscode.EventEmitter<void>();
  const ready = (): Promise<Server> => {
    const chosen = vscode.workspace.getConfiguration("remotecmd").get<string>("pythonPath");
    return (server ??= connect({
      python: chosen === undefined || chosen === "" ? "python3" : chosen,
      args: ["-P", "-m", "rpc_server"],
      cwd: context.extensionPath,
      onLog: (text) => {
        log.info(text.trimEnd());
      },
    }));
  };
  const tree = vscode.window.createTreeView<Process>("remotecmd.commands", {
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getTreeItem: (process) => {
        const item = new vscode.TreeItem(process.id);
        item.description = process.state;
        return item;
      },
      getChildren: async () => [
        ...(await (await ready()).request("remotecmd/list", { target: { kind: "local" } })).processes,
      ],
    },
  });
  const run = async (): Promise<void> => {
    const cmdLine = await vscode.window.showInputBox({ prompt: "Command" });
    if (cmdLine === undefined) return;
    const id = cmdLine.replaceAll(/[^A-Za-z0-9]+/g, "-").slice(0, 60);
    await (await ready()).request("remotecmd/start", { target: { kind: "local" }, definition: { id, cmdLine } });
    changed.fire();
  };
  context.subscriptions.push(
    log,
    running,
    tree,
    changed,
    vscode.commands.registerCommand("remotecmd.run", run),
    vscode.commands.registerCommand("remotecmd.refresh", () => {
      changed.fire();
    }),
    { dispose: () => void server?.then((it) => it.dispose()) },
  );
}
