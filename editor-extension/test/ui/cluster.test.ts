// The same on the real Kubernetes node: `make e2e` brings it up.

import { execFileSync } from "node:child_process";

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { Editor } from "./editor.js";

const kubeconfig = process.env["REMOTECMD_TEST_KUBECONFIG"];
if (kubeconfig === undefined)
  console.warn(
    "*** SKIPPED: there is no cluster (make e2e has one), so the extension is tried on this machine only ***",
  );

/** From the kind of target to the container. */
const steps = ["A container in a cluster…", "admin", "default", "app", "main"];

function kubectl(args: readonly string[], input?: string): void {
  const stdio = [input === undefined ? "ignore" : "pipe", "ignore", "inherit"] as const;
  execFileSync("kubectl", [...args], { input, stdio: [...stdio] });
}

/** A pod like `app` of the test cluster, with one container. */
function shortLived(name: string): unknown {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      nodeName: "127.0.0.1",
      hostNetwork: true,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      containers: [{ name: "main", image: "remotecmd.test/busybox:1", imagePullPolicy: "Never" }],
    },
  };
}

describe.skipIf(kubeconfig === undefined)("in a pod", () => {
  let editor: Editor;

  beforeAll(async () => {
    editor = await Editor.open({ env: { KUBECONFIG: kubeconfig } });
  });
  afterEach((context) => editor.keep(context));
  afterAll(() => editor.close());

  test("the pickers lead to a container, and say why a pod can't be used", async () => {
    const { workbench } = editor;
    await workbench.run("Choose a Target…");
    await workbench.choose(steps.slice(0, 3));
    await workbench.quick.locator(".monaco-list-row", { hasText: "debian" }).waitFor();
    expect((await workbench.offered()).find((row) => row.includes("pending"))).toMatch(
      /pending.*(Pending|not running)/i,
    );
    await workbench.choose(steps.slice(3));
    await workbench.row(/^app \/ main/);
  });

  test("a command runs there, tells its output, lives through a reload and is stopped", async () => {
    const { workbench } = editor;
    await workbench.start("echo in the pod $(hostname); exec sleep 1187", ["app / main"]);
    await workbench.terminalShows(/^in the pod/);
    await workbench.reload();
    const row = await workbench.row(/echo in the pod.*running/);
    await row.click();
    await workbench.terminalShows(/^in the pod/);
    await workbench.inline(row, "Stop");
    await workbench.remove(await workbench.row(/echo in the pod.*stopped/));
  });

  test("a pod that is deleted under an open terminal is told there and in the row, without a pop-up", async () => {
    const { workbench } = editor;
    const pod = `ui-${String(process.pid)}`;
    kubectl(["apply", "-f", "-"], JSON.stringify(shortLived(pod)));
    try {
      kubectl(["wait", "--for=condition=Ready", `pod/${pod}`, "--timeout=60s"]);
      await workbench.start("echo soon gone; exec sleep 1193", [...steps.slice(0, 3), pod]);
      await workbench.terminalShows(/^soon gone$/);
    } finally {
      kubectl(["delete", "pod", pod, "--grace-period=0", "--force"]);
    }
    await workbench.terminalShows(/── the container can't be reached any more: .*──|── .*lost: .*──/, 60_000);
    await (
      await workbench.tree()
    )
      .getByRole("treeitem")
      .filter({ hasText: pod })
      .filter({ hasText: /No pod/ })
      .waitFor();
    expect(await workbench.toasts()).toEqual([]);
  });
});
