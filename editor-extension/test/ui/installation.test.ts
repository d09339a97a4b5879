// The VSIX on a machine that has nothing yet, and what it costs to have it.

import { statSync } from "node:fs";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { Editor } from "./editor.js";

let editor: Editor;

beforeAll(async () => {
  editor = await Editor.open();
});
afterEach((context) => editor.keep(context));
afterAll(() => editor.close());

test("the bundle has at most 200 KB", () => {
  expect(statSync(join(editor.installed(), "dist/extension.js")).size).toBeLessThanOrEqual(200 * 1024);
});

test("activation takes at most 50 ms", async () => {
  await editor.workbench.command("Developer: Show Running Extensions");
  const row = editor.page.locator(".runtime-extensions-editor .extension", { hasText: "Remote Commands" });
  const text = await row.innerText();
  console.log(text);
});
