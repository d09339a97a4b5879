// Puts the server that came with the extension into an environment of its own: with consent, progress and a way to stop.

import { spawn } from "node:child_process";
import { access, mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import * as vscode from "vscode";

import { findPython, lookIn } from "../finding.js";
import { t } from "../words.js";
import { candidates, ownEnvironment, pythonIn, wheel } from "./python.js";

const CONSENT = "mayInstall";

/** Whether the user has agreed to an installation before: a newer server is then installed without asking again. */
export function mayInstall(context: vscode.ExtensionContext): boolean {
  return context.globalState.get<boolean>(CONSENT) === true;
}

let underWay: Promise<boolean> | undefined;

/** As `install`; whoever asks while one is under way waits for that one. */
export function installServer(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<boolean> {
  underWay ??= install(context, log).finally(() => {
    underWay = undefined;
  });
  return underWay;
}

/** Ask, and install. Resolves with whether it was done; rejects with an error that says what to do. */
async function install(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<boolean> {
  const path = await wheel(context);
  if (path === undefined)
    throw new Error(
      t("This build of the extension does not bring the server along: set remotecmd.pythonPath instead."),
    );
  const python = await findPython(await candidates(context), lookIn(context.extensionPath));
  const environment = ownEnvironment(context, path);
  if (!mayInstall(context)) {
    const yes = t("Install");
    const detail = t(
      "{0} makes an environment in {1}, and pip installs the server and what it needs from your package index. Nothing else on this machine is changed.",
      python,
      environment,
    );
    const question = t("Install the server of Remote Commands?");
    if ((await vscode.window.showInformationMessage(question, { modal: true, detail }, yes)) !== yes) return false;
    await context.globalState.update(CONSENT, true);
  }
  const title = t("Installing the server of Remote Commands");
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, cancelled) => {
      await rm(environment, { recursive: true, force: true });
      await mkdir(dirname(environment), { recursive: true });
      const run = runner(log, cancelled);
      try {
        progress.report({ message: t("making an environment"), increment: 10 });
        await run(python, ["-m", "venv", environment]);
        progress.report({ message: t("installing packages"), increment: 30 });
        const constraints = await constraintsBeside(path);
        await run(pythonIn(environment), [
          ...["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"],
          ...constraints,
          path,
        ]);
      } catch (error) {
        await rm(environment, { recursive: true, force: true });
        if (cancelled.isCancellationRequested) return false;
        throw error;
      }
      await removeOthers(environment);
      return true;
    },
  );
}

/** Versions that this server was tested with, if they came along. */
async function constraintsBeside(wheelPath: string): Promise<readonly string[]> {
  const file = join(dirname(wheelPath), "constraints.txt");
  return access(file).then(
    () => ["--constraint", file],
    () => [],
  );
}

/** Environments of former versions. One that is in use by another window lives on as far as its files are open. */
async function removeOthers(environment: string): Promise<void> {
  const parent = dirname(environment);
  for (const name of await readdir(parent))
    if (join(parent, name) !== environment)
      await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined); // the next install tries again
}

function runner(
  log: vscode.LogOutputChannel,
  cancelled: vscode.CancellationToken,
): (program: string, args: readonly string[]) => Promise<void> {
  return (program, args) =>
    new Promise((done, failed) => {
      log.info(`${program} ${args.join(" ")}`);
      const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
      const registration = cancelled.onCancellationRequested(() => child.kill());
      let words = "";
      const heard = (piece: string): void => {
        words = (words + piece).slice(-2000);
        log.info(piece.trimEnd());
      };
      child.stdout.setEncoding("utf8").on("data", heard);
      child.stderr.setEncoding("utf8").on("data", heard);
      child.once("error", failed);
      child.once("close", (code) => {
        registration.dispose();
        if (code === 0) done();
        else failed(new Error(whatFailed(words)));
      });
    });
}

function whatFailed(words: string): string {
  if (/ensurepip|python3[\d.]*-venv/.test(words))
    return t(
      "This Python can't make environments. On Debian and Ubuntu, install the package python3-venv, and try again.",
    );
  const last = words.trim().split("\n").at(-1) ?? "";
  return t("The server could not be installed: {0} The log has all of it.", last);
}
