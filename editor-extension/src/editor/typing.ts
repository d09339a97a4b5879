// Whether somebody types in a text editor just now: then what floods a terminal has to wait.

import * as vscode from "vscode";

/** For so long after a key, the next one is to be expected. */
const RECENT_MS = 1_000;

export class Typing implements vscode.Disposable {
  #last = Number.NEGATIVE_INFINITY;
  readonly #registration = vscode.window.onDidChangeTextEditorSelection(() => {
    this.#last = performance.now();
  });

  get isRecent(): boolean {
    return performance.now() - this.#last < RECENT_MS;
  }

  dispose(): void {
    this.#registration.dispose();
  }
}
