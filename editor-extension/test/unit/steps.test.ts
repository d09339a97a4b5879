import { describe, expect, test } from "vitest";

import type { PodEntry, Target, TargetsParams, TargetsResult } from "../../src/protocol.js";
import { AnswerError } from "../../src/server.js";
import {
  type Asker,
  type Question,
  remembered,
  type TargetSource,
  type TargetState,
  targetSteps,
  walk,
} from "../../src/steps.js";

/** Answers each question by the label of a choice, "<" to go back, or ":text" to type. */
class Script implements Asker {
  readonly asked: Question<unknown>[] = [];
  readonly loaded: string[] = [];
  readonly #answers: string[];
  isCancelled = false;

  constructor(...answers: string[]) {
    this.#answers = answers;
  }

  loading(title: string): void {
    this.loaded.push(title);
  }

  ask<V>(question: Question<V>, canGoBack: boolean): Promise<{ readonly value: V } | "back" | undefined> {
    this.asked.push(question);
    const answer = this.#answers.shift();
    if (answer === undefined) return Promise.resolve(undefined);
    if (answer === "<") {
      expect(canGoBack).toBe(true);
      return Promise.resolve("back");
    }
    const choice = answer.startsWith(":")
      ? question.typed?.(answer.slice(1))
      : question.choices.find(({ label }) => label === answer);
    if (choice?.value === undefined) throw new Error(`${question.title} has no "${answer}" to choose`);
    return Promise.resolve({ value: choice.value });
  }

  get titles(): readonly string[] {
    return this.asked.map(({ title }) => title);
  }
}

const CLUSTER = "A container in a cluster…";

function pod(podName: string, ...containers: string[]): PodEntry {
  return {
    podName,
    phase: "Running",
    ready: true,
    usable: true,
    defaultContainer: containers[0] ?? "",
    containers: containers.map((containerName) => ({ containerName, state: "running", ready: true, usable: true })),
  };
}

const contexts = [
  { name: "staging", current: true },
  { name: "prod", current: false, namespace: "shop" },
];
const namespaces = [
  { name: "default", current: true },
  { name: "shop", current: false },
];

function source(
  lists: Partial<TargetsResult>,
  more: Partial<TargetSource> = {},
): TargetSource & { readonly calls: TargetsParams[] } {
  const calls: TargetsParams[] = [];
  return {
    calls,
    targets: (params) => {
      calls.push(params);
      return Promise.resolve({ contexts, namespaces, pods: [pod("api", "app", "proxy"), pod("web", "app")], ...lists });
    },
    kubeconfig: undefined,
    transports: ["local", "kubernetes"],
    recent: [],
    ...more,
  };
}

const go = async (from: TargetSource, script: Script): Promise<Target | undefined> =>
  (await walk<TargetState>(targetSteps(from), {}, script))?.target;

