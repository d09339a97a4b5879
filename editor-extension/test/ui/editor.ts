// A VS Code of its own for a test file: a fresh profile, a server, a browser. Everything ends by its pid.

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { type Browser, chromium, type Page } from "playwright-core";
import { type TestContext, inject } from "vitest";

import { chromiumProgram, codeServer, python, quietEnvironment, root } from "./paths.js";
import { below, type Found } from "./processes.js";
import { until } from "./until.js";
import { Workbench } from "./workbench.js";

export interface EditorOptions {
  /** Files of the workspace folder: path and content. */
  readonly files?: Readonly<Record<string, string>>;
  /** Added to the user's settings, or in place of them. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Added to the environment that the extension finds; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Let VS Code ask whether the folder is trusted. Otherwise all folders are. */
  readonly askForTrust?: boolean;
}

/** Nothing moves, asks or fetches by itself, so that all that is seen comes from the test. */
const settings: Readonly<Record<string, unknown>> = {
  "remotecmd.pythonPath": python,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "workbench.enableExperiments": false,
  "workbench.colorTheme": "Default Dark Modern",
  "window.restoreWindows": "none",
  "window.commandCenter": true,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "git.enabled": false,
  "chat.commandCenter.enabled": false,
  "editor.accessibilitySupport": "off",
  // Text in the page instead of pixels, and all of it in the clipboard by "Select All".
  "terminal.integrated.gpuAcceleration": "off",
  "terminal.integrated.copyOnSelection": true,
  "terminal.integrated.scrollback": 100_000,
};

/** "--no-sandbox": Chromium refuses to have one when it runs as root, and the only page that it sees is ours. */
const chromiumFlags =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

export class Editor {
  readonly page: Page;
  readonly workbench: Workbench;
  /** The workspace folder. */
  readonly folder: string;
  readonly #profile: string;
  readonly #server: ChildProcess;
  readonly #browser: Browser;

  private constructor(profile: string, server: ChildProcess, browser: Browser, page: Page) {
    this.#profile = profile;
    this.#server = server;
    this.#browser = browser;
    this.page = page;
    this.workbench = new Workbench(page);
    this.folder = join(profile, "workspace");
  }

  static async open(options: EditorOptions = {}): Promise<Editor> {
    const profile = makeProfile(options);
    const port = await freePort();
    const server = serve(profile, port, options);
    try {
      const url = `http://127.0.0.1:${String(port)}`;
      await until("VS Code's server answers", async () => (await fetch(`${url}/healthz`)).ok);
      const browser = await chromium.launch({ executablePath: chromiumProgram(), args: chromiumFlags.split(" ") });
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        reducedMotion: "reduce",
        permissions: ["clipboard-read", "clipboard-write"],
      });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      await page.goto(`${url}/?folder=${encodeURIComponent(join(profile, "workspace"))}`);
      const editor = new Editor(profile, server, browser, page);
      await editor.workbench.drawn();
      await until("the extension is active", () =>
        editor.log("remoteexthost.log").includes("_doActivateExtension remotecmd.remotecmd"),
      );
      return editor;
    } catch (error) {
      end(server);
      throw error;
    }
  }

  /** All that VS Code and the extension have logged into files of that name. */
  log(name: string): string {
    const logs = join(this.#profile, "data/logs");
    return readdirSync(logs, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(name))
      .map((path) => readFileSync(join(logs, path), "utf8"))
      .join("");
  }

  /** Write a file into the workspace folder. */
  write(path: string, content: string): void {
    writeFileSync(join(this.folder, path), content);
  }

  /** The directory of the installed extension. */
  installed(): string {
    const extensions = join(this.#profile, "extensions");
    const names = readdirSync(extensions).filter((name) => name.startsWith("remotecmd."));
    return join(extensions, names.join());
  }

  /** Processes below VS Code's server that have `word` among their arguments. */
  processes(word: string): Found[] {
    return below(this.#server.pid ?? 0).filter(({ argv }) => argv.includes(word));
  }

  /** The extension host's process, in which the extension runs. */
  async extensionHost(): Promise<Found> {
    return until("the extension host runs", () => this.processes("--type=extensionHost").at(-1));
  }

  /** The extension's server. */
  async remotecmdServer(): Promise<Found> {
    return until("the extension's server runs", () => this.processes("rpc_server").at(-1));
  }

  /** Keep a picture and the logs of a test that failed. Pass it to `afterEach`. */
  async keep(context: TestContext): Promise<void> {
    if (context.task.result?.state !== "fail") return;
    const name = `${context.task.file.name.replace(/^.*\/|\.test\.ts$/g, "")}-${context.task.name}`;
    const directory = join(root, "editor-extension/test-results", name.replaceAll(/[^\w.-]+/g, "-"));
    mkdirSync(directory, { recursive: true });
    await this.page.screenshot({ path: join(directory, "page.png") });
    cpSync(join(this.#profile, "data/logs"), join(directory, "logs"), { recursive: true });
  }

  async close(): Promise<void> {
    await this.#browser.close();
    end(this.#server);
    await until("VS Code's server has ended", () => this.#server.exitCode ?? this.#server.signalCode);
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function makeProfile(options: EditorOptions): string {
  const profile = mkdtempSync(join(tmpdir(), "remotecmd-ui-"));
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(profile, path)), { recursive: true });
    writeFileSync(join(profile, path), content);
  };
  const trust = { "security.workspace.trust.enabled": options.askForTrust ?? false };
  const all: Readonly<Record<string, unknown>> = { ...settings, ...trust, ...options.settings };
  write("data/User/settings.json", JSON.stringify(all));
  // To the browser the server is a remote machine, so settings of a machine are read from here.
  write("data/Machine/settings.json", JSON.stringify({ "remotecmd.pythonPath": all["remotecmd.pythonPath"] }));
  mkdirSync(join(profile, "workspace"));
  for (const [path, content] of Object.entries(options.files ?? {})) write(join("workspace", path), content);
  cpSync(inject("extensions"), join(profile, "extensions"), { recursive: true });
  return profile;
}

/** Detached: a process group of its own, which can be ended as a whole. */
function serve(profile: string, port: number, options: EditorOptions): ChildProcess {
  const flags = ["--auth", "none", "--bind-addr", `127.0.0.1:${String(port)}`];
  flags.push("--disable-telemetry", "--disable-update-check", "--disable-getting-started-override");
  if (options.askForTrust !== true) flags.push("--disable-workspace-trust");
  flags.push("--user-data-dir", join(profile, "data"), "--extensions-dir", join(profile, "extensions"));
  return spawn(process.execPath, [codeServer(), ...flags, join(profile, "workspace")], {
    env: { ...quietEnvironment(profile), ...options.env },
    detached: true,
    stdio: "ignore",
  });
}

function end(server: ChildProcess): void {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  process.kill(-server.pid, "SIGTERM");
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const listener = createServer().once("error", failed);
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address();
      listener.close(() => {
        if (typeof address === "object" && address !== null) found(address.port);
        else failed(new Error("no port was given"));
      });
    });
  });
}
