// Commands that were written down: in the settings, with input, and in a devfile of the workspace.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { Editor } from "./editor.js";

const devfile = `schemaVersion: 2.2.0
metadata: {name: shop}
components:
  - name: tools
    container: {image: "shop/tools:1"}
commands:
  - id: build
    exec: {component: tools, commandLine: echo built in the order of the devfile, group: {kind: build, isDefault: true}}
  - id: check
    exec: {component: tools, commandLine: echo checked after that}
  - id: all
    composite: {commands: [build, check]}
`;

let editor: Editor;

beforeAll(async () => {
  editor = await Editor.open({
    files: { "devfile.yaml": devfile },
    settings: {
      "remotecmd.commands": [
        {
          label: "greeter",
          target: { kind: "local" },
          definition: {
            id: "greeter",
            cmdLine: 'while read -r name; do echo "good day, $name"; done; echo nobody else',
            stdin: true,
          },
        },
      ],
    },
  });
});
afterEach((context) => editor.keep(context));
afterAll(() => editor.close());

test("a command of the settings gets what is typed into its terminal, and Ctrl-D is the end of it", async () => {
  const { workbench, page } = editor;
  await workbench.run("Run a Command…");
  await workbench.pick("greeter");
  await workbench.row(/while read.*running/);
  await workbench.typeIntoTerminal("Ada\n");
  await workbench.terminalShows(/^good day, Ada$/);
  await page.keyboard.press("Control+D");
  await workbench.terminalShows(/^nobody else$/);
  await workbench.row(/while read.*exit 0/);
});

test("a command without input says so when something is typed, and Ctrl-C interrupts it", async () => {
  const { workbench, page } = editor;
  await workbench.start("echo up; exec sleep 1069");
  await workbench.terminalShows(/^up$/);
  await workbench.typeIntoTerminal("x");
  await workbench.terminalShows("takes no input");
  await page.keyboard.press("Control+C");
  await workbench.row(/sleep 1069.*ended by INT/);
});

test("a composite command of a devfile runs its commands in order, where the user says", async () => {
  const { workbench } = editor;
  await workbench.run("Run a Devfile Command…");
  await workbench.pick("all");
  await workbench.pick("This machine");
  await workbench.row(/echo built.*exit 0/);
  await workbench.row(/echo checked.*exit 0/);
  await workbench.terminalShows("checked after that");
  expect(await workbench.toasts()).toEqual([]);
});
