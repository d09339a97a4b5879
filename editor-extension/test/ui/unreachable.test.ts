// A cluster that nobody answers for: what can't be listed is said where it is asked for, and what was typed is kept.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { Editor } from "./editor.js";

const kubeconfig = {
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "far", cluster: { server: "https://127.0.0.1:9" } }],
  users: [{ name: "me", user: {} }],
  contexts: [{ name: "far", context: { cluster: "far", user: "me", namespace: "shop" } }],
  "current-context": "far",
};

let directory: string;
let editor: Editor;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "remotecmd-ui-unreachable-"));
  const path = join(directory, "kubeconfig");
  writeFileSync(path, JSON.stringify(kubeconfig));
  editor = await Editor.open({ env: { KUBECONFIG: path } });
});
afterEach((context) => editor.keep(context));
afterAll(async () => {
  await editor.close();
  rmSync(directory, { recursive: true, force: true });
});

test("the picker says why it lists nothing, names can be typed, and the row says what is wrong", async () => {
  const { workbench } = editor;
  await workbench.run("Choose a Target…");
  await workbench.pick("A container in a cluster…");
  await workbench.quick.getByPlaceholder("A namespace").waitFor();
  expect((await workbench.offered()).join()).toMatch(/127\.0\.0\.1:9/);
  await workbench.answer("shop");
  await workbench.quick.getByPlaceholder(/pod/i).waitFor();
  await workbench.answer("api");
  await workbench.row(/api.*127\.0\.0\.1:9/);
  expect(await workbench.toasts()).toEqual([]);
});

test("a command that can't be started there is one message, with buttons that help", async () => {
  const { workbench } = editor;
  await workbench.start("true", ["api"]);
  const toast = await workbench.toast(/127\.0\.0\.1:9/);
  await toast.getByRole("button", { name: "Choose Another Target" }).waitFor();
  expect(await workbench.toasts()).toHaveLength(1);
});
