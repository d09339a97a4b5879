// The same on the real Kubernetes node: `make e2e` brings it up.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { Editor } from "./editor.js";

const kubeconfig = process.env["REMOTECMD_TEST_KUBECONFIG"];
if (kubeconfig === undefined)
  console.warn(
    "*** SKIPPED: there is no cluster (make e2e has one), so the extension is tried on this machine only ***",
  );

/** From the kind of target to the container. */
const steps = ["A container in a cluster…", "admin", "default", "app", "main"];

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
});
