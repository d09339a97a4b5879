// The terminals of commands: one for each, found again when it is asked for, and opened again after a reload.

import * as vscode from "vscode";

import type { Command, Fleet } from "../fleet.js";
import type { Target } from "../protocol.js";
import { targetKey } from "../targets.js";
import { commandName } from "../texts.js";
import { CommandPty, type Play } from "./terminal.js";
import type { Typing } from "./typing.js";

/** What is kept of an open terminal. */
interface Kept {
  readonly target: Target;
  readonly id: string;
  readonly pidDirectory?: string;
}

interface Open {
  readonly command: Command;
  readonly terminal: vscode.Terminal;
  readonly pty: CommandPty;
}

const KEPT = "terminals";
/** Which of them was in front, if it was one of them. */
const FRONT = "frontTerminal";

export class Terminals implements vscode.Disposable {
  readonly #fleet: Fleet;
  readonly #typing: Typing;
  readonly #memory: vscode.Memento;
  readonly #open = new Map<string, Open>();
  /** Those that were open when the window was left, and could not be looked for yet. */
  #missing: readonly Kept[] = [];
  /** What was in front when the window was left. VS Code puts a shell there that nobody asked for before anything is reopened. */
  readonly #front: string | undefined;
  readonly #registrations: vscode.Disposable[];

  constructor(fleet: Fleet, typing: Typing, memory: vscode.Memento) {
    this.#fleet = fleet;
    this.#typing = typing;
    this.#memory = memory;
    this.#front = memory.get<string>(FRONT);
    this.#registrations = [
      vscode.window.onDidCloseTerminal((terminal) => {
        this.#closed(terminal);
      }),
      // When the window goes, its terminals go one after the other, and none of them comes to the front by a user's will.
      vscode.window.onDidChangeActiveTerminal((terminal) => {
        if (terminal === undefined) return;
        const front = [...this.#open].find(([, open]) => open.terminal === terminal);
        void memory.update(FRONT, front?.[0]);
      }),
    ];
  }

  /** Whether a terminal is one of these. */
  has(terminal: vscode.Terminal): boolean {
    return [...this.#open.values()].some((open) => open.terminal === terminal);
  }

  /** Bring the command's terminal to the front; a run that it does not show yet is shown in it. */
  show(command: Command, play: Play = {}, preserveFocus = true): void {
    this.#fleet.watchAgain(command.process.runId);
    this.#ensure(command, play).terminal.show(preserveFocus);
  }

  /** Open the terminals that were open when the window was left, and bring the one to the front that was there. */
  async reopen(): Promise<void> {
    this.#missing = this.#kept;
    for (const kept of this.#missing) {
      const { target, id, pidDirectory } = kept;
      try {
        const command = await this.#fleet.find(target, id, pidDirectory);
        this.#missing = this.#missing.filter((other) => other !== kept);
        if (command === undefined) continue;
        const { terminal } = this.#ensure(command, {});
        if (command.key === this.#front) terminal.show(true);
      } catch {
        // Where it is can't be reached now. It stays among what is to be opened, for the next time.
      }
    }
    this.#keep();
  }

  get #kept(): readonly Kept[] {
    return this.#memory.get<readonly Kept[]>(KEPT, []);
  }

  /** Whether some were open when the window was left. */
  get hasKept(): boolean {
    return this.#kept.length > 0;
  }

  dispose(): void {
    for (const registration of this.#registrations) registration.dispose();
  }

  #ensure(command: Command, play: Play): Open {
    const known = this.#open.get(command.key);
    if (known !== undefined && !known.pty.isClosed) {
      if (known.command.process.runId === command.process.runId && play.from === undefined) return known;
      const open = { ...known, command };
      this.#open.set(command.key, open);
      void known.pty.play(command, play);
      return open;
    }
    const pty = new CommandPty(
      this.#fleet,
      this.#typing,
      (it) => void it.play(this.#open.get(command.key)?.command ?? command, play),
    );
    const name = commandName(command.process);
    const terminal = vscode.window.createTerminal({ name, pty, iconPath: new vscode.ThemeIcon("server-process") });
    const open = { command, terminal, pty };
    this.#open.set(command.key, open);
    this.#missing = this.#missing.filter((kept) => !isSame(kept, keptOf(command)));
    this.#keep();
    return open;
  }

  #closed(terminal: vscode.Terminal): void {
    for (const [key, open] of this.#open) {
      if (open.terminal !== terminal) continue;
      this.#open.delete(key);
      // When the window goes, its terminals go with it, and are to come back.
      if (terminal.exitStatus?.reason !== vscode.TerminalExitReason.Shutdown) this.#keep();
    }
  }

  #keep(): void {
    const open = [...this.#open.values()].map(({ command }) => keptOf(command));
    void this.#memory.update(KEPT, [...open, ...this.#missing]);
  }
}

function keptOf({ target, process, pidDirectory }: Command): Kept {
  return { target, id: process.id, ...(pidDirectory !== undefined && { pidDirectory }) };
}

function isSame(a: Kept, b: Kept): boolean {
  return a.id === b.id && a.pidDirectory === b.pidDirectory && targetKey(a.target) === targetKey(b.target);
}
