// A terminal that shows commands: their output as fast as the terminal takes it, and what is typed for them.

import * as vscode from "vscode";

import { explain } from "../failures.js";
import type { Command, Fleet } from "../fleet.js";
import { Flow } from "../flow.js";
import { LineInput } from "../lines.js";
import type { Offsets, Process } from "../protocol.js";
import { errorLine, headLine, onOwnLine, remark } from "../screen.js";
import { Session } from "../session.js";
import { targetName } from "../targets.js";
import { isLive } from "../texts.js";
import { t } from "../words.js";
import type { Typing } from "./typing.js";

const START: Offsets = { stdout: 0, stderr: 0 };

/** VS Code calls it a failed launch when a terminal ends sooner (it has 500 ms for that). */
const LAUNCH_MS = 600;

export interface Play {
  readonly from?: Offsets;
  /** Whether its end is told in a line; yes when left out. */
  readonly saysEnd?: boolean;
}

export class CommandPty implements vscode.Pseudoterminal {
  readonly #fleet: Fleet;
  readonly #written = new vscode.EventEmitter<string>();
  readonly #ended = new vscode.EventEmitter<number>();
  readonly #input = new LineInput();
  readonly #flow: Flow;
  /** What is shown now, and how to leave each of it. */
  readonly #shown = new Map<string, () => void>();
  readonly #opened: (pty: CommandPty) => void;
  #typedFor: Command | undefined;
  #wasTold = false;
  #isClosed = false;
  #openedAt = 0;

  readonly onDidWrite = this.#written.event;
  readonly onDidClose = this.#ended.event;

  /** `opened` is called once the terminal takes text. */
  constructor(fleet: Fleet, typing: Typing, opened: (pty: CommandPty) => void) {
    this.#fleet = fleet;
    this.#opened = opened;
    this.#flow = new Flow({
      write: (text) => {
        this.#written.fire(text);
      },
      now: () => performance.now(),
      isTyping: () => typing.isRecent,
      timer: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => {
          clearTimeout(timer);
        };
      },
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  open(): void {
    this.#openedAt = performance.now();
    this.#opened(this);
  }

  close(): void {
    this.#isClosed = true;
    this.#flow.close();
    for (const leave of this.#shown.values()) leave();
    this.#shown.clear();
  }

  handleInput(data: string): void {
    const typed = this.#flow.input(data);
    if (typed !== "") void this.#typed(typed);
  }

  /** Show a run; resolves when its end is on the screen: undefined when it was replaced, or the terminal was closed. */
  play(command: Command, { from = START, saysEnd = true }: Play = {}): Promise<Process | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    const { runId } = command.process;
    // A run that was replaced says its last words itself; only the same run, from elsewhere, takes its own place.
    const key = runId ?? command.key;
    this.#typedFor = command;
    return new Promise((done) => {
      const session = new Session({
        flow: this.#flow,
        from,
        saysEnd,
        taken: () => {
          if (runId !== undefined) this.#fleet.taken(runId);
        },
        ended: (process) => {
          this.#shown.delete(key);
          done(process);
        },
      });
      this.#shown.get(key)?.();
      this.say(headLine(command.process, targetName(command.target)));
      const leave = this.#fleet.watch(command, session);
      this.#shown.set(key, () => {
        leave();
        done(undefined);
      });
    });
  }

  /** A line of the extension's own. */
  say(line: string): void {
    this.#flow.push(onOwnLine(true, line));
  }

  /** The terminal is over, with an exit code. */
  finish(code: number): void {
    this.#flow.push("", () => {
      const soon = this.#openedAt + LAUNCH_MS - performance.now();
      setTimeout(() => {
        this.#ended.fire(code);
      }, soon);
    });
  }

  async #typed(typed: string): Promise<void> {
    const command = this.#typedFor && this.#fleet.command(this.#typedFor.key);
    if (command === undefined || !isLive(command.process)) return;
    const { echo, data, ends, interrupts } = this.#input.feed(typed);
    try {
      if (interrupts) {
        this.#flow.push("^C\r\n");
        await this.#fleet.signal(command, "INT");
      }
      if (data === "" && !ends && (echo === "" || interrupts)) return;
      if (!(await this.#takesInput(command))) return;
      if (echo !== "" && !interrupts) this.#flow.push(echo);
      if (data !== "") await this.#fleet.write(command, data);
      if (ends) await this.#fleet.closeStdin(command);
    } catch (error) {
      this.say(errorLine(explain(error).message));
    }
  }

  async #takesInput({ definition }: Command): Promise<boolean> {
    await this.#fleet.link.ready();
    // Of a command that something else started, only the server knows; it says so if there is no input.
    const takes = definition === undefined || definition.stdin === true;
    if (takes && this.#fleet.link.has("remotecmd/write") === true) return true;
    if (!this.#wasTold) this.say(remark(t("this command takes no input; Ctrl-C interrupts it")));
    this.#wasTold = true;
    return false;
  }
}
