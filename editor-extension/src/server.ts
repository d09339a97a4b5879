// The server as a child process, and the JSON-RPC connection over its standard streams.
//
// Knows nothing of VS Code, so that it can be tested against the real server, and names no method of the protocol but
// those of its life: the protocol's types are generated (protocol.ts), not written here.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import type { MessageConnection } from "vscode-jsonrpc/node";

import type {
  Empty,
  InitializeParams,
  InitializeResult,
  Notifications,
  Requests,
  ServerNotifications,
  Trace,
} from "./protocol.js";

/** An error that the server answered with. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** The version of the contract that protocol.ts was generated from. */
export const PROTOCOL_VERSION = 1;

/** The server ended before it answered `initialize`. */
export class ServerEndedError extends Error {
  override readonly name = "ServerEndedError";
  /** Its exit code; null if a signal ended it. */
  readonly exitCode: number | null;
  /** The last that it wrote to its log. */
  readonly lastWords: string;

  constructor(exitCode: number | null, lastWords: string) {
    super(`the server ended before it was ready (exit code ${String(exitCode)})`);
    this.exitCode = exitCode;
    this.lastWords = lastWords;
  }
}

/** What was started does not speak the protocol, or hangs. */
export class SilentServerError extends Error {
  override readonly name = "SilentServerError";
}

/** The server speaks another version of the contract. */
export class ProtocolMismatchError extends Error {
  override readonly name = "ProtocolMismatchError";
  readonly theirs: number;
  readonly serverVersion: string;

  constructor(theirs: number, serverVersion: string) {
    super(`the server speaks version ${String(theirs)} of the protocol, not ${String(PROTOCOL_VERSION)}`);
    this.theirs = theirs;
    this.serverVersion = serverVersion;
  }
}

/** Params as the rest of the arguments: those that have no fields may be left out. */
type Given<Params> = Params extends undefined ? [] : Params extends Empty ? [params?: Params] : [params: Params];

export interface ServerOptions {
  /** The Python that has the server's packages installed. */
  readonly python: string;
  /** Its arguments; `-m rpc_server` if left out. */
  readonly args?: readonly string[];
  /** Where the server is started; this process's directory if left out. */
  readonly cwd?: string;
  /** Added to this process's environment; what is undefined is taken out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gets what the server logs, in pieces as they come. */
  readonly onLog?: (text: string) => void;
  /** How long `dispose` waits for an orderly exit before it ends the process. */
  readonly exitTimeoutMs?: number;
  /** How long the server has to answer `initialize`. */
  readonly startTimeoutMs?: number;
  /** Asks for flow control; see `ClientCapabilities`. */
  readonly outputWindowBytes?: number;
  readonly clientInfo?: InitializeParams["clientInfo"];
  readonly trace?: Trace;
}

export interface Server {
  /** Process id of the server. */
  readonly pid: number | undefined;
  /** The result of `initialize`. */
  readonly initialized: InitializeResult;
  /** Send a request; rejects with an `AnswerError` when the server answers with an error. */
  request<Method extends keyof Requests>(
    method: Method,
    ...params: Given<Requests[Method]["params"]>
  ): Promise<Requests[Method]["result"]>;
  notify<Name extends keyof Notifications>(name: Name, ...params: Given<Notifications[Name]>): Promise<void>;
  /** Call `handler` for every notification of that name, until the returned function is called. */
  on<Name extends keyof ServerNotifications>(
    name: Name,
    handler: (params: ServerNotifications[Name]) => void,
  ): () => void;
  /** Settles with the exit code when the server has ended, by `dispose` or by itself; null if a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Shut the server down; commands that it started live on. Safe to call more than once. */
  dispose(): Promise<void>;
}

type ServerProcess = ChildProcessByStdio<Writable, Readable, Readable>;

const DEFAULT_EXIT_TIMEOUT_MS = 5_000;
/** A cold Python on a busy machine takes seconds. */
const DEFAULT_START_TIMEOUT_MS = 60_000;
/** How long a server whose pipes are broken is given to be gone. */
const ENDING_MS = 2_000;
/** Enough for the end of a traceback. */
const LAST_WORDS_CHARACTERS = 2_000;

