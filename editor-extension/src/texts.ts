// What is said of a command: its state, age and end, in few words. Pure; the time is given.

import type { Process } from "./protocol.js";
import { t } from "./words.js";

const LIVE = new Set<string>(["starting", "running", "stopping"]);

/** Whether it is alive. */
export function isLive(process: Pick<Process, "state">): boolean {
  return LIVE.has(process.state);
}

/** Whether it ended in a way that somebody should look at. */
export function isFailed(process: Pick<Process, "status">): boolean {
  return process.status === "errored";
}

/** "12s", "3m", "5h", "2d": the largest unit that fits. */
export function age(sinceMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  if (seconds < 60) return t("{0}s", seconds);
  if (seconds < 3600) return t("{0}m", Math.floor(seconds / 60));
  if (seconds < 86_400) return t("{0}h", Math.floor(seconds / 3600));
  return t("{0}d", Math.floor(seconds / 86_400));
}

/** How long until `age` of the same says something else. */
export function ageChangesInMs(sinceMs: number, nowMs: number): number {
  const elapsed = Math.max(0, nowMs - sinceMs);
  const unit = elapsed < 60_000 ? 1000 : elapsed < 3_600_000 ? 60_000 : 3_600_000;
  return unit - (elapsed % unit);
}

/** How it ended: "exit 2", "killed by TERM", "could not start: …". Empty for what lives. */
export function ending(process: Process): string {
  switch (process.state) {
    case "exited":
      if (process.reason === "timeout") return t("time limit reached");
      return process.status === "stopped" && process.exitCode !== 0
        ? t("stopped")
        : t("exit {0}", process.exitCode ?? "?");
    case "signaled":
      if (process.reason === "timeout") return t("time limit reached");
      return process.status === "stopped" ? t("stopped") : t("ended by {0}", process.signal ?? "?");
    case "startFailed":
      return t("could not start: {0}", reason(process.reason));
    case "lost":
      return t("lost: {0}", reason(process.reason));
    case "absent":
      return t("gone");
    default:
      return "";
  }
}

/** A cause in words; one that is not known here is shown as it is. */
export function reason(cause: string | undefined): string {
  switch (cause) {
    case undefined:
      return t("cause unknown");
    case "workingDirNotFound":
      return t("its working directory does not exist");
    case "workingDirNotADirectory":
      return t("its working directory is not a directory");
    case "executableNotFound":
      return t("program not found");
    case "permissionDenied":
      return t("permission denied");
    case "argumentListTooLong":
      return t("arguments too long");
    case "processLimit":
      return t("no more processes allowed");
    case "launchFailed":
      return t("its launcher failed");
    case "noRecord":
      return t("nothing was heard of it");
    case "containerRestarted":
      return t("its container was restarted");
    case "podReplaced":
      return t("its pod was replaced");
    case "containerEnded":
      return t("its container has ended");
    case "targetNotFound":
    case "containerNotFound":
      return t("its container is gone");
    case "supervisorKilled":
    case "pidReused":
    case "zombie":
      return t("it ended, and nothing was there to see how");
    case "recordMissing":
      return t("no record of its end");
    default:
      return cause;
  }
}

/** The rest of its line in the list: "running · 12m · pid 311", "exit 2 · 3m ago". */
export function summary(process: Process, nowMs: number): string {
  const parts: string[] = [];
  if (isLive(process)) {
    parts.push(
      process.state === "stopping" ? t("stopping") : process.state === "starting" ? t("starting") : t("running"),
    );
    if (process.startedAt !== undefined) parts.push(age(process.startedAt, nowMs));
    if (process.pid !== undefined) parts.push(t("pid {0}", process.pid));
  } else {
    parts.push(ending(process));
    if (process.endedAt !== undefined) parts.push(t("{0} ago", age(process.endedAt, nowMs)));
  }
  return parts.join(" · ");
}

/** Its name for people: what it runs, or its id; no longer than `most` characters. */
export function commandName(process: Process, most = 60): string {
  const line = process.command?.trim().split("\n", 1)[0] ?? "";
  return shortened(line === "" ? process.id : line, most);
}

/** Text in which VS Code finds no link: in a message it would run a command of whoever wrote it. */
export function unlinked(text: string): string {
  return text.replaceAll("](", "] (");
}

/** Text in which VS Code finds no icon: $(nproc) in a picker is what somebody typed. */
export function iconless(text: string): string {
  return text.replaceAll(/\$\([A-Za-z0-9-]+(?:~[A-Za-z]+)?\)/g, "\\$&");
}

export function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** A number of bytes: "812 B", "14 KiB", "1.1 MiB". */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 10 ? String(Math.round(value)) : value.toFixed(1)} ${units[unit] ?? ""}`;
}
