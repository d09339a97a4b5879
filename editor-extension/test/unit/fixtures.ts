// What several tests need: the real server of this checkout, a fleet on it, and a viewer that writes down what it is shown.

import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Fleet, type FleetEvent, type FleetOptions, type Memory } from "../../src/fleet.js";
import type { Viewer } from "../../src/follow.js";
import type { Gap, Process, Stream } from "../../src/protocol.js";
import { connect, type Server } from "../../src/server.js";

export const root = resolve(import.meta.dirname, "../../..");
export const python = join(root, process.platform === "win32" ? ".venv/Scripts/python.exe" : ".venv/bin/python");

export const WINDOW_BYTES = 65_536;

export class MapMemory implements Memory {
  readonly kept = new Map<string, unknown>();

  get(key: string): unknown {
    return this.kept.get(key);
  }

  set(key: string, value: unknown): void {
    this.kept.set(key, structuredClone(value));
  }
}

export class TestFleet extends Fleet {
  readonly events: FleetEvent[];
  readonly servers: Server[];

  constructor(more: Partial<FleetOptions> = {}) {
    const servers: Server[] = [];
    super({
      connect: async () => {
        const server = await connect({ python, cwd: root, outputWindowBytes: WINDOW_BYTES });
        servers.push(server);
        return server;
      },
      memory: new MapMemory(),
      now: Date.now,
      sleep: (ms) => sleep(ms, undefined, { ref: false }),
      log: () => undefined,
      windowBytes: WINDOW_BYTES,
      ...more,
    });
    this.servers = servers;
    this.events = [];
    this.onEvent((event) => this.events.push(event));
  }

  /** End the server that is there, without a chance for it to do anything. */
  kill(): void {
    const pid = this.servers.at(-1)?.pid;
    if (pid === undefined) throw new Error("no server is there");
    process.kill(pid, "SIGKILL");
  }

  /** The first event, past or to come, that `wanted` accepts. */
  event(wanted: (event: FleetEvent) => boolean): Promise<FleetEvent> {
    const past = this.events.find(wanted);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((done) => {
      const registration = this.onEvent((event) => {
        if (!wanted(event)) return;
        registration.dispose();
        done(event);
      });
    });
  }
}

export class Transcript implements Viewer {
  readonly next = { stdout: 0, stderr: 0 };
  readonly taken = { stdout: 0, stderr: 0 };
  readonly text = { stdout: "", stderr: "" };
  readonly gaps: Gap[] = [];
  readonly connections: string[] = [];
  readonly ended: Promise<Process | undefined>;
  /** Called after each piece that it was shown. */
  shown: () => void = () => undefined;
  #end!: (process: Process | undefined) => void;

  constructor() {
    this.ended = new Promise((done) => (this.#end = done));
  }

  show(text: string, stream: Stream, end: number): void {
    this.text[stream] += text;
    this.taken[stream] = end;
    this.shown();
  }

  gap(gap: Gap): void {
    this.gaps.push(gap);
    this.taken[gap.stream] = gap.to;
  }

  connection(state: string): void {
    this.connections.push(state);
  }

  failed(error: unknown): void {
    throw error as Error;
  }

  end(process: Process | undefined): void {
    this.#end(process);
  }

  /** Settles when it was shown so much. */
  async reaches(characters: number): Promise<void> {
    while (this.text.stdout.length < characters)
      await new Promise<void>((done) => {
        this.shown = done;
      });
    this.shown = () => undefined;
  }
}
