// All commands of all targets that the user looks at, as far as they are known: the one truth that list, status bar,
// terminals and tasks show.
//
// Every live run is waited for, so its end is told without its output being watched. What the server tells unasked is
// handled in one table. Must not know: VS Code, how a server is found and started.

import { randomUUID } from "node:crypto";

import { explain, failureOf } from "./failures.js";
import { Follow, type Viewer } from "./follow.js";
import { Link, type LinkState } from "./link.js";
import type { Definition, Process, ServerNotifications, StartParams, Target } from "./protocol.js";
import { AnswerError, type Server } from "./server.js";
import { pinned, targetKey } from "./targets.js";
import { isLive } from "./texts.js";
import { t } from "./words.js";

export interface Command {
  /** Names it among all. */
  readonly key: string;
  readonly targetKey: string;
  /** The container that it is in, and no other. */
  readonly target: Target;
  readonly process: Process;
  readonly pidDirectory?: string;
  /** What started it, if that was here. */
  readonly definition?: Definition;
}

export interface Place {
  readonly key: string;
  readonly target: Target;
  /** Why its commands can't be listed. */
  readonly problem?: string;
  readonly connection?: "reconnecting" | "lost";
  readonly isListed: boolean;
  readonly commands: ReadonlyMap<string, Command>;
}

export type FleetEvent =
  | { readonly kind: "places" }
  | { readonly kind: "place"; readonly key: string }
  | { readonly kind: "command"; readonly key: string }
  /** `isAsked`: it was sent a signal from here, so its end is no surprise. */
  | { readonly kind: "ended"; readonly command: Command; readonly isAsked: boolean }
  | { readonly kind: "server"; readonly state: LinkState; readonly error?: unknown };

/** What is kept from session to session. */
export interface Memory {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
}

export interface FleetOptions {
  readonly connect: () => Promise<Server>;
  readonly memory: Memory;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: (level: "error" | "warn" | "info" | "debug", text: string) => void;
  readonly windowBytes: number;
}

interface MutablePlace {
  readonly key: string;
  readonly target: Target;
  problem?: string;
  connection?: "reconnecting" | "lost";
  isListed: boolean;
  readonly commands: Map<string, Command>;
  retries: number;
  /** Whether it is to be listed again after a pause. */
  isWaiting: boolean;
}

const REMEMBERED_PLACES = "targets";
/** After these an end is no surprise. */
const ENDING: ReadonlySet<string> = new Set(["INT", "QUIT", "KILL", "TERM"]);
const FIRST_RETRY_MS = 3_000;
const LONGEST_RETRY_MS = 60_000;

export class Fleet {
  readonly link: Link;
  readonly #options: FleetOptions;
  readonly #places = new Map<string, MutablePlace>();
  readonly #follows = new Map<string, Follow>();
  readonly #awaited = new Set<string>();
  /** Runs that were sent a signal from here. */
  readonly #signalled = new Set<string>();
  readonly #listeners = new Set<(event: FleetEvent) => void>();

  constructor(options: FleetOptions) {
    this.#options = options;
    this.link = new Link({
      connect: options.connect,
      attached: (server) => {
        this.#register(server);
      },
      resumed: () => void this.#resume(),
      changed: (state, error) => {
        this.#emit({ kind: "server", state, error });
      },
      now: options.now,
      sleep: options.sleep,
    });
    const remembered = options.memory.get(REMEMBERED_PLACES);
    for (const target of Array.isArray(remembered) ? (remembered as Target[]) : []) this.#place(target);
  }

