// What it costs to have the extension, measured in the editor that it is installed in.

import { statSync } from "node:fs";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { Editor } from "./editor.js";
import { until } from "./until.js";

const MOST_WINDOWS = 12;

let editor: Editor;

beforeAll(async () => {
  editor = await Editor.open();
});
afterEach((context) => editor.keep(context));
afterAll(() => editor.close());

test("the bundle has at most 200 KB", () => {
  expect(statSync(join(editor.installed(), "dist/extension.js")).size).toBeLessThanOrEqual(200 * 1024);
});

test("activation takes at most 50 ms in the extension host, with the loading of the code", async () => {
  const rounds: Activation[] = [];
  // While a window opens, the extension host shares the machine with all that opens with it. That only adds to what
  // activation takes by itself, so the first window in which it is within the limit shows that it is.
  const shortest = (): number => Math.min(...rounds.map((it) => it.loadMs + it.activateMs));
  while (rounds.length < MOST_WINDOWS) {
    rounds.push(await activation());
    if (shortest() <= 50) break;
    // Left open, the report would have other extensions activated at the same time as ours.
    await editor.workbench.command("View: Close All Editors");
    await editor.workbench.reload();
  }
  console.log(`activation: ${rounds.map((it) => `${String(it.loadMs)} + ${String(it.activateMs)}`).join(", ")} ms`);
  expect(shortest()).toBeLessThanOrEqual(50);
});

interface Activation {
  /** From the wish to have the code until it is there. */
  readonly loadMs: number;
  /** Calling activate(), and waiting for it. */
  readonly activateMs: number;
}

/** As the extension host has measured it. */
async function activation(): Promise<Activation> {
  await editor.workbench.command("Developer: Startup Performance");
  return until("the extension host's figures are known", async () => {
    const report = await editor.workbench.editorText();
    const row = /^\| remotecmd\.remotecmd\s*\| \w+\s*\| (\d+)\s*\| (\d+)\s*\| (\d+)\s*\|/m.exec(report);
    return row && { loadMs: Number(row[1]), activateMs: Number(row[2]) + Number(row[3]) };
  });
}
