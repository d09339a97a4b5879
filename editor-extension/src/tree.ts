// What the list of targets and commands shows: a model that is compared with what was shown before, so that only rows
// that look different are drawn again. Knows nothing of VS Code; the time is given.

import type { Command, Place } from "./fleet.js";
import { targetName, targetPlace } from "./targets.js";
import { ageChangesInMs, commandName, isFailed, isLive, summary } from "./texts.js";
import { t } from "./words.js";

export interface Row {
  readonly id: string;
  readonly kind: "place" | "command";
  readonly label: string;
  readonly description: string;
  /** Name of a codicon, and of the theme's colour for it. */
  readonly icon: string;
  readonly colour?: string;
  /** Markdown without links. */
  readonly tooltip: string;
  /** For `when` clauses: what can be done with it. */
  readonly context: string;
  /** What a screen reader says. */
  readonly spoken: string;
}

/** Ages under a minute are drawn again no more often than this. */
const SHORTEST_TICK_MS = 5_000;

/** A side bar of the usual width has room for it and for the state behind it. */
const LONGEST_LABEL = 24;

export function placeRow(place: Place): Row {
  const { target, problem, connection, key, isListed, commands } = place;
  const label = targetName(target);
  const where = targetPlace(target);
  const trouble =
    problem ??
    (connection === "reconnecting"
      ? t("reconnecting…")
      : connection === "lost"
        ? t("can't be reached any more")
        : undefined);
  const isLooking = trouble === undefined && !isListed && commands.size === 0;
  const description = [trouble ?? (isLooking ? t("looking…") : ""), where].filter((part) => part !== "").join(" · ");
  return {
    id: key,
    kind: "place",
    label,
    description,
    icon: trouble !== undefined ? "warning" : target.kind === "local" ? "device-desktop" : "server-environment",
    ...(trouble !== undefined && { colour: "list.warningForeground" }),
    tooltip: [`**${escaped(label)}**`, escaped(where), escaped(problem ?? "")]
      .filter((line) => line !== "")
      .join("\n\n"),
    context: `target.${target.kind}`,
    spoken: [t("target {0}", label), description].filter((part) => part !== "").join(", "),
  };
}

export function commandRow(command: Command, place: Place | undefined, nowMs: number): Row {
  const { process, key } = command;
  const label = commandName(process, LONGEST_LABEL);
  const isLost = isLive(process) && place?.connection !== undefined;
  const description = isLost ? t("reconnecting…") : summary(process, nowMs);
  return {
    id: key,
    kind: "command",
    label,
    description,
    ...(isLost ? { icon: "sync", colour: "list.warningForeground" } : stateIcon(command)),
    tooltip: [
      `**${escaped(commandName(process, 400))}**`,
      `${escaped(process.id)} · ${escaped(targetName(command.target))}`,
      ...(process.startedAt === undefined ? [] : [t("Started {0}", new Date(process.startedAt).toLocaleString())]),
      ...(process.endedAt === undefined ? [] : [t("Ended {0}", new Date(process.endedAt).toLocaleString())]),
    ].join("\n\n"),
    context: isLive(process) ? "command.live" : "command.ended",
    spoken: `${label}, ${description}`,
  };
}

function stateIcon({ process }: Command): { readonly icon: string; readonly colour?: string } {
  switch (process.state) {
    case "starting":
    case "stopping":
      return { icon: "loading~spin" };
    case "running":
      return { icon: "circle-filled", colour: "testing.iconPassed" };
    case "lost":
    case "absent":
      return { icon: "question", colour: "list.warningForeground" };
    default:
      return isFailed(process)
        ? { icon: "error", colour: "testing.iconFailed" }
        : process.exitCode === 0
          ? { icon: "pass", colour: "testing.iconPassed" }
          : { icon: "circle-slash" };
  }
}

/** The commands of a target in the order of the list: the newest first. */
export function inOrder(commands: Iterable<Command>): readonly Command[] {
  return [...commands].sort(
    (a, b) => (b.process.startedAt ?? 0) - (a.process.startedAt ?? 0) || a.process.id.localeCompare(b.process.id),
  );
}

/** When the first of them says something else because time has passed; undefined when none does. */
export function nextChangeMs(commands: readonly Command[], nowMs: number): number | undefined {
  const changes = commands.flatMap(({ process }) => {
    const since = isLive(process) ? process.startedAt : process.endedAt;
    return since === undefined ? [] : [ageChangesInMs(since, nowMs)];
  });
  return changes.length === 0 ? undefined : Math.max(SHORTEST_TICK_MS, Math.min(...changes));
}

/** What was drawn, to tell what has to be drawn again. */
export class Drawn {
  readonly #rows = new Map<string, string>();

  /** Whether the row looks other than it did; from now on it does. */
  draw(row: Row): boolean {
    const looks = JSON.stringify(row);
    if (this.#rows.get(row.id) === looks) return false;
    this.#rows.set(row.id, looks);
    return true;
  }

  forget(id: string): void {
    this.#rows.delete(id);
  }
}

/** Markdown that shows the text as it is. */
export function escaped(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, String.raw`\$&`);
}