  get places(): readonly Place[] {
    return [...this.#places.values()];
  }

  get commands(): readonly Command[] {
    return this.places.flatMap((place) => [...place.commands.values()]);
  }

  command(key: string): Command | undefined {
    return this.commands.find((command) => command.key === key);
  }

  onEvent(listener: (event: FleetEvent) => void): { dispose(): void } {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  }

  // ---------------------------------------------------------------- targets

  /** Put a target on the list and see what is there. */
  async addTarget(target: Target): Promise<void> {
    const place = this.#place(target);
    this.#remember();
    this.#emit({ kind: "places" });
    await this.#list(place);
  }

  /** Take a target off the list. Its commands go on. */
  forgetTarget(key: string): void {
    this.#places.delete(key);
    this.#remember();
    this.#emit({ kind: "places" });
  }

  /** List anew what is in one target, or in all. Never rejects: a place tells its problem. */
  async refresh(key?: string): Promise<void> {
    const places = [...this.#places.values()].filter((place) => key === undefined || place.key === key);
    await Promise.all(places.map((place) => this.#list(place)));
  }

  // ---------------------------------------------------------------- commands

  /** Start a command and put it on the list; `created` is false when it was running already. */
  async start(
    target: Target,
    definition: Definition,
    more: Pick<StartParams, "ifExists" | "waitSeconds" | "gracePeriodSeconds"> = {},
  ): Promise<{ readonly command: Command; readonly created: boolean }> {
    const params: StartParams = { target, definition, runId: randomUUID(), output: { follow: false }, ...more };
    try {
      const { process, created } = await this.link.request("remotecmd/start", params);
      return { command: this.#learn(target, process, definition), created };
    } catch (error) {
      const process = failureOf(error)?.process;
      if (process !== undefined && failureOf(error)?.kind === "startFailed") this.#learn(target, process, definition);
      throw error;
    }
  }

  async stop(command: Command, gracePeriodSeconds: number): Promise<Process> {
    const params = { ...named(command), gracePeriodSeconds };
    const { process } = await this.link.request("remotecmd/stop", params);
    this.#update(command, process);
    return process;
  }

  async signal(command: Command, signal: string): Promise<void> {
    if (command.process.runId !== undefined && ENDING.has(signal)) this.#signalled.add(command.process.runId);
    const { process } = await this.link.request("remotecmd/signal", { ...named(command), signal });
    this.#update(command, process);
  }

  async remove(command: Command): Promise<void> {
    await this.link.request("remotecmd/remove", named(command));
    this.#drop(command);
  }

  /** Send what was typed to a command's standard input. What did not arrive when the connection broke is not sent again. */
  async write(command: Command, data: string): Promise<void> {
    const { written } = await this.link.request("remotecmd/write", { ...named(command), data });
    const size = Buffer.byteLength(data);
    if (written < size) throw new Error(t("The connection broke: {0} of {1} bytes arrived.", written, size));
  }

  async closeStdin(command: Command): Promise<void> {
    await this.link.request("remotecmd/closeStdin", named(command));
  }

  /** What is known of a command that somebody named; undefined when there is none. */
  async find(target: Target, id: string, pidDirectory?: string): Promise<Command | undefined> {
    const params = { target, id, ...(pidDirectory !== undefined && { pidDirectory }) };
    const { process } = await this.link.request("remotecmd/status", params);
    if (process === undefined || process.state === "absent") return undefined;
    return this.#learn(target, process, undefined, pidDirectory);
  }

  /** Show the run that the command has now to a viewer, from the viewer's offsets on. The result ends that. */
  watch(command: Command, viewer: Viewer): () => void {
    const { runId } = command.process;
    if (runId === undefined) {
      viewer.end(command.process);
      return () => undefined;
    }
    let follow = this.#follows.get(runId);
    if (follow === undefined) {
      follow = this.#follow(command, runId);
      this.#follows.set(runId, follow);
    }
    const it = follow;
    void it.add(viewer);
    return () => {
      it.remove(viewer);
    };
  }

  /** Go on with a run that could not be watched when that was tried. */
  watchAgain(runId: string | undefined): void {
    const follow = this.#follows.get(runId ?? "");
    if (follow?.isBroken === true) void follow.resume();
  }

  /** A viewer of the run has processed more. */
  taken(runId: string): void {
    this.#follows.get(runId)?.takenBy();
  }

  async close(): Promise<void> {
    await this.link.close();
  }

  // ---------------------------------------------------------------- what the server tells

  readonly #handlers: { readonly [N in keyof ServerNotifications]: (params: ServerNotifications[N]) => void } = {
    "remotecmd/output": (output) => this.#follows.get(output.runId)?.output(output),
    "remotecmd/gap": (gap) => this.#follows.get(gap.runId)?.gap(gap),
    "remotecmd/statusChanged": ({ process }) => {
      const command = this.commands.find((it) => it.process.runId === process.runId);
      if (command !== undefined) this.#update(command, process);
      if (process.runId !== undefined && !isLive(process)) this.#follows.get(process.runId)?.ended(process);
    },
    "remotecmd/connection": ({ target, state, detail }) => {
      const place = this.#places.get(targetKey(target));
      if (place === undefined) return;
      if (state === "connected") delete place.connection;
      else place.connection = state;
      for (const { process } of place.commands.values())
        this.#follows.get(process.runId ?? "")?.connection(state, detail);
      this.#emit({ kind: "place", key: place.key });
    },
    "$/progress": () => undefined, // none is asked for
    "window/logMessage": ({ type, message }) => {
      this.#options.log(type === 1 ? "error" : type === 2 ? "warn" : type === 3 ? "info" : "debug", message);
    },
    "$/logTrace": ({ message, verbose }) => {
      this.#options.log("debug", verbose === undefined ? message : `${message} ${verbose}`);
    },
  };

  #register(server: Server): void {
    for (const name of Object.keys(this.#handlers) as (keyof ServerNotifications)[])
      server.on(name, this.#handlers[name] as (params: unknown) => void);
  }

  /** A new server knows nothing: list anew what was listed, and go on with what was watched. */
  async #resume(): Promise<void> {
    await Promise.all([this.refresh(), ...[...this.#follows.values()].map((follow) => follow.resume())]);
  }

  // ---------------------------------------------------------------- inside

  #follow(command: Command, runId: string): Follow {
    return new Follow({
      runId,
      attach: async (from) => {
        const attached = await this.link.request("remotecmd/attach", { ...named(command), from });
        const other = attached.process.runId;
        if (other !== undefined && other !== runId && !this.#follows.has(other)) this.#detach(other);
        return attached;
      },
      acknowledge: (stream, offset) => void this.link.current?.notify("remotecmd/ack", { runId, stream, offset }),
      done: () => {
        if (this.#follows.delete(runId)) this.#detach(runId);
      },
      isFinal: (error) => error instanceof AnswerError && failureOf(error)?.retryable !== true,
      stepBytes: this.#options.windowBytes / 4,
    });
  }

  /** Have a run followed no more. A server that is gone follows nothing. */
  #detach(runId: string): void {
    this.link.current?.request("remotecmd/detach", { runId }).catch(() => undefined);
  }

  async #list(place: MutablePlace): Promise<void> {
    const { target } = place;
    const before = new Map(place.commands);
    // What was learnt of a command while the list was being made is newer than the list.
    const isAsBefore = (key: string): boolean => before.get(key) === place.commands.get(key);
    try {
      const { processes } = await this.link.request("remotecmd/list", { target });
      const elsewhere = [...place.commands.values()].filter((it) => it.pidDirectory !== undefined);
      const found = new Set(elsewhere.map((it) => it.key));
      for (const process of processes) {
        const key = commandKey(place.key, process.id);
        found.add(key);
        if (isAsBefore(key)) this.#learn(target, process);
      }
      for (const command of place.commands.values())
        if (!found.has(command.key) && isAsBefore(command.key)) this.#drop(command);
      for (const command of elsewhere)
        if ((await this.find(target, command.process.id, command.pidDirectory)) === undefined) this.#drop(command);
      delete place.problem;
      delete place.connection; // nobody tells of a new connection to what nobody follows
      place.retries = 0;
      place.isListed = true;
      for (const { process } of place.commands.values()) this.watchAgain(process.runId);
    } catch (error) {
      place.problem = explain(error).message;
      if (failureOf(error)?.retryable === true) this.#retry(place);
    }
    this.#emit({ kind: "place", key: place.key });
  }

  #retry(place: MutablePlace): void {
    if (place.isWaiting) return;
    place.isWaiting = true;
    const pause = Math.min(FIRST_RETRY_MS * 2 ** place.retries++, LONGEST_RETRY_MS);
    void this.#options.sleep(pause).then(async () => {
      place.isWaiting = false;
      const isStillThere = this.#places.get(place.key) === place && place.problem !== undefined;
      if (isStillThere && this.link.state === "ready") await this.#list(place);
    });
  }

  #place(target: Target): MutablePlace {
    const key = targetKey(target);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place: MutablePlace = { key, target, isListed: false, commands: new Map(), retries: 0, isWaiting: false };
    this.#places.set(key, place);
    return place;
  }

  /** Take in what is known of a command, whether it was known or not. */
  #learn(asked: Target, process: Process, definition?: Definition, pidDirectory = definition?.pidDirectory): Command {
    const target = pinned(asked, process.target);
    const isNewPlace = !this.#places.has(targetKey(target));
    const place = this.#place(target);
    const key = commandKey(place.key, process.id, pidDirectory);
    const known = place.commands.get(key);
    const what =
      definition ?? (known !== undefined && isSameSpec(known.process, process) ? known.definition : undefined);
    const command: Command = {
      key,
      targetKey: place.key,
      target,
      process,
      ...(pidDirectory !== undefined && { pidDirectory }),
      ...(what !== undefined && { definition: what }),
    };
    place.commands.set(key, command);
    if (isNewPlace) {
      this.#remember();
      this.#emit({ kind: "places" });
      void this.#list(place);
    } else if (known === undefined) this.#emit({ kind: "place", key: place.key });
    else if (JSON.stringify(known.process) !== JSON.stringify(process)) this.#emit({ kind: "command", key });
    const hasEnded = known === undefined ? process.state === "startFailed" : isLive(known.process) && !isLive(process);
    if (hasEnded) this.#emit({ kind: "ended", command, isAsked: this.#signalled.delete(process.runId ?? "") });
    this.#awaitEnd(command);
    return command;
  }

  #update(command: Command, process: Process): void {
    const isCurrent = this.#places.get(command.targetKey)?.commands.get(command.key)?.process.runId === process.runId;
    if (isCurrent) this.#learn(command.target, process, undefined, command.pidDirectory);
  }

  #drop(command: Command): void {
    if (this.#places.get(command.targetKey)?.commands.delete(command.key) === true)
      this.#emit({ kind: "place", key: command.targetKey });
  }

  /** Have the end of a live run told. */
  #awaitEnd(command: Command): void {
    const { runId } = command.process;
    if (runId === undefined || !isLive(command.process) || this.#awaited.has(runId)) return;
    this.#awaited.add(runId);
    this.link
      .request("remotecmd/wait", named(command))
      .then(({ process }) => {
        this.#awaited.delete(runId);
        this.#update(command, process);
      })
      .catch((error: unknown) => {
        this.#awaited.delete(runId);
        const place = this.#places.get(command.targetKey);
        this.#options.log("debug", `waiting for ${command.process.id}: ${explain(error).message}`);
        if (place !== undefined && this.link.state === "ready") void this.#list(place);
      });
  }

  #remember(): void {
    this.#options.memory.set(
      REMEMBERED_PLACES,
      [...this.#places.values()].map((place) => place.target),
    );
  }

  #emit(event: FleetEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

/** Whether both were started with the same definition, as far as is known: an id may be started anew with another. */
export function isSameSpec(a: Pick<Process, "specHash">, b: Pick<Process, "specHash">): boolean {
  return a.specHash === undefined || b.specHash === undefined || a.specHash === b.specHash;
}

function commandKey(placeKey: string, id: string, pidDirectory?: string): string {
  return `${placeKey}/${id}${pidDirectory === undefined ? "" : `@${pidDirectory}`}`;
}

/** The params that name a command. */
function named(command: Command): { target: Target; id: string; pidDirectory?: string } {
  const { target, process, pidDirectory } = command;
  return { target, id: process.id, ...(pidDirectory !== undefined && { pidDirectory }) };
}

export function liveOf(commands: readonly Command[]): readonly Command[] {
  return commands.filter(({ process }) => isLive(process));
}
