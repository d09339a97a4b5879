// The commands of a devfile, as far as they can be run here: which ones to offer, and in which order a composite runs.

import type { DevfileCommand, DevfileResult } from "./protocol.js";
import { t } from "./words.js";

/** What a command of a devfile runs: one thing, or several one after the other or at the same time. */
export type Plan =
  | { readonly kind: "one"; readonly command: DevfileCommand }
  | { readonly kind: "several"; readonly parallel: boolean; readonly plans: readonly Plan[] };

/** Those that can be run, those that are the default of their group first. */
export function offered(devfile: DevfileResult): readonly DevfileCommand[] {
  const runnable = devfile.commands.filter((command) => typeof planOf(devfile, command.id) !== "string");
  const isFirst = ({ group }: DevfileCommand): boolean => group?.isDefault === true;
  return [...runnable.filter(isFirst), ...runnable.filter((command) => !isFirst(command))];
}

/** The plan of a command, or a sentence that says why there is none. */
export function planOf(devfile: DevfileResult, id: string, above: readonly string[] = []): Plan | string {
  const command = devfile.commands.find((it) => it.id === id);
  if (command === undefined) return t('The devfile has no command "{0}" that can be run here.', id);
  if (above.includes(id)) return t('Command "{0}" of the devfile contains itself.', id);
  if (command.kind === "exec")
    return command.definition === undefined
      ? t('The devfile alone does not tell how to run its command "{0}".', id)
      : { kind: "one", command };
  const plans: Plan[] = [];
  for (const part of command.commands ?? []) {
    const plan = planOf(devfile, part, [...above, id]);
    if (typeof plan === "string") return plan;
    plans.push(plan);
  }
  return { kind: "several", parallel: command.parallel === true, plans };
}

/** The components in which it runs, each once. */
export function componentsOf(plan: Plan): readonly string[] {
  const all = plan.kind === "one" ? [plan.command.component ?? ""] : plan.plans.flatMap(componentsOf);
  return [...new Set(all)];
}

/** Carry it out; `run` resolves with whether that command succeeded. The first that fails is the last, unless they run together. */
export async function carryOut(plan: Plan, run: (command: DevfileCommand) => Promise<boolean>): Promise<boolean> {
  if (plan.kind === "one") return run(plan.command);
  if (plan.parallel) return (await Promise.all(plan.plans.map((part) => carryOut(part, run)))).every(Boolean);
  for (const part of plan.plans) if (!(await carryOut(part, run))) return false;
  return true;
}
