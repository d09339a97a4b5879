// How output gets into a terminal no faster than the terminal takes it. Sans-I/O but for timers, which are given.
//
// What arrives is put together into frames. After each frame the terminal is asked to report that it is alive; its
// answer comes when it has worked off all that was written before, so it says that the frame was taken. Only then does
// the next frame go out, and only what was taken is acknowledged to the server, which sends no more than its window
// ahead of that: so what waits here is bounded by the windows. Frames grow while answers come fast and shrink when they
// are slow. Every frame costs the window a layout, so while somebody types in it there are few of them, and small ones.

/** Asks a terminal for its status (DSR); it answers ALIVE as if that were typed. */
export const PROBE = "\u001b[5n";
export const ALIVE = "\u001b[0n";

export interface FlowOptions {
  /** Write to the terminal. */
  readonly write: (text: string) => void;
  /** Call back after `ms`; the result cancels it. */
  readonly timer: (ms: number, callback: () => void) => () => void;
  readonly now: () => number;
  /** Whether somebody types elsewhere in the window just now. */
  readonly isTyping: () => boolean;
}

interface Piece {
  readonly text: string;
  readonly taken: (() => void) | undefined;
}

/** A frame of a screen at 60 Hz: more often would not be seen. */
const FRAME_MS = 16;
/** The same while somebody types: output that goes by faster than it can be read may do so in larger steps. */
const TYPING_FRAME_MS = 200;
const SMALLEST_FRAME = 8 * 1024;
const LARGEST_FRAME = 256 * 1024;
const FIRST_FRAME = 64 * 1024;
/** Answers faster than this let frames grow, slower than SLOW_MS let them shrink. */
const FAST_MS = 20;
const SLOW_MS = 60;
/** A terminal that answers nothing (none does so while its output is in an unfinished escape sequence) gets a frame per this. */
const NO_ANSWER_MS = 1000;

export class Flow {
  readonly #options: FlowOptions;
  readonly #sequence = new SequenceTracker();
  #waiting: Piece[] = [];
  #waitingCharacters = 0;
  #frame = FIRST_FRAME;
  #cancelTimer: (() => void) | undefined;
  #lastWrite = Number.NEGATIVE_INFINITY;
  #unanswered: { readonly pieces: readonly Piece[]; readonly since: number } | undefined;
  #closed = false;

  constructor(options: FlowOptions) {
    this.#options = options;
  }

  /** Characters that wait. */
  get waitingCharacters(): number {
    return this.#waitingCharacters;
  }

  /** Queue text; `taken` is called once the terminal has it. */
  push(text: string, taken?: () => void): void {
    if (this.#closed) return;
    this.#waiting.push({ text, taken });
    this.#waitingCharacters += text.length;
    this.#schedule();
  }

  /** Take what the terminal sends; returns what of it was typed. */
  input(data: string): string {
    if (this.#unanswered === undefined || !data.includes(ALIVE)) return data;
    this.#answered(this.#options.now());
    return data.replace(ALIVE, "");
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#waiting = [];
    this.#waitingCharacters = 0;
  }

  #schedule(): void {
    if (this.#cancelTimer !== undefined || this.#unanswered !== undefined || this.#waiting.length === 0) return;
    const frameMs = this.#options.isTyping() ? TYPING_FRAME_MS : FRAME_MS;
    const pause = this.#lastWrite + frameMs - this.#options.now();
    if (pause <= 0) this.#write();
    else
      this.#wait(pause, () => {
        this.#write();
      });
  }

  #wait(ms: number, callback: () => void): void {
    this.#cancelTimer = this.#options.timer(ms, () => {
      this.#cancelTimer = undefined;
      callback();
    });
  }

  #write(): void {
    const pieces = this.#nextFrame();
    const text = pieces.map((piece) => piece.text).join("");
    const now = this.#options.now();
    this.#lastWrite = now;
    this.#unanswered = { pieces, since: now };
    const safe = this.#sequence.feed(text);
    this.#options.write(safe === undefined ? text : text.slice(0, safe) + PROBE + text.slice(safe));
    this.#wait(NO_ANSWER_MS, () => {
      this.#answered(this.#options.now());
    });
  }

  #nextFrame(): readonly Piece[] {
    const most = this.#options.isTyping() ? SMALLEST_FRAME : this.#frame;
    let characters = 0;
    let count = 0;
    for (const piece of this.#waiting) {
      if (count > 0 && characters + piece.text.length > most) break;
      characters += piece.text.length;
      count++;
    }
    this.#waitingCharacters -= characters;
    return this.#waiting.splice(0, count);
  }

  #answered(now: number): void {
    const frame = this.#unanswered;
    if (frame === undefined) return;
    this.#unanswered = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const took = now - frame.since;
    if (took > SLOW_MS) this.#frame = Math.max(SMALLEST_FRAME, this.#frame / 2);
    else if (took < FAST_MS) this.#frame = Math.min(LARGEST_FRAME, this.#frame * 1.25);
    for (const { taken } of frame.pieces) taken?.();
    if (!this.#closed) this.#schedule();
  }
}

/**
 * Follows where escape sequences begin and end, so that a probe is never put into the middle of one.
 * Source: ECMA-48, and the state diagram of DEC-compatible parsers (vt100.net/emu/dec_ansi_parser).
 */
export class SequenceTracker {
  #state: SequenceState = "text";

  /** Feed text; returns the last index in it at which no sequence is unfinished, or undefined if there is none. */
  feed(text: string): number | undefined {
    let safe = this.#state === "text" ? 0 : undefined;
    let index = 0;
    while (index < text.length) {
      if (this.#state === "text") {
        const next = text.indexOf("\u001b", index);
        if (next === -1) return text.length;
        safe = next;
        this.#state = "escape";
        index = next + 1;
        continue;
      }
      this.#state = after(this.#state, text.charCodeAt(index));
      index++;
      if (this.#state === "text") safe = index;
    }
    return safe;
  }
}

type SequenceState = "text" | "escape" | "control" | "string";

/** The state after a character within a sequence. */
function after(state: SequenceState, code: number): SequenceState {
  if (code === 0x18 || code === 0x1a) return "text"; // CAN and SUB abandon every sequence
  if (code === 0x1b) return "escape"; // also ends a string: ESC \ is no more than that, and so is any other sequence
  if (state === "string") return code === 0x07 ? "text" : state;
  if (state === "control") return code >= 0x40 && code <= 0x7e ? "text" : state;
  if (code === 0x5b) return "control";
  if (code === 0x5d || code === 0x50 || code === 0x58 || code === 0x5e || code === 0x5f) return "string"; // OSC, DCS, …
  return code >= 0x30 && code <= 0x7e ? "text" : state; // below are intermediates, after which it goes on
}
