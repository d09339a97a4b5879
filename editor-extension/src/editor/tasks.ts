// Tasks of type "remotecmd": in tasks.json, and one for each command of a devfile.

import { setTimeout as sleep } from "node:timers/promises";

import * as vscode from "vscode";

import { ofTask, type RemoteTask } from "../definitions.js";
import { carryOut, componentsOf, offered, type Plan, planOf } from "../devfiles.js";
import { explain } from "../failures.js";
import type { Command } from "../fleet.js";
import type { DevfileCommand, Target } from "../protocol.js";
import { errorLine } from "../screen.js";
import { isLive } from "../texts.js";
import { t } from "../words.js";
import { devfiles, readDevfile } from "./devfile.js";
import { inFolder, type Parts } from "./parts.js";
import { CommandPty } from "./terminal.js";

const TYPE = "remotecmd";
/** A window that goes takes its terminals with it, and a task must survive that: it ends only if the window is still there then. */
const WINDOW_GOES_MS = 1_000;
/** What a task ends with when its command did not get as far as an exit code. */
const NO_EXIT_CODE = 1;

export function registerTasks(parts: Parts): vscode.Disposable {
  return vscode.tasks.registerTaskProvider(TYPE, {
    provideTasks: () => devfileTasks(parts),
    resolveTask: (task) => {
      const { definition, scope, name } = task;
      const resolved = makeTask(parts, definition, scope ?? vscode.TaskScope.Workspace, name);
      // The editor wants back what it gave, and the rest of the task as it was written.
      resolved.isBackground = task.isBackground;
      resolved.presentationOptions = task.presentationOptions;
      resolved.problemMatchers = task.problemMatchers;
      return resolved;
    },
  });
}

async function devfileTasks(parts: Parts): Promise<vscode.Task[]> {
  if (!vscode.workspace.isTrusted) return [];
  const tasks: vscode.Task[] = [];
  for (const uri of await devfiles()) {
    const folder = vscode.workspace.getWorkspaceFolder(uri) ?? vscode.TaskScope.Workspace;
    const devfile = await readDevfile(parts, uri).catch((error: unknown) => {
      parts.log.warn(`${uri.fsPath}: ${explain(error).message}`);
      return undefined;
    });
    for (const command of devfile === undefined ? [] : offered(devfile)) {
      const task = makeTask(parts, { type: TYPE, devfileCommand: command.id }, folder, command.id);
      const group = groupOf(command);
      if (group !== undefined) task.group = group;
      task.detail = command.definition?.cmdLine ?? (command.commands ?? []).join(" → ");
      tasks.push(task);
    }
  }
  return tasks;
}

function groupOf({ group }: DevfileCommand): vscode.TaskGroup | undefined {
  switch (group?.kind) {
    case "build":
      return vscode.TaskGroup.Build;
    case "test":
      return vscode.TaskGroup.Test;
    default:
      return undefined;
  }
}

function makeTask(
  parts: Parts,
  definition: vscode.TaskDefinition,
  scope: vscode.WorkspaceFolder | vscode.TaskScope,
  name: string,
): vscode.Task {
  const folder = typeof scope === "object" ? scope : undefined;
  const execution = new vscode.CustomExecution((resolved) =>
    Promise.resolve(new TaskPty(parts, resolved as unknown as RemoteTask, folder)),
  );
  return new vscode.Task(definition, scope, name, TYPE, execution, []);
}

interface Job {
  readonly plan: Plan;
  readonly targets: ReadonlyMap<string, Target>;
}

class TaskPty extends CommandPty {
  readonly #parts: Parts;
  readonly #folder: vscode.WorkspaceFolder | undefined;
  #running: readonly Command[] = [];
  #code = 0;

  /** `folder`: the one that the task is of. */
  constructor(parts: Parts, task: RemoteTask, folder: vscode.WorkspaceFolder | undefined) {
    super(parts.fleet, parts.typing, () => void this.#run(task));
    this.#parts = parts;
    this.#folder = folder;
  }

  /** The task was ended, or its window goes. */
  override close(): void {
    super.close();
    for (const command of this.#running) void this.#stop(command);
  }

  /** Stop what the task runs, unless it was only its window that went. */
  async #stop(command: Command): Promise<void> {
    const { fleet, gracePeriodSeconds } = this.#parts;
    await sleep(WINDOW_GOES_MS, undefined, { ref: false });
    if (fleet.link.state === "closed" || !isLive(fleet.command(command.key)?.process ?? command.process)) return;
    await fleet.stop(command, gracePeriodSeconds).catch(() => undefined);
  }

  async #run(task: RemoteTask): Promise<void> {
    try {
      const job = await jobOf(this.#parts, task, this.#folder);
      if (job === undefined) this.#code = NO_EXIT_CODE;
      else await carryOut(job.plan, (command) => this.#runOne(command, job.targets));
    } catch (error) {
      this.say(errorLine(explain(error).message));
      this.#code = NO_EXIT_CODE;
    }
    this.finish(this.#code);
  }

  async #runOne({ definition, component }: DevfileCommand, targets: Job["targets"]): Promise<boolean> {
    const target = targets.get(component ?? "");
    const hasEnded = (): boolean => this.isClosed;
    if (definition === undefined || target === undefined || hasEnded()) return false;
    const { command } = await this.#parts.fleet.start(target, inFolder(target, definition, this.#folder), {
      waitSeconds: 30,
    });
    this.#parts.rememberDefinition(command);
    if (hasEnded()) {
      await this.#stop(command); // while the command was being started
      return false;
    }
    this.#running = [...this.#running, command];
    const process = await this.play(command);
    this.#running = this.#running.filter((it) => it !== command);
    const code = process?.exitCode ?? NO_EXIT_CODE;
    if (code !== 0) this.#code = code;
    return code === 0;
  }
}

/** What a task means; undefined when the user did not say where to run it. */
async function jobOf(parts: Parts, task: RemoteTask, folder?: vscode.WorkspaceFolder): Promise<Job | undefined> {
  const plan = await planFor(parts, task, folder);
  const targets = new Map<string, Target>();
  for (const component of componentsOf(plan)) {
    const target = task.target === undefined ? await parts.askTarget(component) : parts.withKubeconfig(task.target);
    if (target === undefined) return undefined;
    targets.set(component, target);
  }
  return { plan, targets };
}

async function planFor(parts: Parts, task: RemoteTask, folder?: vscode.WorkspaceFolder): Promise<Plan> {
  const { devfileCommand } = task;
  if (devfileCommand === undefined) {
    const definition = ofTask(task);
    if (typeof definition === "string") throw new Error(definition);
    return { kind: "one", command: { id: definition.id, kind: "exec", component: "", definition } };
  }
  const all = await devfiles();
  const uri = all.find((it) => vscode.workspace.getWorkspaceFolder(it) === folder) ?? all[0];
  if (uri === undefined)
    throw new Error(t("The workspace has no devfile.yaml, in which the task looks for its command."));
  const plan = planOf(await readDevfile(parts, uri), devfileCommand);
  if (typeof plan === "string") throw new Error(plan);
  return plan;
}
