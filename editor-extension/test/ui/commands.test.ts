// The life of commands on this machine, as somebody meets it: list, terminal, status bar, menus.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { Editor } from "./editor.js";
import { isRunning } from "./processes.js";
import { until } from "./until.js";

let editor: Editor;

beforeAll(async () => {
  editor = await Editor.open();
});
afterEach((context) => editor.keep(context));
afterAll(() => editor.close());

test("the view says what it is and offers how to begin", async () => {
  await editor.workbench.tree();
  const welcome = editor.page.locator(".welcome-view-content");
  await welcome.getByRole("button", { name: "Run a Command…" }).waitFor();
  await welcome.getByRole("button", { name: "Choose a Target…" }).waitFor();
});

test("a command's output opens in a terminal of its name, with its colours", async () => {
  await editor.workbench.start("printf 'plain \\033[32mgreen\\033[0m\\n'; exec sleep 1091");
  await editor.workbench.terminalShows("plain green");
  const green = editor.page.locator(".terminal-wrapper.active .xterm-rows .xterm-fg-2", { hasText: "green" });
  await green.waitFor();
  await editor.workbench.row(/printf.*running · \d+s · pid \d+/);
  expect(await editor.workbench.running.innerText()).toContain("1");
});

test("stop ends all of it, and says so in the row and in the terminal", async () => {
  expect(isRunning("sleep 1091")).toBe(true);
  await editor.workbench.inline(await editor.workbench.row(/printf.*running/), "Stop");
  await editor.workbench.row(/printf.*stopped/);
  await editor.workbench.terminalShows(/── printf.*stopped after/);
  expect(isRunning("sleep 1091")).toBe(false);
  await until("the status bar counts none", async () => !(await editor.workbench.running.isVisible()));
});

test("start again runs the same once more, in the same row", async () => {
  await editor.workbench.inline(await editor.workbench.row(/printf.*stopped/), "Start Again");
  await editor.workbench.row(/printf.*running/);
  await until("it runs", () => isRunning("sleep 1091"));
  await editor.workbench.inline(await editor.workbench.row(/printf.*running/), "Stop");
  await editor.workbench.row(/printf.*stopped/);
});

test("a failure is a badge, its exit code in the row, and no pop-up", async () => {
  await editor.workbench.start("echo no good >&2; exit 7");
  await editor.workbench.row(/no good.*exit 7/);
  await editor.workbench.terminalShows("no good");
  await editor.page.locator(".activitybar .badge-content", { hasText: "1" }).first().waitFor();
  expect(await editor.workbench.toasts()).toEqual([]);
});

test("the doctor says in a document whether commands can run in a target", async () => {
  const { workbench } = editor;
  const row = (await workbench.tree()).getByRole("treeitem").filter({ hasText: "This machine" });
  await workbench.menu(row, "Check the Target (Doctor)");
  const preview = editor.page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
  await preview.getByRole("heading", { name: "Doctor: This machine" }).waitFor();
  await preview.getByText("Commands run here").waitFor();
  await workbench.command("View: Close All Editors");
});

test("the menu of an ended command removes it", async () => {
  await editor.workbench.remove(await editor.workbench.row(/no good.*exit 7/));
});
