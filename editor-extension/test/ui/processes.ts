// The processes below the editor, read from /proc: what is found there is ours, so it may be measured and ended by pid.

import { readdirSync, readFileSync } from "node:fs";

export interface Found {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
}

/** Whether a process with just that command line is there. A command's processes are below nobody: they outlive all. */
export function isRunning(commandLine: string): boolean {
  return all().some(({ argv }) => argv.join(" ") === commandLine);
}

/** All processes that `ancestor` has started, and those have started. */
export function below(ancestor: number): Found[] {
  const found = all();
  const pids = new Set([ancestor]);
  for (let before = 0; before !== pids.size;) {
    before = pids.size;
    for (const { pid, parent } of found) if (pids.has(parent)) pids.add(pid);
  }
  return found.filter(({ pid }) => pid !== ancestor && pids.has(pid));
}

/** What a process has in memory now, in bytes. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"));
  if (found === null) throw new Error(`process ${String(pid)} has no memory: it has ended`);
  return Number(found[1]) * 1024;
}

function all(): Found[] {
  return readdirSync("/proc").flatMap((name) => read(name) ?? []);
}

function read(name: string): Found | undefined {
  if (!/^\d+$/.test(name)) return undefined;
  try {
    const argv = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").slice(0, -1);
    // The program's name, in parentheses, may hold anything.
    const after = readFileSync(`/proc/${name}/stat`, "utf8").replace(/^.*\) /s, "");
    return { pid: Number(name), parent: Number(after.split(" ")[1]), argv };
  } catch {
    return undefined; // it has ended meanwhile
  }
}