/** Start the server and initialize the connection. Rejects, with nothing left running, when either fails. */
export async function connect(options: ServerOptions): Promise<Server> {
  // Loaded here: it is half of what the extension's activation would load, and a window that opens needs no server.
  const jsonrpc = await import("vscode-jsonrpc/node");
  const child = spawn(options.python, options.args ?? ["-m", "rpc_server"], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let lastWords = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    lastWords = (lastWords + text).slice(-LAST_WORDS_CHARACTERS);
    options.onLog?.(text);
  });
  await once(child, "spawn"); // rejects with the error of a program that can't be started
  const connection = jsonrpc.createMessageConnection(
    new jsonrpc.StreamMessageReader(child.stdout),
    new jsonrpc.StreamMessageWriter(child.stdin),
  );
  // The library has errors of its own, with codes of their own, for what a connection does.
  const isOfConnection = (code: number): boolean =>
    code >= jsonrpc.ErrorCodes.MessageWriteError && code <= jsonrpc.ErrorCodes.ConnectionInactive;
  // Spread, so that params that are not given are left out: `sendRequest(method, undefined)` would send a null.
  const request = <Result>(method: string, ...params: readonly unknown[]): Promise<Result> =>
    connection.sendRequest<Result>(method, ...params).catch((error: unknown) => {
      if (!(error instanceof jsonrpc.ResponseError) || isOfConnection(error.code)) throw error;
      throw new AnswerError(error.code, error.message, error.data);
    });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  // Its streams have ended, too: nothing answers any more, so pending requests reject instead of waiting for ever.
  const closed = once(child, "close");
  void closed.then(() => {
    connection.dispose();
  });
  connection.listen();

  let disposed: Promise<void> | undefined;
  try {
    const { clientInfo, trace, outputWindowBytes } = options;
    const params: InitializeParams = {
      processId: process.pid,
      protocolVersion: PROTOCOL_VERSION,
      capabilities: outputWindowBytes === undefined ? {} : { outputWindowBytes },
      ...(clientInfo && { clientInfo }),
      ...(trace && { trace }),
    };
    const answer = request<InitializeResult>("initialize", params);
    if (!(await within(options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS, answer)))
      throw new SilentServerError("the program that was started as the server does not answer");
    const initialized = await answer;
    if (initialized.protocolVersion !== PROTOCOL_VERSION)
      throw new ProtocolMismatchError(initialized.protocolVersion, initialized.serverInfo.version);
    await connection.sendNotification("initialized", {});
    return {
      pid: child.pid,
      initialized,
      exited,
      request,
      notify: (name, ...params) => connection.sendNotification(name, ...params),
      on: (name, handler) => {
        const registration = connection.onNotification(name, handler);
        return () => {
          registration.dispose();
        };
      },
      dispose: () => (disposed ??= shutDown(child, connection, exited, options.exitTimeoutMs)),
    };
  } catch (error) {
    // A pipe may break before the exit is known, and the last words may be on their way still.
    const hasAnswered = [AnswerError, ProtocolMismatchError, SilentServerError].some((kind) => error instanceof kind);
    const endedByItself = !hasAnswered && (await within(ENDING_MS, closed));
    child.kill();
    const exitCode = await exited;
    throw endedByItself ? new ServerEndedError(exitCode, lastWords) : error;
  }
}

/** Ask for an orderly exit; a server that doesn't go within the time is ended. */
async function shutDown(
  child: ServerProcess,
  connection: MessageConnection,
  exited: Promise<unknown>,
  timeoutMs = DEFAULT_EXIT_TIMEOUT_MS,
): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  try {
    await connection.sendRequest("shutdown");
    await connection.sendNotification("exit");
  } catch {
    // It had ended already, or its streams had: either way only its exit is left to wait for.
    child.kill();
  }
  await exited;
  clearTimeout(timer);
}

/** Whether it settles within the time. */
async function within(ms: number, event: Promise<unknown>): Promise<boolean> {
  const timeout = new AbortController();
  const late = sleep(ms, false, { signal: timeout.signal });
  const isInTime = await Promise.race([event.then(() => true), late.catch(() => false)]);
  timeout.abort();
  return isInTime;
}
