// What the parts of the extension share: made once, when it is activated.

import * as vscode from "vscode";

import { type Command, Fleet, isSameSpec, liveOf } from "../fleet.js";
import type { Definition, Target } from "../protocol.js";
import type { TargetSource } from "../steps.js";
import { remembered, targetSteps, walk } from "../steps.js";
import { memorable } from "../definitions.js";
import { PickAsker } from "./asker.js";
import { startServer, traceOf, WINDOW_BYTES } from "./server.js";
import { Terminals } from "./terminals.js";
import { Typing } from "./typing.js";

const RECENT_TARGETS = "recentTargets";
const RECENT_LINES = "recentLines";
const DEFINITIONS = "definitions";
/** Whether something ran when the window was left: then the status bar shows at once what does now. */
const HAD_LIVE = "hadLive";
const MOST_LINES = 20;
const MOST_DEFINITIONS = 100;

/** What a command was started with, and the hash by which its process tells. */
interface Kept {
  readonly definition: Definition;
  readonly specHash?: string;
}

export class Parts implements vscode.Disposable {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly fleet: Fleet;
  readonly typing = new Typing();
  readonly terminals: Terminals;
  #isDisposed = false;

  constructor(context: vscode.ExtensionContext) {
    this.context = context;
    this.log = vscode.window.createOutputChannel("Remote Commands", { log: true });
    this.fleet = new Fleet({
      connect: () => startServer(context, this.log),
      memory: {
        get: (key) => context.workspaceState.get(key),
        set: (key, value) => void context.workspaceState.update(key, value),
      },
      now: Date.now,
      sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
      log: (level, text) => {
        if (!this.#isDisposed) this.log[level](text);
      },
      windowBytes: WINDOW_BYTES,
    });
    this.terminals = new Terminals(this.fleet, this.typing, context.workspaceState);
    let hadLive: boolean | undefined;
    this.fleet.onEvent(({ kind }) => {
      const hasLive = liveOf(this.fleet.commands).length > 0;
      if (kind === "server" || hasLive === hadLive || this.#isDisposed) return;
      if (!hasLive && !this.fleet.places.every((place) => place.isListed)) return; // what runs there is not known
      hadLive = hasLive;
      void context.workspaceState.update(HAD_LIVE, hasLive);
    });
    context.subscriptions.push(
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (!event.affectsConfiguration("remotecmd.pythonPath") || this.fleet.link.state === "idle") return;
        this.fleet.link.restart().catch(() => undefined); // what is wrong with it is shown as it is at any start
      }),
    );
    this.log.onDidChangeLogLevel((level) => {
      void this.fleet.link.current?.notify("$/setTrace", { value: traceOf(level) });
    });
  }

  dispose(): void {
    this.#isDisposed = true;
    this.terminals.dispose();
    this.typing.dispose();
    this.log.dispose();
  }

  /** What ran and what was open when the window was left is there again. Never rejects. */
  async resume(): Promise<void> {
    const isWanted = vscode.workspace.getConfiguration("remotecmd").get<boolean>("reopenTerminals") === true;
    const reopens = isWanted && this.terminals.hasKept;
    if (!reopens && this.context.workspaceState.get(HAD_LIVE) !== true) return;
    try {
      await this.fleet.link.ready();
      await Promise.all([this.fleet.refresh(), reopens && this.terminals.reopen()]);
    } catch (error) {
      this.log.warn(`terminals could not be opened again: ${String(error)}`);
    }
  }

  // ---------------------------------------------------------------- settings

  get gracePeriodSeconds(): number {
    return vscode.workspace.getConfiguration("remotecmd").get<number>("stopGracePeriodSeconds", 10);
  }

  get kubeconfig(): string | undefined {
    const path = vscode.workspace.getConfiguration("remotecmd").get<string>("kubeconfig", "");
    return path === "" ? undefined : path;
  }

  // ---------------------------------------------------------------- targets

  /** Where questions about targets get their answers. `container` is the name that is wanted, if there is one. */
  async source(container?: string): Promise<TargetSource> {
    const server = await this.fleet.link.ready();
    return {
      targets: (params) => this.fleet.link.request("remotecmd/targets", params),
      kubeconfig: this.kubeconfig,
      transports: server.initialized.capabilities.transports,
      recent: this.context.workspaceState.get<readonly Target[]>(RECENT_TARGETS, []),
      ...(container !== undefined && { container }),
    };
  }

  /** Ask where to run; undefined when the user left. */
  async askTarget(container?: string): Promise<Target | undefined> {
    const asker = new PickAsker();
    try {
      const state = await walk(targetSteps(await this.source(container)), {}, asker);
      if (state?.target !== undefined) this.rememberTarget(state.target);
      return state?.target;
    } finally {
      asker.dispose();
    }
  }

  rememberTarget(target: Target): void {
    const recent = this.context.workspaceState.get<readonly Target[]>(RECENT_TARGETS, []);
    void this.context.workspaceState.update(RECENT_TARGETS, remembered(recent, target));
  }

  /** A target as it was written in a task or in the settings, with the kubeconfig that is set. */
  withKubeconfig(target: Target): Target {
    const { kubeconfig } = this;
    return target.kind === "kubernetes" && kubeconfig !== undefined ? { kubeconfig, ...target } : target;
  }

  // ---------------------------------------------------------------- what was run

  get lines(): readonly string[] {
    return this.context.workspaceState.get<readonly string[]>(RECENT_LINES, []);
  }

  rememberLine(line: string): void {
    const lines = [line, ...this.lines.filter((other) => other !== line)].slice(0, MOST_LINES);
    void this.context.workspaceState.update(RECENT_LINES, lines);
  }

  /** What a command was started with, in this session or an earlier one. */
  definitionOf(command: Command): Definition | undefined {
    const kept = this.#definitions[command.key];
    return (
      command.definition ?? (kept !== undefined && isSameSpec(kept, command.process) ? kept.definition : undefined)
    );
  }

  rememberDefinition(command: Command): void {
    const definition = command.definition && memorable(command.definition);
    if (definition === undefined) return;
    const others = Object.entries(this.#definitions).filter(([key]) => key !== command.key);
    const { specHash } = command.process;
    const kept: Kept = { definition, ...(specHash !== undefined && { specHash }) };
    const entries = [[command.key, kept] as const, ...others].slice(0, MOST_DEFINITIONS);
    void this.context.workspaceState.update(DEFINITIONS, Object.fromEntries(entries));
  }

  get #definitions(): Readonly<Record<string, Kept | undefined>> {
    return this.context.workspaceState.get<Readonly<Record<string, Kept>>>(DEFINITIONS, {});
  }

  /** Start a command and show it. */
  async startAndShow(target: Target, definition: Definition, replaces = false): Promise<Command> {
    const { command } = await this.fleet.start(this.withKubeconfig(target), definition, {
      waitSeconds: 30,
      ...(replaces && { ifExists: "replace", gracePeriodSeconds: this.gracePeriodSeconds }),
    });
    this.rememberDefinition(command);
    this.terminals.show(command);
    return command;
  }
}

/** On this machine a command starts in the workspace, as in a terminal: in that folder of it, or in the first. */
export function inFolder(target: Target, definition: Definition, folder?: vscode.WorkspaceFolder): Definition {
  const first = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === "file");
  const uri = folder?.uri.scheme === "file" ? folder.uri : first?.uri;
  if (target.kind !== "local" || definition.workingDir !== undefined || uri === undefined) return definition;
  return { ...definition, workingDir: uri.fsPath };
}