describe("choosing a target", () => {
  test("this machine is one step", async () => {
    const script = new Script("This machine");
    expect(await go(source({}), script)).toEqual({ kind: "local" });
    expect(script.asked).toHaveLength(1);
  });

  test("a container is context, namespace, pod and container", async () => {
    const script = new Script(CLUSTER, "prod", "shop", "api", "proxy");
    const from = source({}, { kubeconfig: "/k" });
    expect(await go(from, script)).toEqual({
      kind: "kubernetes",
      context: "prod",
      namespace: "shop",
      podName: "api",
      containerName: "proxy",
      kubeconfig: "/k",
    });
    expect(script.titles).toEqual(["Where to run", "Context", "Namespace", "Pod", "Container"]);
    expect(from.calls.at(-1)).toEqual({
      kind: "kubernetes",
      list: "pods",
      context: "prod",
      namespace: "shop",
      kubeconfig: "/k",
    });
  });

  test("a step with one answer is skipped", async () => {
    const script = new Script(CLUSTER);
    const one = { contexts: contexts.slice(0, 1), namespaces: namespaces.slice(0, 1), pods: [pod("web", "app")] };
    expect(await go(source(one), script)).toMatchObject({
      context: "staging",
      namespace: "default",
      podName: "web",
      containerName: "app",
    });
    expect(script.titles).toEqual(["Where to run"]);
  });

  test("an account in the cluster has no context", async () => {
    const script = new Script(CLUSTER, "shop", "web");
    const target = await go(source({ contexts: [] }), script);
    expect(target).toEqual({ kind: "kubernetes", namespace: "shop", podName: "web", containerName: "app" });
  });

  test("back goes to the last question that was asked, not to one that was skipped", async () => {
    const script = new Script(CLUSTER, "shop", "<", "default", "web");
    const target = await go(source({ contexts: contexts.slice(0, 1) }), script);
    expect(script.titles).toEqual(["Where to run", "Namespace", "Pod", "Namespace", "Pod"]);
    expect(target).toMatchObject({ namespace: "default" });
  });

  test("a list that may not be seen says why, and its entry can be typed", async () => {
    const forbidden = new AnswerError(-32803, "You may not list namespaces in context prod.", {
      kind: "forbidden",
      retryable: false,
    });
    const from = source({});
    const targets: TargetSource["targets"] = (params) =>
      params.list === "namespaces" ? Promise.reject(forbidden) : from.targets(params);
    const script = new Script(CLUSTER, "prod", ":team-a", "web");
    expect(await go({ ...from, targets }, script)).toMatchObject({ namespace: "team-a" });
    expect(script.asked[2]).toMatchObject({ choices: [], problem: "You may not list namespaces in context prod." });
  });

  test("a workload can be typed in place of a pod", async () => {
    const target = await go(source({}), new Script(CLUSTER, "prod", "shop", ":deployment/api"));
    expect(target).toEqual({ kind: "kubernetes", context: "prod", namespace: "shop", workload: "deployment/api" });
  });

  test("what can't be used is there with the reason", async () => {
    const broken: PodEntry = { ...pod("bad", "app"), usable: false, reason: "ImagePullBackOff", containers: [] };
    const script = new Script(CLUSTER, "prod", "shop");
    expect(await go(source({ pods: [broken, pod("web", "app")] }), script)).toBeUndefined();
    expect(script.asked.at(-1)?.choices[0]).toMatchObject({ label: "bad", detail: "ImagePullBackOff" });
    expect(script.asked.at(-1)?.choices[0]).not.toHaveProperty("value");
  });

  test("the last choice comes first in each step", async () => {
    const last: Target = {
      kind: "kubernetes",
      context: "prod",
      namespace: "shop",
      podName: "web",
      containerName: "app",
    };
    const script = new Script(CLUSTER, "prod", "shop", "api", "proxy");
    await go(source({}, { recent: [last] }), script);
    expect(script.asked.slice(0, 4).map(({ choices }) => choices[0]?.label)).toEqual([
      "web / app",
      "prod",
      "shop",
      "web",
    ]);
    expect(await go(source({}, { recent: [last] }), new Script("web / app"))).toEqual(last);
  });

  test("the container that a devfile's component names is not asked for", async () => {
    const script = new Script(CLUSTER, "prod", "shop", "api");
    expect(await go(source({}, { container: "proxy" }), script)).toMatchObject({ containerName: "proxy" });
  });

  test("pages are read as far as they go", async () => {
    const from = source({});
    const targets: TargetSource["targets"] = (params) =>
      params.list === "namespaces" && params.continue === undefined
        ? Promise.resolve({ namespaces: [{ name: "a", current: false }], continue: "more" })
        : from.targets(params);
    const script = new Script(CLUSTER, "prod", "a", "web");
    await go({ ...from, targets }, script);
    expect(script.asked[2]?.choices.map(({ label }) => label)).toEqual(["a", "default", "shop"]);
  });

  test("who leaves while something is looked up has left", async () => {
    const script = new Script(CLUSTER);
    const from = source({});
    const targets: TargetSource["targets"] = (params) => {
      script.isCancelled = true;
      return from.targets(params);
    };
    expect(await go({ ...from, targets }, script)).toBeUndefined();
  });
});

test("targets are remembered once, the last first", () => {
  const pods = ["a", "b", "c"].map((podName): Target => ({ kind: "kubernetes", podName }));
  const [a, b, c] = pods as [Target, Target, Target];
  expect(remembered([a, b, c], c, 3)).toEqual([c, a, b]);
  expect(remembered([a, b], c, 2)).toEqual([c, a]);
});
