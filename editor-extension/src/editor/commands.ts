// The commands of the palette and of the list's menus.

import * as vscode from "vscode";

import { type Configured, configured, idFor, typed } from "../definitions.js";
import { doctorDocument } from "../doctor.js";
import { failureOf } from "../failures.js";
import type { Command, Place } from "../fleet.js";
import type { Definition, Target } from "../protocol.js";
import type { Step, TargetState } from "../steps.js";
import { targetSteps, walk } from "../steps.js";
import { targetKey, targetName, targetPlace } from "../targets.js";
import { commandName, iconless, isLive, summary } from "../texts.js";
import { t } from "../words.js";
import { PickAsker } from "./asker.js";
import { runDevfileCommand } from "./devfile.js";
import { Documents } from "./documents.js";
import { installServer } from "./install.js";
import { showError } from "./messages.js";
import { inFolder, type Parts } from "./parts.js";
import { openShell } from "./shell.js";
import type { Node, Tree } from "./tree.js";

type Handler = (node?: Node) => Promise<unknown>;

const SIGNALS: readonly (readonly [signal: string, meaning: () => string])[] = [
  ["INT", () => t("interrupt, as Ctrl-C does")],
  ["TERM", () => t("ask to end")],
  ["HUP", () => t("hang up; many servers read their configuration again")],
  ["QUIT", () => t("end with a dump; the JVM prints its threads and goes on")],
  ["USR1", () => t("for the command to define")],
  ["USR2", () => t("for the command to define")],
  ["STOP", () => t("pause")],
  ["CONT", () => t("go on after a pause")],
  ["KILL", () => t("end at once; it can't clean up")],
];

export function registerCommands(parts: Parts, tree: Tree): vscode.Disposable {
  const documents = new Documents();
  const { fleet, terminals } = parts;

  const one =
    (wanted: (command: Command) => boolean, act: (command: Command) => Promise<unknown> | undefined): Handler =>
    async (node) => {
      const command = node === undefined ? await pickCommand(parts, wanted) : fleet.command(node.key);
      if (command === undefined) return;
      tree.acknowledge(command.key);
      await act(command);
    };
  const live = ({ process }: Command): boolean => isLive(process);
  const ended = (command: Command): boolean => !live(command);
  const any = (): boolean => true;

  const handlers: Readonly<Record<string, Handler>> = {
    run: (node) => run(parts, placeOf(parts, node)),
    chooseTarget: async () => {
      const target = await parts.askTarget();
      if (target === undefined) return;
      await fleet.addTarget(target);
      await vscode.commands.executeCommand("remotecmd.commands.focus");
    },
    runDevfile: () => runDevfileCommand(parts),
    stop: one(live, (command) =>
      quietly(t("Stopping {0}", command.process.id), fleet.stop(command, parts.gracePeriodSeconds)),
    ),
    restart: one(live, (command) => again(parts, command)),
    startAgain: one(ended, (command) => again(parts, command)),
    attach: one(live, async (command) => {
      const { target, process, pidDirectory } = command;
      const now = (await fleet.find(target, process.id, pidDirectory)) ?? command;
      terminals.show(now, { from: now.process.offsets ?? { stdout: 0, stderr: 0 } });
    }),
    showOutput: one(any, (command) => {
      terminals.show(command);
      return undefined;
    }),
    sendSignal: one(live, (command) => sendSignal(parts, command)),
    remove: one(ended, (command) => remove(parts, command)),
    copyId: one(any, async ({ process }) => {
      await vscode.env.clipboard.writeText(process.id);
      vscode.window.setStatusBarMessage(t('"{0}" is in the clipboard', process.id), 3000);
    }),
    doctor: async (node) => {
      const target = placeOf(parts, node)?.target ?? (await parts.askTarget());
      if (target === undefined) return;
      const name = targetName(target);
      const found = fleet.link.request("remotecmd/doctor", { target });
      const result = await quietly(t("Checking {0}", name), found);
      await documents.show(t("Doctor: {0}", name), doctorDocument(name, targetPlace(target), result));
    },
    openTerminal: async (node) => {
      const command = node?.kind === "command" ? fleet.command(node.key) : undefined;
      const target = command?.target ?? placeOf(parts, node)?.target ?? (await parts.askTarget());
      if (target !== undefined) openShell(target);
    },
    refresh: (node) => fleet.refresh(placeOf(parts, node)?.key),
    forgetTarget: async (node) => {
      const place = placeOf(parts, node) ?? (await pickPlace(parts));
      if (place !== undefined) fleet.forgetTarget(place.key);
    },
    restartServer: () => quietly(t("Starting the server of Remote Commands"), fleet.link.restart()),
    showLog: () => {
      parts.log.show();
      return Promise.resolve();
    },
    installServer: async () => {
      if (await installServer(parts.context, parts.log)) {
        await fleet.link.restart();
        vscode.window.setStatusBarMessage(t("The server of Remote Commands is ready"), 5000);
      }
    },
  };

  return vscode.Disposable.from(
    documents,
    ...Object.entries(handlers).map(([name, handler]) =>
      vscode.commands.registerCommand(`remotecmd.${name}`, async (node?: Node) => {
        try {
          await handler(isNode(node) ? node : undefined);
        } catch (error) {
          parts.log.error(`${name}: ${String(error)}`);
          // That there is no server has been told already, once for all who wanted it.
          if (fleet.link.state !== "failed" || name === "installServer")
            await showError(error, subject(parts, error, node));
        }
      }),
    ),
  );
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "key" in value && "kind" in value;
}

