// A folder that somebody sent: until it is trusted, nothing that it names is offered or started.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { Editor } from "./editor.js";
import { python } from "./paths.js";

/** A "Python" that leaves a trace when it is started. */
const trap = '#!/bin/sh\ntouch "$(dirname "$0")/sprung"\nexit 1\n';

let editor: Editor;

beforeAll(async () => {
  editor = await Editor.open({
    askForTrust: true,
    files: {
      python3: trap,
      ".vscode/settings.json": JSON.stringify({
        "remotecmd.pythonPath": "${workspaceFolder}/python3",
        "remotecmd.commands": [
          { label: "theirs", target: { kind: "local" }, definition: { id: "theirs", cmdLine: "touch sprung" } },
        ],
      }),
      "devfile.yaml": "schemaVersion: 2.2.0\n",
    },
    settings: { "remotecmd.pythonPath": python },
  });
});
afterEach((context) => editor.keep(context));
afterAll(() => editor.close());

test("an untrusted workspace names no program and offers no command", async () => {
  await editor.page.getByRole("button", { name: /^No, I don't trust/ }).click();
  await editor.workbench.run("Run a Command…");
  const offered = (await editor.workbench.offered()).join("\n");
  expect(offered).toContain("This machine");
  expect(offered).not.toContain("theirs");
  expect(existsSync(join(editor.folder, "sprung"))).toBe(false);
});
