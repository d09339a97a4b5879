// Where commands run: telling targets apart, and their names for people.

import type { KubernetesTarget, ResolvedTarget, Target } from "./protocol.js";
import { t } from "./words.js";

/** Equal for equal targets; what a target was resolved to has the key of the target that names all of it. */
export function targetKey(target: Target | ResolvedTarget): string {
  switch (target.kind) {
    case "local":
      return "local";
    case "kubernetes": {
      const { context, namespace, podName, containerName, selector, workload } = target as KubernetesTarget;
      const pod = podName ?? workload ?? (selector === undefined ? "" : `?${selector}`);
      return ["kubernetes", context, namespace, pod, containerName].map((part) => part ?? "").join("|");
    }
    default:
      return `${target.kind}|${"container" in target ? target.container : ((target as ResolvedTarget).containerName ?? "")}`;
  }
}

/** The target that means exactly the container that `asked` was resolved to. */
export function pinned(asked: Target, resolved: ResolvedTarget): Target {
  if (asked.kind !== "kubernetes" || resolved.podName === undefined) return asked;
  const { context, namespace, podName, containerName } = resolved;
  return {
    kind: "kubernetes",
    podName,
    ...(containerName !== undefined && { containerName }),
    ...(namespace !== undefined && { namespace }),
    ...(context !== undefined && { context }),
    ...(asked.kubeconfig !== undefined && { kubeconfig: asked.kubeconfig }),
  };
}

/** Name of a target for a list: "api-7d9f / app". */
export function targetName(target: Target | ResolvedTarget): string {
  if (target.kind === "local") return t("This machine");
  if (target.kind !== "kubernetes")
    return "container" in target ? target.container : ((target as ResolvedTarget).containerName ?? target.kind);
  const { podName, workload, selector, containerName } = target as KubernetesTarget;
  const pod = podName ?? workload ?? selector ?? "?";
  return containerName === undefined ? pod : `${pod} / ${containerName}`;
}

/** Where that is: "shop · prod". Empty when it says nothing. */
export function targetPlace(target: Target | ResolvedTarget): string {
  if (target.kind !== "kubernetes") return target.kind === "local" ? "" : target.kind;
  const { namespace, context } = target as KubernetesTarget;
  return [namespace, context].filter((part) => part !== undefined && part !== "").join(" · ");
}
