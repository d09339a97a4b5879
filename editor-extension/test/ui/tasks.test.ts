// tasks.json with tasks of ours: problem matchers, background tasks that others wait for, an end by VS Code's own command.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { Editor } from "./editor.js";
import { isRunning } from "./processes.js";
import { until } from "./until.js";

const local = { kind: "local" };
const pattern = { regexp: "^(\\S+):(\\d+): (.*)$", file: 1, line: 2, message: 3 };
const tasks = {
  version: "2.0.0",
  tasks: [
    {
      label: "lint",
      type: "remotecmd",
      target: local,
      cmdLine: "echo 'notes.txt:2: this line is too long'; exit 3",
      problemMatcher: { owner: "lint", fileLocation: ["relative", "${workspaceFolder}"], pattern },
    },
    {
      label: "serve",
      type: "remotecmd",
      target: local,
      // It is ready only when the file is there: whoever does not wait for that is found out.
      cmdLine: "echo building; until [ -e go ]; do sleep 0.1; done; touch ready; echo serving; exec sleep 1057",
      isBackground: true,
      problemMatcher: {
        owner: "serve",
        pattern,
        background: { activeOnStart: true, beginsPattern: "^building", endsPattern: "^serving" },
      },
    },
    {
      label: "check",
      type: "remotecmd",
      target: local,
      dependsOn: ["serve"],
      cmdLine: "test -e ready && echo the server was ready",
      problemMatcher: [],
    },
  ],
};

let editor: Editor;

beforeAll(async () => {
  editor = await Editor.open({
    files: { "notes.txt": "one\ntwo\n", ".vscode/tasks.json": JSON.stringify(tasks, undefined, 2) },
  });
});
afterEach((context) => editor.keep(context));
afterAll(() => editor.close());

async function runTask(label: string): Promise<void> {
  const { quick } = editor.workbench;
  // A window that has just opened forgets the first time that it was asked.
  await until("VS Code offers tasks", async () => {
    await editor.workbench.command("Tasks: Run Task");
    await quick.getByPlaceholder("Select the task to run").waitFor({ timeout: 5_000 });
    return true;
  });
  await editor.workbench.type(label);
  await editor.workbench.pick(label);
}

test("a problem matcher finds what the command reports", async () => {
  await runTask("lint");
  await editor.workbench.terminalShows("notes.txt:2: this line is too long");
  await editor.workbench.command("Problems: Focus on Problems View");
  const problem = editor.page.getByRole("treeitem", { name: /this line is too long/ });
  await problem.waitFor();
});

test("a background task holds up what depends on it until it is ready, and ends when it is terminated", async () => {
  await runTask("check");
  await editor.workbench.terminalShows("building");
  expect(existsSync(join(editor.folder, "ready"))).toBe(false);
  editor.write("go", "");
  await editor.workbench.terminalShows("the server was ready");

  expect(isRunning("sleep 1057")).toBe(true);
  await editor.workbench.command("Tasks: Terminate Task");
  await editor.workbench.pick("serve");
  await until("the background task's command has ended", () => !isRunning("sleep 1057"));
});