/** What the buttons of a message are about: the command that could not start, or the target. */
function subject(parts: Parts, error: unknown, node: Node | undefined): Node | undefined {
  const process = failureOf(error)?.process;
  const command = process && parts.fleet.commands.find((it) => it.process.runId === process.runId);
  return command === undefined ? node : { kind: "command", key: command.key };
}

/** The target of a node; undefined for none. */
function placeOf({ fleet }: Parts, node: Node | undefined): Place | undefined {
  const key = node?.kind === "command" ? fleet.command(node.key)?.targetKey : node?.key;
  return fleet.places.find((place) => place.key === key);
}

/** With a sign in the status bar, and no pop-up. */
function quietly<T>(title: string, work: Promise<T>): Promise<T> {
  void vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () =>
    work.then(
      () => undefined,
      () => undefined,
    ),
  );
  return work;
}

async function pickCommand({ fleet }: Parts, wanted: (command: Command) => boolean): Promise<Command | undefined> {
  const commands = fleet.commands.filter(wanted);
  const items = commands.map((command) => ({
    label: iconless(commandName(command.process)),
    description: summary(command.process, Date.now()),
    detail: [targetName(command.target), targetPlace(command.target)].filter((part) => part !== "").join(" · "),
    command,
  }));
  const placeHolder = items.length === 0 ? t("There is no such command now") : t("A command");
  return (await vscode.window.showQuickPick(items, { placeHolder, matchOnDetail: true }))?.command;
}

async function pickPlace({ fleet }: Parts): Promise<Place | undefined> {
  const items = fleet.places.map((place) => ({
    label: targetName(place.target),
    description: targetPlace(place.target),
    place,
  }));
  return (await vscode.window.showQuickPick(items, { placeHolder: t("A target") }))?.place;
}

// -------------------------------------------------------------------- run

interface RunState extends TargetState {
  readonly definition?: Definition;
}

/** Ask where to run, if that is not said already, and what; start it and show it. */
async function run(parts: Parts, place: Place | undefined): Promise<void> {
  const asker = new PickAsker();
  let state: RunState | undefined;
  try {
    asker.loading(t("Run a Command"));
    const [kind, ...others] = targetSteps(await parts.source());
    const first: RunState = place === undefined ? {} : { target: place.target };
    state = await walk(
      [...(kind === undefined ? [] : [withConfigured(kind)]), ...others, whatStep(parts)],
      first,
      asker,
    );
  } finally {
    asker.dispose();
  }
  if (state?.target === undefined || state.definition === undefined) return;
  const { target, definition } = state;
  parts.rememberTarget(target);
  if (definition.cmdLine !== undefined) parts.rememberLine(definition.cmdLine);
  await startUnderFreeId(parts, target, inFolder(target, definition));
}

