// Where the server may be, and whether it is there.
//
// Candidates are looked at in order, and each that is none says why: one message can then tell all of it. Knows nothing
// of VS Code; that gives the candidates.

import { execFile } from "node:child_process";

import { NoServerError } from "./failures.js";
import { t } from "./words.js";

export interface Candidate {
  /** Where it comes from, for people: "the setting remotecmd.pythonPath". */
  readonly where: string;
  readonly program: string;
  /** "python" has to have the server's packages; "server" is the server's own program. */
  readonly kind: "python" | "server";
  /** The user named it, so nothing else is looked for when it doesn't work. */
  readonly isChosen?: boolean;
}

export interface Found {
  readonly candidate: Candidate;
  readonly args: readonly string[];
}

/** What a candidate turned out to be. */
export type Looked =
  | { readonly kind: "server"; readonly version: string }
  | { readonly kind: "python"; readonly version: string; readonly hasServer: boolean }
  | { readonly kind: "nothing"; readonly why: string };

export type Look = (candidate: Candidate) => Promise<Looked>;

/** -P: a package in the directory that it is started in must not be taken for the server. Python has it since 3.11. */
export const PYTHON_ARGS: readonly string[] = ["-P", "-m", "rpc_server"];
export const OLDEST_PYTHON = [3, 11] as const;

const PROBE_TIMEOUT_MS = 15_000;
const PROBE = `import sys, importlib.util as u
sys.path[:] = [p for p in sys.path if p]
print("%d.%d" % sys.version_info[:2], int(u.find_spec("rpc_server") is not None))`;

/** The first candidate that is a server. Rejects with a NoServerError that has what is wrong with each. */
export async function findServer(candidates: readonly Candidate[], look: Look, canInstall: boolean): Promise<Found> {
  const tried: string[] = [];
  for (const candidate of candidates) {
    const looked = await look(candidate);
    const why = lack(looked);
    if (why === undefined) return { candidate, args: candidate.kind === "python" ? PYTHON_ARGS : [] };
    tried.push(`${candidate.where} (${candidate.program}): ${why}`);
    if (candidate.isChosen === true) throw new NoServerError(tried, false, candidate.where);
  }
  throw new NoServerError(tried, canInstall);
}

/** The first candidate that is a Python in which the server could be installed. */
export async function findPython(candidates: readonly Candidate[], look: Look): Promise<string> {
  const tried: string[] = [];
  for (const candidate of candidates.filter(({ kind }) => kind === "python")) {
    const looked = await look(candidate);
    if (looked.kind === "python" && isNewEnough(looked.version)) return candidate.program;
    tried.push(`${candidate.where} (${candidate.program}): ${lack(looked) ?? ""}`);
  }
  throw new NoServerError(tried, false);
}

/** What a candidate lacks to be the server; undefined if nothing. */
function lack(looked: Looked): string | undefined {
  switch (looked.kind) {
    case "server":
      return undefined;
    case "nothing":
      return looked.why;
    default:
      if (!isNewEnough(looked.version)) return t("is Python {0}, and 3.11 or newer is needed", looked.version);
      return looked.hasServer ? undefined : t("does not have the package remotecmd");
  }
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1]);
}

/** Ask a program what it is, in a directory that has nothing of the user's. */
export function lookIn(cwd: string): Look {
  return ({ program, kind }) =>
    new Promise((done) => {
      const args = kind === "python" ? ["-c", PROBE] : ["--version"];
      execFile(program, args, { cwd, timeout: PROBE_TIMEOUT_MS }, (error, stdout, stderr) => {
        done(error === null ? understood(kind, stdout) : { kind: "nothing", why: reasonOf(error, stderr) });
      });
    });
}

function understood(kind: Candidate["kind"], stdout: string): Looked {
  if (kind === "server") {
    const version = /^remotecmd (\S+)/.exec(stdout)?.[1];
    return version === undefined ? { kind: "nothing", why: t("is something else") } : { kind, version };
  }
  const [, version, hasServer] = /^(\d+\.\d+) ([01])/.exec(stdout) ?? [];
  return version === undefined
    ? { kind: "nothing", why: t("is no Python") }
    : { kind, version, hasServer: hasServer === "1" };
}

function reasonOf(
  error: { readonly code?: unknown; readonly killed?: boolean; readonly message: string },
  stderr: string,
): string {
  if (error.code === "ENOENT") return t("is not there");
  if (error.code === "EACCES") return t("may not be run");
  if (error.killed === true) return t("did not answer in time");
  return stderr.trim().split("\n").at(-1) ?? error.message;
}

/** Taken out of the environment of the server: they steer the editor's own processes, and would steer its commands. */
export function withoutEditor(env: NodeJS.ProcessEnv): Record<string, undefined> {
  const ours = /^(VSCODE_|ELECTRON_)|^(NODE_OPTIONS|NODE_EXEC_PATH)$/;
  return Object.fromEntries(
    Object.keys(env)
      .filter((key) => ours.test(key))
      .map((key) => [key, undefined]),
  );
}
