// What a terminal shows besides the output: its lines begin at the left, and say what happened to the command.

import type { Gap, Process } from "./protocol.js";
import { bytes, commandName, ending, isFailed } from "./texts.js";
import { t } from "./words.js";

const DIM = "\u001b[2m";
const RED = "\u001b[31m";
const GREEN = "\u001b[32m";
const YELLOW = "\u001b[33m";
const RESET = "\u001b[0m";

/** Turns line feeds into what moves a terminal to the start of the next line. A command has a pipe and no terminal driver. */
export class LineFeeds {
  #endedInReturn = false;

  feed(text: string): string {
    if (text === "") return text;
    const startsBare = text.startsWith("\n") && this.#endedInReturn;
    this.#endedInReturn = text.endsWith("\r");
    const fixed = text.replaceAll(/\r?\n/g, "\r\n");
    return startsBare ? fixed.slice(1) : fixed;
  }
}

/** What came of an output's data: text that can be shown. Bytes that are no UTF-8 show as replacement characters. */
export function decode(data: string, encoding: "base64" | undefined): string {
  return encoding === undefined ? data : Buffer.from(data, "base64").toString("utf8");
}

/** A line of the extension's own, on a line for itself, with nothing of the output's style. */
function note(colour: string, text: string): string {
  return `${RESET}${colour}${text}${RESET}\r\n`;
}

/** `atLineStart`: whether the cursor is there. */
export function onOwnLine(atLineStart: boolean, line: string): string {
  return atLineStart ? line : `\r\n${line}`;
}

/** A remark of the extension's own. */
export function remark(text: string): string {
  return note(DIM, `── ${text} ──`);
}

export function errorLine(message: string): string {
  return note(RED, `── ${message} ──`);
}

export function gapLine(gap: Gap): string {
  const lost = bytes(gap.to - gap.from);
  return note(
    YELLOW,
    gap.reason === "storageFull"
      ? t("── {0} of {1} are gone: the container's disk was full ──", lost, gap.stream)
      : t("── {0} of {1} are gone: only the newest output is kept ──", lost, gap.stream),
  );
}

export function endLine(process: Process): string {
  const how = ending(process);
  const took =
    process.startedAt !== undefined && process.endedAt !== undefined
      ? t(" after {0}", duration(process.endedAt - process.startedAt))
      : "";
  const colour = isFailed(process) ? RED : process.status === "stopped" ? GREEN : YELLOW;
  return note(colour, `── ${process.id}: ${how}${took} ──`);
}

export function headLine(process: Process, place: string): string {
  return note(DIM, t("── {0} in {1} ──", commandName(process, 200), place));
}

export function connectionLine(state: "reconnecting" | "connected" | "lost", detail: string): string {
  switch (state) {
    case "reconnecting":
      return note(YELLOW, t("── connection lost, trying again: {0} ──", detail));
    case "connected":
      return note(DIM, t("── connected again, nothing is missing ──"));
    default:
      return note(RED, t("── the container can't be reached any more: {0} ──", detail));
  }
}

export function replacedLine(): string {
  return note(DIM, t("── a new run has taken the place of this one ──"));
}

/** "0.2 s", "12 s", "3 min 5 s", "2 h 10 min". */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return t("{0} s", seconds.toFixed(1));
  if (seconds < 60) return t("{0} s", Math.round(seconds));
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t("{0} min {1} s", minutes, Math.floor(seconds % 60));
  return t("{0} h {1} min", Math.floor(minutes / 60), minutes % 60);
}