/** The first step, with what the settings define: that says where and what at once. */
function withConfigured(step: Step<TargetState>): Step<RunState> {
  return {
    title: t("Run a Command"),
    question: async (state) => {
      const question = state.target === undefined ? await step.question(state) : undefined;
      if (question === undefined) return undefined;
      const known = configured(vscode.workspace.getConfiguration("remotecmd").get("commands"));
      const choices = known.map(({ label, target, definition }) => ({
        label,
        icon: "gear",
        description: targetName(target),
        detail: definition.cmdLine ?? definition.args?.join(" ") ?? "",
        value: { target, definition },
      }));
      const placeholder =
        choices.length === 0 ? t("Where to run it") : t("A command of your settings, or where to run another one");
      return { ...question, title: t("Run a Command"), placeholder, choices: [...choices, ...question.choices] };
    },
  };
}

function whatStep(parts: Parts): Step<RunState> {
  return {
    title: t("Run a Command"),
    question: (state) => {
      if (state.definition !== undefined) return Promise.resolve(undefined);
      const where = state.target === undefined ? "" : targetName(state.target);
      return Promise.resolve({
        title: t("Run a Command in {0}", where),
        placeholder: t("A command line for /bin/sh: type one, or choose an earlier one"),
        isAlwaysAsked: true,
        isTyping: true,
        choices: parts.lines.map((line) => ({
          label: line,
          icon: "history",
          value: { ...state, definition: typed(line) },
        })),
        typed: (line) => ({
          label: line,
          icon: "play",
          description: t("run this"),
          value: { ...state, definition: typed(line) },
        }),
      });
    },
  };
}

/** Another command that runs under the same id is not in the way: the new one gets a number. */
async function startUnderFreeId(parts: Parts, target: Target, definition: Definition): Promise<void> {
  for (let number = 2; ; number++)
    try {
      const free = number === 2 ? definition : { ...definition, id: numbered(definition.id, number - 1) };
      await quietly(t("Starting {0}", free.id), parts.startAndShow(target, free));
      return;
    } catch (error) {
      if (failureOf(error)?.kind !== "commandConflict" || number > 20) throw error;
    }
}

function numbered(id: string, number: number): string {
  const suffix = `-${String(number)}`;
  return idFor(id.slice(0, 63 - suffix.length)) + suffix;
}

// -------------------------------------------------------------------- one command

/** Run it anew, in place of the run that lives. What something else started is shown first, since only its beginning is known. */
async function again(parts: Parts, command: Command): Promise<void> {
  const { process, target, pidDirectory } = command;
  let definition = parts.definitionOf(command) ?? configuredFor(command);
  if (definition === undefined) {
    const prompt = t("This command was started elsewhere. Run it again as:");
    const cmdLine = await vscode.window.showInputBox({ prompt, value: process.command ?? "", ignoreFocusOut: true });
    if (cmdLine === undefined || cmdLine.trim() === "") return;
    definition = { id: process.id, cmdLine, ...(pidDirectory !== undefined && { pidDirectory }) };
  }
  await quietly(t("Starting {0}", process.id), parts.startAndShow(target, definition, true));
}

/** The entry of the settings for this very place: one for another place may be another command of the same id. */
function configuredFor({ process, target, pidDirectory }: Command): Definition | undefined {
  const entries = configured(vscode.workspace.getConfiguration("remotecmd").get("commands"));
  const isFor = (entry: Configured): boolean =>
    entry.definition.id === process.id &&
    entry.definition.pidDirectory === pidDirectory &&
    targetKey(entry.target) === targetKey(target);
  return entries.find(isFor)?.definition;
}

async function sendSignal({ fleet }: Parts, command: Command): Promise<void> {
  const items = SIGNALS.map(([label, meaning]) => ({ label, description: meaning() }));
  const placeHolder = t("A signal for {0} and the processes of its group", command.process.id);
  const chosen = await vscode.window.showQuickPick(items, { placeHolder });
  if (chosen !== undefined) await fleet.signal(command, chosen.label);
}

async function remove({ fleet }: Parts, command: Command): Promise<void> {
  const yes = t("Remove");
  const question = t('Remove "{0}" with all that it has written?', command.process.id);
  const detail = t("Its records and its output in {0} are deleted. That can't be undone.", targetName(command.target));
  if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) === yes)
    await fleet.remove(command);
}
