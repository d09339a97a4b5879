// What must not cost a byte: a reload of the window, and the end of the server, while a command writes.

import { afterEach, beforeEach, expect, test } from "vitest";

import { Editor } from "./editor.js";
import { until } from "./until.js";

let editor: Editor;

beforeEach(async () => {
  editor = await Editor.open();
});
afterEach((context) => editor.keep(context).finally(() => editor.close()));

/** Every line of what the command has written so far and writes to its end, once and in order. */
const LINES = 800;
const counting = `for i in $(seq 1 ${String(LINES)}); do echo "line $i"; sleep 0.02; done; echo all told`;

async function expectAllLines(): Promise<void> {
  await editor.workbench.terminalShows("all told", 60_000);
  const text = await editor.workbench.terminalText();
  const lines = [...text.matchAll(/^line (\d+)$/gm)].map((match) => Number(match[1]));
  expect(lines).toEqual(Array.from({ length: LINES }, (_, index) => index + 1));
}

test("after a reload of the window the terminal is back with every line", async () => {
  await editor.workbench.start(counting);
  await editor.workbench.terminalShows(/^line ([5-9]\d|\d{3})$/);
  await editor.workbench.reload();
  await (await editor.workbench.row(/for i in/)).click(); // VS Code may have opened a shell of its own in front of it
  await expectAllLines();
  await editor.workbench.row(/for i in.*exit 0/);
});

test("when the server is killed another one goes on with the next byte", async () => {
  await editor.workbench.start(counting);
  await editor.workbench.terminalShows(/^line ([5-9]\d|\d{3})$/);
  const { pid } = await editor.remotecmdServer();
  process.kill(pid, "SIGKILL");
  await until("another server runs", async () => (await editor.remotecmdServer()).pid !== pid);
  await expectAllLines();
  await editor.workbench.row(/for i in.*exit 0/);
  expect(await editor.workbench.toasts()).toEqual([]);
});
