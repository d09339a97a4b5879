// What to run, from what people write: a line, a task, an entry of the settings.

import type { Definition, Target } from "./protocol.js";
import { t } from "./words.js";

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const LONGEST_ID = 63;

/** An id for a command that has none: its words, as far as they may be in one. "npm run dev" is npm-run-dev. */
export function idFor(text: string): string {
  const words = text
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "")
    .slice(0, LONGEST_ID)
    .replaceAll(/[^A-Za-z0-9]+$/g, "");
  return words === "" ? "command" : words;
}

/** The definition of a line that was typed. */
export function typed(cmdLine: string, workingDir?: string): Definition {
  return { id: idFor(cmdLine), cmdLine, ...(workingDir !== undefined && { workingDir }) };
}

/** What a task of type "remotecmd" says, as far as it was written correctly. */
export interface RemoteTask {
  readonly target?: Target;
  readonly cmdLine?: string;
  readonly args?: readonly string[];
  readonly id?: string;
  readonly workingDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: boolean;
  readonly devfileCommand?: string;
}

/** The definition that a task means, or a sentence that says what is wrong with it. */
export function ofTask(task: RemoteTask): Definition | string {
  const { cmdLine, args, workingDir, env, stdin } = task;
  if ((cmdLine === undefined) === (args === undefined))
    return t('A task of type "remotecmd" needs one of cmdLine, args and devfileCommand.');
  if (args?.length === 0) return t('"args" of the task is empty: it needs a program.');
  if (cmdLine?.trim() === "") return t('"cmdLine" of the task is blank.');
  const id = task.id ?? idFor(cmdLine ?? args?.join(" ") ?? "");
  if (!ID.test(id)) return t('"{0}" is no id: write 1 to 63 letters, digits, dots, underscores or dashes.', id);
  return {
    id,
    ...(cmdLine !== undefined && { cmdLine }),
    ...(args !== undefined && { args }),
    ...(workingDir !== undefined && { workingDir }),
    ...(stdin !== undefined && { stdin }),
    ...(env !== undefined && { envVars: Object.entries(env).map(([key, value]) => ({ key, value })) }),
  };
}

/** An entry of the setting `remotecmd.commands`. */
export interface Configured {
  readonly label: string;
  readonly target: Target;
  readonly definition: Definition;
}

/** The usable entries of the setting. The settings editor marks the others; the server says what it refuses. */
export function configured(setting: unknown): readonly Configured[] {
  if (!Array.isArray(setting)) return [];
  return setting.flatMap((entry: unknown) => {
    const { label, target, definition } = (entry ?? {}) as Partial<Configured>;
    if (typeof target?.kind !== "string" || typeof definition?.id !== "string") return [];
    if (definition.args !== undefined && !Array.isArray(definition.args)) return [];
    return [{ label: typeof label === "string" && label !== "" ? label : definition.id, target, definition }];
  });
}

/** A definition without what must not be written down: values of variables may be secrets. Undefined if it needs them. */
export function memorable(definition: Definition): Definition | undefined {
  return definition.envVars === undefined || definition.envVars.length === 0 ? definition : undefined;
}
