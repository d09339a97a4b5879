// How a terminal gets a shell in a target: with the tools that the user has for it, which know how to make a terminal.

import type { Target } from "./protocol.js";

export interface ShellCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** bash where there is one, else what every container has. */
const ANY_SHELL = ["/bin/sh", "-c", "exec $(command -v bash || echo /bin/sh)"];

/** The command that opens a shell; undefined for this machine, where the editor knows best. */
export function shellCommand(target: Target): ShellCommand | undefined {
  switch (target.kind) {
    case "local":
      return undefined;
    case "kubernetes": {
      const { context, namespace, kubeconfig, podName, workload, containerName } = target;
      const option = (name: string, value: string | undefined): readonly string[] =>
        value === undefined || value === "" ? [] : [`--${name}=${value}`];
      return {
        program: "kubectl",
        args: [
          "exec",
          "-it",
          ...option("kubeconfig", kubeconfig),
          ...option("context", context),
          ...option("namespace", namespace),
          ...option("container", containerName),
          podName ?? workload ?? "",
          "--",
          ...ANY_SHELL,
        ],
      };
    }
    default:
      return { program: target.kind, args: ["exec", "-it", target.container, ...ANY_SHELL] };
  }
}
