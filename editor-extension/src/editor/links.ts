// Files that a command's output names, as links into the workspace.

import * as vscode from "vscode";

import { candidatePaths, type FileMention, fileMentions } from "../links.js";
import { t } from "../words.js";

class FileLink extends vscode.TerminalLink {
  readonly uri: vscode.Uri;
  readonly mention: FileMention;

  constructor(uri: vscode.Uri, mention: FileMention) {
    super(mention.start, mention.length, t("Open in the editor"));
    this.uri = uri;
    this.mention = mention;
  }
}

/** Most files of a line that are looked for. */
const MOST_FILES = 5;

export function registerLinks(isOurs: (terminal: vscode.Terminal) => boolean): vscode.Disposable {
  const provider: vscode.TerminalLinkProvider<FileLink> = {
    provideTerminalLinks: async ({ line, terminal }) => {
      if (!isOurs(terminal)) return [];
      const links = fileMentions(line)
        .slice(0, MOST_FILES)
        .map(async (mention): Promise<FileLink | undefined> => {
          const uri = await inWorkspace(mention.path);
          return uri && new FileLink(uri, mention);
        });
      return (await Promise.all(links)).filter((link) => link !== undefined);
    },
    handleTerminalLink: async ({ uri, mention: { line = 1, column = 1 } }) => {
      const at = new vscode.Position(Math.max(0, line - 1), Math.max(0, column - 1));
      await vscode.window.showTextDocument(uri, { selection: new vscode.Range(at, at) });
    },
  };
  return vscode.window.registerTerminalLinkProvider(provider);
}

async function inWorkspace(path: string): Promise<vscode.Uri | undefined> {
  for (const candidate of candidatePaths(path))
    for (const { uri } of vscode.workspace.workspaceFolders ?? []) {
      const file = vscode.Uri.joinPath(uri, candidate);
      const found = await vscode.workspace.fs.stat(file).then(
        ({ type }) => (type & vscode.FileType.File) !== 0,
        () => false,
      );
      if (found) return file;
    }
  return undefined;
}
