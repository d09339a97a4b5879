// The server that is there now: started when it is first needed, and again when it ended by itself.
//
// Requests that are safe to ask twice are asked again of the next server when the one they went to ended; the others
// reject. Must not know: VS Code, what commands and targets are.

import { planRestart } from "./restarts.js";
import type { Requests } from "./protocol.js";
import { AnswerError, type Server } from "./server.js";

export type LinkState = "idle" | "starting" | "ready" | "restarting" | "failed" | "closed";

export interface LinkOptions {
  /** Start a server and initialize it. */
  readonly connect: () => Promise<Server>;
  /** A server is there: register for its notifications, before it is asked anything. */
  readonly attached: (server: Server) => void;
  /** A server is there in place of one that ended. */
  readonly resumed: () => void;
  readonly changed: (state: LinkState, error?: unknown) => void;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export type Method = keyof Requests;

interface Asked<M extends Method> {
  request(method: M, params: Requests[M]["params"]): Promise<Requests[M]["result"]>;
}

/** What another server would do a second time, or can't know of. */
const ASKED_ONCE: ReadonlySet<Method> = new Set<Method>(["remotecmd/signal", "remotecmd/exec", "remotecmd/write"]);

/** No server is there, and none is started by itself any more: it ended too often. */
export class ServerKeepsEndingError extends Error {
  override readonly name = "ServerKeepsEndingError";
}

/** The server ended while it was asked something that must not be asked twice. */
export class ServerLostError extends Error {
  override readonly name = "ServerLostError";
}

export class Link {
  readonly #options: LinkOptions;
  #state: LinkState = "idle";
  #server: Promise<Server> | undefined;
  #current: Server | undefined;
  #history: readonly number[] = [];
  #hadServer = false;
  /** Counts starts that were asked for, so that a restart that waits gives way to one that a person asks for. */
  #turn = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The server, if it is ready now. */
  get current(): Server | undefined {
    return this.#current;
  }

  /** The server, started if need be. After a failure, asking again tries again. */
  ready(): Promise<Server> {
    if (this.#state === "closed") return Promise.reject(new ServerLostError("closed"));
    if (this.#server === undefined) {
      this.#history = [];
      this.#server = this.#start("starting");
    }
    return this.#server;
  }

  /** Whether the server has the method; undefined as long as there is none. */
  has(method: Method): boolean | undefined {
    return this.#current?.initialized.capabilities.methods.includes(method);
  }

  async request<M extends Method>(method: M, params: Requests[M]["params"]): Promise<Requests[M]["result"]> {
    for (let server = await this.ready(); ; server = await this.#next()) {
      try {
        // All have params here; the compiler can't see it of a method that it doesn't know.
        return await (server as Asked<M>).request(method, params);
      } catch (error) {
        if (error instanceof AnswerError) throw error;
        // Its pipes broke: the exit follows at once, and what comes then has been decided before this goes on.
        await server.exited;
        await Promise.resolve();
        if (ASKED_ONCE.has(method)) throw new ServerLostError(method);
      }
    }
  }

  /** End the server that is there, and start another. */
  async restart(): Promise<void> {
    const old = this.#current;
    this.#current = undefined;
    this.#server = undefined;
    this.#history = [];
    const turn = ++this.#turn;
    const gone = old === undefined ? Promise.resolve() : old.dispose();
    this.#server = gone.then(() =>
      turn === this.#turn ? this.#start(old === undefined ? "starting" : "restarting") : this.ready(),
    );
    await this.#server;
  }

  async close(): Promise<void> {
    const starting = this.#server;
    this.#set("closed");
    this.#current = undefined;
    this.#server = undefined;
    await starting?.then(
      (server) => server.dispose(),
      () => undefined,
    );
  }

  /** The server after one that ended by itself: a request that is asked again must not begin to count anew. */
  #next(): Promise<Server> {
    return this.#server ?? Promise.reject(new ServerKeepsEndingError());
  }

  async #start(state: "starting" | "restarting"): Promise<Server> {
    const turn = ++this.#turn;
    this.#set(state);
    const connected = await this.#options.connect().then(
      (server) => ({ server }),
      (error: unknown) => ({ error }),
    );
    if (this.#isClosed() || turn !== this.#turn) {
      if ("server" in connected) await connected.server.dispose();
      return this.ready(); // the one that was asked for later; there is none once all is closed
    }
    if ("error" in connected) {
      this.#server = undefined;
      this.#set("failed", connected.error);
      throw connected.error;
    }
    const { server } = connected;
    this.#options.attached(server);
    this.#current = server;
    void server.exited.then(() => {
      this.#ended(server);
    });
    this.#set("ready");
    if (this.#hadServer) this.#options.resumed();
    this.#hadServer = true;
    return server;
  }

  #ended(server: Server): void {
    if (this.#current !== server) return; // It was told to end.
    this.#current = undefined;
    const { pauseMs, history } = planRestart(this.#history, this.#options.now());
    this.#history = history;
    if (pauseMs === undefined) {
      this.#server = undefined;
      this.#set("failed", new ServerKeepsEndingError());
      return;
    }
    this.#set("restarting");
    const turn = ++this.#turn;
    this.#server = this.#options
      .sleep(pauseMs)
      .then(() => (turn === this.#turn ? this.#start("restarting") : this.ready()));
    this.#server.catch(() => undefined); // It is told as the state "failed".
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #set(state: LinkState, error?: unknown): void {
    if (this.#isClosed() || (state === this.#state && error === undefined)) return;
    this.#state = state;
    this.#options.changed(state, error);
  }
}
