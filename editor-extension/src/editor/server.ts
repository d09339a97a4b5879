// Starts the server for the editor: finds it, and tells the user what to do when that fails.

import * as vscode from "vscode";

import { NoServerError } from "../failures.js";
import { findPython, findServer, type Found, lookIn, withoutEditor } from "../finding.js";
import type { Trace } from "../protocol.js";
import { connect, type Server } from "../server.js";
import { installServer, mayInstall } from "./install.js";
import { candidates, wheel } from "./python.js";

/** Most output of a stream that is on its way to a terminal: some frames, so that a fast terminal never waits. */
export const WINDOW_BYTES = 512 * 1024;

export async function startServer(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<Server> {
  const { candidate, args } = await find(context, log);
  log.info(`server: ${[candidate.program, ...args].join(" ")} (${candidate.where})`);
  const { id, packageJSON } = context.extension as { id: string; packageJSON: { version: string } };
  return connect({
    python: candidate.program,
    args,
    cwd: context.extensionPath,
    env: withoutEditor(process.env),
    outputWindowBytes: WINDOW_BYTES,
    clientInfo: { name: id, version: packageJSON.version },
    trace: traceOf(log.logLevel),
    onLog: (text) => {
      log.info(text.trimEnd());
    },
  });
}

async function find(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<Found> {
  const look = lookIn(context.extensionPath);
  const all = await candidates(context);
  try {
    return await findServer(all, look, false);
  } catch (error) {
    if (!(error instanceof NoServerError) || error.chosen !== undefined) throw error;
    log.info(error.message);
    const canInstall = (await wheel(context)) !== undefined && (await hasPython(all, look));
    if (!canInstall) throw error;
    if (mayInstall(context) && (await installServer(context, log)))
      return findServer(await candidates(context), look, true);
    throw new NoServerError(error.tried, true);
  }
}

async function hasPython(
  all: Parameters<typeof findPython>[0],
  look: Parameters<typeof findPython>[1],
): Promise<boolean> {
  return findPython(all, look).then(
    () => true,
    () => false,
  );
}

/** What the server traces, for a level of the log. */
export function traceOf(level: vscode.LogLevel): Trace {
  return level === vscode.LogLevel.Trace ? "verbose" : level === vscode.LogLevel.Debug ? "messages" : "off";
}
