// Whether somebody types in a text editor just now: then what floods a terminal has to wait.

import * as vscode from "vscode";

/** For so long after a key, the next one is to be expected. */
const RECENT_MS = 1_000;

export class Typing implements vscode.Disposable {
  #last = Number.NEGATIVE_INFINITY;
  readonly #registration = vscode.window.onDidChangeTextEditorSelection(({ kind, textEditor }) => {
    // A log that scrolls is an editor, too, and commands move cursors by themselves.
    const isByItself =
      kind === vscode.TextEditorSelectionChangeKind.Command || textEditor.document.uri.scheme === "output";
    if (!isByItself) this.#last = performance.now();
  });

  get isRecent(): boolean {
    return performance.now() - this.#last < RECENT_MS;
  }

  dispose(): void {
    this.#registration.dispose();
  }
}
