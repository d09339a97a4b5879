// One run that is watched: gives each viewer every byte once, at whatever offset it began, over any number of servers.
//
// A server follows a run once for a connection, so viewers share it: it begins at the lowest offset that a viewer lacks,
// and each viewer is given only what it has not had. Sans-I/O: what it asks of the server is given.

import type { Connection, Gap, Offsets, Output, Process, Stream } from "./protocol.js";
import { decode } from "./screen.js";

/** Shows one run. */
export interface Viewer {
  /** Where it is: what it is given next begins here. It is moved by the follow only. */
  readonly next: Record<Stream, number>;
  /** What it has processed, by its own account. */
  readonly taken: Record<Stream, number>;
  show(text: string, stream: Stream, end: number): void;
  gap(gap: Gap): void;
  /** How its container is reached. */
  connection(state: Connection["state"], detail: string): void;
  /** It can't be watched now. `isFinal`: nor later, so nothing comes after it. */
  failed(error: unknown, isFinal: boolean): void;
  /** It ended; undefined when a new run has taken its place. Nothing comes after it. */
  end(process: Process | undefined): void;
}

export interface FollowOptions {
  readonly runId: string;
  /** Ask the server to begin at the offsets, or to begin anew there. */
  readonly attach: (from: Offsets) => Promise<{ readonly process: Process }>;
  readonly acknowledge: (stream: Stream, offset: number) => void;
  /** Nobody watches any more, or the end was told. */
  readonly done: () => void;
  /** Whether to attach will never do, as far as the error tells. */
  readonly isFinal: (error: unknown) => boolean;
  /** Acknowledge in steps of so many bytes. */
  readonly stepBytes: number;
}

const STREAMS: readonly Stream[] = ["stdout", "stderr"];

export class Follow {
  readonly #options: FollowOptions;
  readonly #viewers = new Set<Viewer>();
  #acknowledged: Record<Stream, number> = { stdout: 0, stderr: 0 };
  /** How far the server has told; what it has not told it lets nobody acknowledge. */
  #told: Record<Stream, number> = { stdout: 0, stderr: 0 };
  #attaching = 0;
  #isBroken = false;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  get runId(): string {
    return this.#options.runId;
  }

  /** Whether the last attach failed, so that nothing comes until the next one. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Watch from the viewer's offsets on. */
  async add(viewer: Viewer): Promise<void> {
    this.#viewers.add(viewer);
    await this.resume();
  }

  remove(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    if (this.#viewers.size === 0) this.#options.done();
    else this.takenBy();
  }

  /** A server is there that knows nothing of this, or a viewer lacks what was told before it came. */
  async resume(): Promise<void> {
    if (this.#viewers.size === 0) return;
    const from = { stdout: this.#lowest("next", "stdout"), stderr: this.#lowest("next", "stderr") };
    this.#acknowledged = { ...from };
    this.#told = { ...from };
    this.#attaching++;
    this.#isBroken = false;
    try {
      const { process } = await this.#options.attach(from);
      if (process.runId !== this.runId) this.#finish(undefined);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#attaching--;
    }
  }

  output({ stream, offset, data, encoding }: Output): void {
    const size = Buffer.byteLength(data, encoding ?? "utf8");
    const end = offset + size;
    this.#told[stream] = end;
    let missed = false;
    for (const viewer of this.#viewers) {
      const next = viewer.next[stream];
      if (end <= next) continue;
      if (offset > next) {
        missed = true; // An attach that is under way tells it from its own offset on.
        continue;
      }
      viewer.next[stream] = end;
      const text =
        offset === next
          ? decode(data, encoding)
          : Buffer.from(data, encoding ?? "utf8").toString("utf8", next - offset);
      viewer.show(text, stream, end);
    }
    this.takenBy(); // Of what all viewers had before, nobody takes anything.
    if (missed && this.#attaching === 0) void this.resume();
  }

  gap(gap: Gap): void {
    for (const viewer of this.#viewers) {
      const next = viewer.next[gap.stream];
      if (gap.to <= next || gap.from > next) continue;
      viewer.next[gap.stream] = gap.to;
      viewer.gap(gap.from === next ? gap : { ...gap, from: next });
    }
  }

  connection(state: Connection["state"], detail: string): void {
    for (const viewer of this.#viewers) viewer.connection(state, detail);
  }

  /** The final state. Who joined just now is told it once more, after what it lacks. */
  ended(process: Process): void {
    this.#finish(process, (viewer) => this.#attaching > 0 && lacks(viewer, process.offsets));
  }

  /** A viewer has processed more. */
  takenBy(): void {
    for (const stream of STREAMS) {
      const offset = Math.min(this.#told[stream], this.#lowest("taken", stream));
      if (offset - this.#acknowledged[stream] < this.#options.stepBytes) continue;
      this.#acknowledged[stream] = offset;
      this.#options.acknowledge(stream, offset);
    }
  }

  #lowest(what: "next" | "taken", stream: Stream): number {
    return Math.min(...[...this.#viewers].map((viewer) => viewer[what][stream]));
  }

  #fail(error: unknown): void {
    const isFinal = this.#options.isFinal(error);
    this.#isBroken = true;
    for (const viewer of [...this.#viewers]) {
      if (isFinal) this.#viewers.delete(viewer);
      viewer.failed(error, isFinal);
    }
    if (this.#viewers.size === 0) this.#options.done();
  }

  #finish(process: Process | undefined, waits: (viewer: Viewer) => boolean = () => false): void {
    for (const viewer of [...this.#viewers]) {
      if (waits(viewer)) continue;
      this.#viewers.delete(viewer);
      viewer.end(process);
    }
    if (this.#viewers.size === 0) this.#options.done();
  }
}

function lacks({ next }: Viewer, written: Offsets | undefined): boolean {
  return written !== undefined && (next.stdout < written.stdout || next.stderr < written.stderr);
}
