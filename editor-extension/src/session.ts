// One run in one terminal: the viewer that turns what it is shown into text, and hands it on no faster than it is taken.

import { explain } from "./failures.js";
import type { Viewer } from "./follow.js";
import type { Flow } from "./flow.js";
import type { Connection, Gap, Offsets, Process, Stream } from "./protocol.js";
import { connectionLine, endLine, errorLine, gapLine, LineFeeds, onOwnLine, replacedLine } from "./screen.js";

export interface SessionOptions {
  readonly flow: Flow;
  /** It has processed more. */
  readonly taken: () => void;
  /** The end is on the screen; undefined when a new run has taken its place, or it can't be watched any more. */
  readonly ended: (process: Process | undefined) => void;
  /** Where it begins. */
  readonly from: Offsets;
  /** Whether the end is told in a line; a task's terminal says it by itself. */
  readonly saysEnd: boolean;
}

export class Session implements Viewer {
  readonly next: Record<Stream, number>;
  readonly taken: Record<Stream, number>;
  readonly #options: SessionOptions;
  readonly #feeds = new LineFeeds();
  #isAtLineStart = true;
  #isReconnecting = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.next = { ...options.from };
    this.taken = { ...options.from };
  }

  show(text: string, stream: Stream, end: number): void {
    this.#isAtLineStart = text.endsWith("\n");
    this.#options.flow.push(this.#feeds.feed(text), () => {
      this.taken[stream] = end;
      this.#options.taken();
    });
  }

  gap(gap: Gap): void {
    this.#say(gapLine(gap), () => {
      this.taken[gap.stream] = gap.to;
    });
  }

  connection(state: Connection["state"], detail: string): void {
    if (state === "connected" && !this.#isReconnecting) return;
    if (state === "reconnecting" && this.#isReconnecting) return;
    this.#isReconnecting = state === "reconnecting";
    this.#say(connectionLine(state, detail));
  }

  failed(error: unknown, isFinal: boolean): void {
    this.#say(errorLine(explain(error).message), () => {
      if (isFinal) this.#options.ended(undefined);
    });
  }

  end(process: Process | undefined): void {
    const done = (): void => {
      this.#options.ended(process);
    };
    if (process !== undefined && !this.#options.saysEnd) this.#options.flow.push("", done);
    else this.#say(process === undefined ? replacedLine() : endLine(process), done);
  }

  #say(line: string, taken?: () => void): void {
    this.#options.flow.push(onOwnLine(this.#isAtLineStart, line), taken);
    this.#isAtLineStart = true;
  }
}
