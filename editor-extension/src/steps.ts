// Asking for a target, step by step: context, namespace, pod, container.
//
// A step that has one answer is skipped, what was chosen last time comes first, what can't be used is there with the
// reason, and what can't be listed can be typed. Pure: how a question is asked is given.

import { explain } from "./failures.js";
import type { KubernetesTarget, Target, TargetsParams, TargetsResult } from "./protocol.js";
import { targetKey, targetName, targetPlace } from "./targets.js";
import { t } from "./words.js";

export interface Choice<V> {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  /** Left out when it can't be chosen; detail says why. */
  readonly value?: V;
  readonly icon?: string;
}

export interface Question<V> {
  readonly title: string;
  readonly placeholder: string;
  readonly choices: readonly Choice<V>[];
  /** Why something is missing from the choices. */
  readonly problem?: string;
  /** What typed text means, where it may be typed. */
  readonly typed?: (text: string) => Choice<V>;
  /** It is there to be typed into, so what is typed comes before what is like it. */
  readonly isTyping?: boolean;
  /** Asked even if there is one answer. */
  readonly isAlwaysAsked?: boolean;
}

export interface Step<S> {
  readonly title: string;
  /** The question, with what each answer leads to; undefined when there is nothing to ask. */
  readonly question: (state: S) => Promise<Question<S> | undefined>;
}

export interface Asker {
  /** Something is looked up. */
  loading(title: string): void;
  /** Resolves with the answer, "back", or undefined when the user left. */
  ask<V>(question: Question<V>, canGoBack: boolean): Promise<{ readonly value: V } | "back" | undefined>;
  readonly isCancelled: boolean;
}

/** Go through the steps; resolves with the last state, or undefined when the user left. */
export async function walk<S>(steps: readonly Step<S>[], first: S, asker: Asker): Promise<S | undefined> {
  const asked: { readonly index: number; readonly state: S }[] = [];
  let state = first;
  for (let index = 0; index < steps.length;) {
    const step = steps[index];
    if (step === undefined) break;
    asker.loading(step.title);
    const question = await step.question(state);
    if (asker.isCancelled) return undefined;
    if (question === undefined) {
      index++;
      continue;
    }
    const only = onlyAnswer(question);
    if (only !== undefined) {
      state = only.value;
      index++;
      continue;
    }
    const answer = await asker.ask(question, asked.length > 0);
    if (answer === undefined) return undefined;
    if (answer === "back") {
      const last = asked.pop();
      if (last !== undefined) ({ index, state } = last);
      continue;
    }
    asked.push({ index, state });
    state = answer.value;
    index++;
  }
  return state;
}

function onlyAnswer<V>({ choices, problem, isAlwaysAsked }: Question<V>): { readonly value: V } | undefined {
  const [only] = choices;
  if (isAlwaysAsked === true || problem !== undefined || choices.length !== 1 || only?.value === undefined)
    return undefined;
  return { value: only.value };
}

/** The choices with the last choice first. */
export function lastFirst<V>(
  choices: readonly Choice<V>[],
  isLast: (choice: Choice<V>) => boolean,
): readonly Choice<V>[] {
  return [...choices.filter(isLast), ...choices.filter((choice) => !isLast(choice))];
}

// -------------------------------------------------------------------- the steps of a target

export interface TargetState {
  readonly target?: Target;
  readonly context?: string;
  readonly namespace?: string;
  readonly containers?: readonly Choice<Target>[];
}

export interface TargetSource {
  readonly targets: (params: TargetsParams) => Promise<TargetsResult>;
  readonly kubeconfig: string | undefined;
  /** Kinds of target that the server has. */
  readonly transports: readonly string[];
  /** What was chosen before, the last first. */
  readonly recent: readonly Target[];
  /** A name that the container has, if there is one of it: that of a Devfile's component. */
  readonly container?: string;
}

/** Most pages of a list that are read for a picker; what is beyond them can be typed. */
const MOST_PAGES = 8;

export function targetSteps(source: TargetSource): readonly Step<TargetState>[] {
  return [kindStep(source), contextStep(source), namespaceStep(source), podStep(source), containerStep(source)];
}

function kindStep({ transports, recent }: TargetSource): Step<TargetState> {
  const title = t("Where to run");
  return {
    title,
    question: (state) => {
      if (state.target !== undefined) return Promise.resolve(undefined);
      return Promise.resolve({
        title,
        placeholder: t("A target: where the command runs"),
        isAlwaysAsked: true,
        choices: [
          ...recent.map((target) => ({
            label: targetName(target),
            description: targetPlace(target),
            icon: target.kind === "local" ? "device-desktop" : "server-environment",
            value: { target },
          })),
          ...(transports.includes("local") && !recent.some(({ kind }) => kind === "local")
            ? [{ label: t("This machine"), icon: "device-desktop", value: { target: { kind: "local" } as const } }]
            : []),
          ...(transports.includes("kubernetes")
            ? [{ label: t("A container in a cluster…"), icon: "search", value: {} }]
            : []),
        ],
      });
    },
  };
}

function contextStep(source: TargetSource): Step<TargetState> {
  return clusterStep(source, t("Context"), async (state, last) => {
    const { items, problem } = await listed(source, { kind: "kubernetes", list: "contexts" }, (it) => it.contexts);
    if (items.length === 0 && problem === undefined) return undefined; // the account in the cluster has none
    const choices = items.map(({ name, namespace, current }) => ({
      label: name,
      description: [current ? t("current") : "", namespace ?? ""].filter((part) => part !== "").join(" · "),
      icon: "server",
      value: { ...state, context: name },
    }));
    return {
      title: t("Context"),
      placeholder: t("A context of the kubeconfig"),
      choices: lastFirst(choices, ({ label }) => label === last?.context),
      ...(problem !== undefined && { problem }),
    };
  });
}

