// Programs that may be the server, or may have it, in the order in which they are tried.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import * as vscode from "vscode";

import type { Candidate } from "../finding.js";
import { t } from "../words.js";

const PYTHON_EXTENSION = "ms-python.python";
/** It may have to start first, and may wait for something itself. */
const PYTHON_EXTENSION_MS = 5_000;

/** The part of the Python extension's interface that is used (its package @vscode/python-extension). */
interface PythonExtension {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(path: unknown): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
  };
}

export async function candidates(context: vscode.ExtensionContext): Promise<readonly Candidate[]> {
  const chosen = vscode.workspace.getConfiguration("remotecmd").get<string>("pythonPath")?.trim() ?? "";
  if (chosen !== "")
    return [{ where: t("the setting remotecmd.pythonPath"), program: chosen, kind: "python", isChosen: true }];
  const active = await activeEnvironment();
  const own = await ownPython(context);
  return [
    ...(active === undefined ? [] : [{ where: t("the Python extension"), program: active, kind: "python" } as const]),
    ...onPath(),
    ...(own === undefined
      ? []
      : [{ where: t("the environment of the extension"), program: own, kind: "python" } as const]),
  ];
}

function onPath(): readonly Candidate[] {
  const names = process.platform === "win32" ? ["python", "py"] : ["python3", "python"];
  return [
    ...names.map((program) => ({ where: "PATH", program, kind: "python" }) as const),
    { where: "PATH", program: "remotecmd", kind: "server" },
  ];
}

/** The Python that the user chose in the Python extension. A workspace that is not trusted has a say in that, so there it is none. */
async function activeEnvironment(): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension<PythonExtension>(PYTHON_EXTENSION);
  if (extension === undefined || !vscode.workspace.isTrusted) return undefined;
  const ask = async (): Promise<string | undefined> => {
    const { environments } = extension.isActive ? extension.exports : await extension.activate();
    const path = environments?.getActiveEnvironmentPath(vscode.workspace.workspaceFolders?.[0]?.uri);
    return path && (await environments?.resolveEnvironment(path))?.executable.uri?.fsPath;
  };
  const late = sleep(PYTHON_EXTENSION_MS, undefined, { ref: false });
  return Promise.race([ask().catch(() => undefined), late]);
}

/** The server that came with the extension; undefined in a checkout. */
export async function wheel(context: vscode.ExtensionContext): Promise<string | undefined> {
  const directory = join(context.extensionPath, "server");
  const names = await readdir(directory).catch(() => []);
  const name = names.find((it) => it.endsWith(".whl"));
  return name === undefined ? undefined : join(directory, name);
}

/** Where the extension's own environment for this wheel is: another version of the server gets another one. */
export function ownEnvironment(context: vscode.ExtensionContext, wheelPath: string): string {
  const name = wheelPath.split(/[\\/]/).at(-1) ?? "";
  return join(context.globalStorageUri.fsPath, "server", name.replace(/\.whl$/, ""));
}

export function pythonIn(environment: string): string {
  return process.platform === "win32" ? join(environment, "Scripts", "python.exe") : join(environment, "bin", "python");
}

async function ownPython(context: vscode.ExtensionContext): Promise<string | undefined> {
  const path = await wheel(context);
  return path === undefined ? undefined : pythonIn(ownEnvironment(context, path));
}
