// Where the tests find what they drive and with what.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** The top of this checkout. */
export const root = resolve(import.meta.dirname, "../../..");

/** The Python that `make setup` installed this checkout's server for. */
export const python = join(root, ".venv/bin/python");

/** The program of VS Code's server; tests/vscode/install prints where it is. */
export function codeServer(): string {
  const installed = process.env["REMOTECMD_CODE_SERVER"];
  if (installed === undefined) throw new Error("REMOTECMD_CODE_SERVER is not set: run the tests by make ui");
  return join(installed, "node_modules/code-server/out/node/entry.js");
}

/** Debian's Chromium, unless another one is named. */
export function chromiumProgram(): string {
  const program = process.env["REMOTECMD_CHROMIUM"] ?? "/usr/bin/chromium";
  if (!existsSync(program)) throw new Error(`${program} is missing: tests/install-packages editor installs it`);
  return program;
}

/** This process's environment for a VS Code that keeps to `directory`, asks no marketplace and knows no outer VS Code. */
export function quietEnvironment(directory: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VSCODE|VITEST|NODE_|npm_)/.test(name));
  return {
    ...Object.fromEntries(inherited),
    // Otherwise a login shell is asked for the environment, and what a test takes away is there again.
    VSCODE_CLI: "1",
    XDG_CONFIG_HOME: join(directory, "xdg"),
    XDG_DATA_HOME: join(directory, "xdg"),
    EXTENSIONS_GALLERY: JSON.stringify({ serviceUrl: "http://127.0.0.1:9/none" }),
  };
}