function namespaceStep(source: TargetSource): Step<TargetState> {
  return clusterStep(source, t("Namespace"), async (state, last) => {
    const params = { kind: "kubernetes", list: "namespaces", ...inContext(state) } as const;
    const { items, problem } = await listed(source, params, (it) => it.namespaces);
    const choices = items.map(({ name, current }) => ({
      label: name,
      icon: "symbol-namespace",
      ...(current && { description: t("of the context") }),
      value: { ...state, namespace: name },
    }));
    return {
      title: t("Namespace"),
      placeholder: t("A namespace: choose, or type its name"),
      choices: lastFirst(choices, ({ label }) => label === last?.namespace),
      ...(problem !== undefined && { problem }),
      typed: (name) => ({ label: t('Namespace "{0}"', name), icon: "edit", value: { ...state, namespace: name } }),
    };
  });
}

function podStep(source: TargetSource): Step<TargetState> {
  return clusterStep(source, t("Pod"), async (state, last) => {
    const where = { ...inContext(state), ...(state.namespace !== undefined && { namespace: state.namespace }) };
    const { items, problem } = await listed(source, { kind: "kubernetes", list: "pods", ...where }, (it) => it.pods);
    const base = (pod: Pick<KubernetesTarget, "podName" | "workload">): KubernetesTarget => ({
      kind: "kubernetes",
      ...pod,
      ...where,
      ...(source.kubeconfig !== undefined && { kubeconfig: source.kubeconfig }),
    });
    const choices = items.map((pod): Choice<TargetState> => {
      const usable = pod.containers.some((container) => container.usable);
      const containers = pod.containers.map(({ containerName, usable: canBe, reason, role }): Choice<Target> => ({
        label: containerName,
        icon: "symbol-container",
        description: [containerName === pod.defaultContainer ? t("default") : "", role ?? ""]
          .filter((it) => it !== "")
          .join(" · "),
        ...(canBe
          ? { value: { ...base({ podName: pod.podName }), containerName } }
          : { detail: reason ?? t("can't be used") }),
      }));
      return {
        label: pod.podName,
        icon: "package",
        description: pod.phase,
        ...(usable ? { value: { ...state, containers } } : { detail: pod.reason ?? t("no container of it runs") }),
      };
    });
    return {
      title: t("Pod"),
      placeholder:
        items.length === 0
          ? t("There are no pods here: choose another namespace, or type a name")
          : t("A pod: choose, or type its name"),
      choices: lastFirst(choices, ({ label }) => label === last?.podName),
      ...(problem !== undefined && { problem }),
      typed: (name) => ({
        label: name.includes("/") ? t('The pod of "{0}"', name) : t('Pod "{0}"', name),
        icon: "edit",
        value: { ...state, target: name.includes("/") ? base({ workload: name }) : base({ podName: name }) },
      }),
    };
  });
}

function containerStep(source: TargetSource): Step<TargetState> {
  return clusterStep(source, t("Container"), (state, last) => {
    const all = state.containers ?? [];
    const wanted = all.filter(({ label, value }) => label === source.container && value !== undefined);
    const choices = (wanted.length === 1 ? wanted : all).map(({ value, ...choice }) => ({
      ...choice,
      ...(value !== undefined && { value: { target: value } }),
    }));
    if (choices.length === 0) return Promise.resolve(undefined);
    return Promise.resolve({
      title: t("Container"),
      placeholder: t("A container of the pod"),
      choices: lastFirst(choices, ({ label }) => label === last?.containerName),
    });
  });
}

/** A step that is not asked once the target is known. */
function clusterStep(
  { recent }: TargetSource,
  title: string,
  question: (state: TargetState, last: KubernetesTarget | undefined) => Promise<Question<TargetState> | undefined>,
): Step<TargetState> {
  const last = recent.find((target) => target.kind === "kubernetes");
  return {
    title,
    question: (state) => (state.target === undefined ? question(state, last) : Promise.resolve(undefined)),
  };
}

async function listed<T>(
  { targets, kubeconfig }: TargetSource,
  params: TargetsParams,
  items: (result: TargetsResult) => readonly T[] | undefined,
): Promise<{ readonly items: readonly T[]; readonly problem?: string }> {
  const found: T[] = [];
  let next: string | undefined;
  try {
    for (let page = 0; page < MOST_PAGES; page++) {
      const result = await targets({
        ...params,
        ...(kubeconfig !== undefined && { kubeconfig }),
        ...(next !== undefined && { continue: next }),
      });
      found.push(...(items(result) ?? []));
      next = result.continue;
      if (next === undefined) return { items: found };
    }
    return { items: found, problem: t("There are more than are listed here: type the name") };
  } catch (error) {
    return { items: found, problem: explain(error).message };
  }
}

function inContext({ context }: TargetState): { readonly context?: string } {
  return context === undefined ? {} : { context };
}

/** What was chosen, with `target` as the last choice: each once, the last first, no more than `most`. */
export function remembered(recent: readonly Target[], target: Target, most = 5): readonly Target[] {
  const key = targetKey(target);
  return [target, ...recent.filter((other) => targetKey(other) !== key)].slice(0, most);
}
