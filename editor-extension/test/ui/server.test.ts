// How the extension gets its server, on machines that have it, can have it, and can't.

import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { Editor, type EditorOptions } from "./editor.js";
import { until } from "./until.js";

let directory: string;
let editor: Editor | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "remotecmd-ui-server-"));
});
afterEach(async (context) => {
  await editor?.keep(context);
  await editor?.close();
  editor = undefined;
  rmSync(directory, { recursive: true, force: true });
});

async function open(options: EditorOptions): Promise<Editor> {
  return (editor = await Editor.open(options));
}

/** A PATH with all programs of this machine but Python. */
function pathWithoutPython(): string {
  for (const program of readdirSync("/usr/bin"))
    if (!program.startsWith("python")) symlinkSync(join("/usr/bin", program), join(directory, program));
  return directory;
}

test("without Python there is one message, with buttons", async () => {
  const { workbench } = await open({ settings: { "remotecmd.pythonPath": "" }, env: { PATH: pathWithoutPython() } });
  await workbench.run("Run a Command…");
  const toast = await workbench.toast("needs Python 3.11 or newer");
  await toast.getByRole("button", { name: "Choose a Python" }).waitFor();
  expect(await workbench.toasts()).toHaveLength(1);
});

test("a server that ends as soon as it is started is one message, with its last words and the log", async () => {
  const broken = join(directory, "python3");
  writeFileSync(broken, "#!/bin/sh\necho it fell over >&2\nexit 1\n", { mode: 0o755 });
  const { workbench } = await open({ settings: { "remotecmd.pythonPath": broken } });
  await workbench.run("Run a Command…");
  const toast = await workbench.toast("it fell over");
  await toast.getByRole("button", { name: "Show Log" }).waitFor();
  expect(await workbench.toasts()).toHaveLength(1);
});

test("with nothing but Python the extension makes an environment of its own, after it has asked", async () => {
  const { workbench } = await open({ settings: { "remotecmd.pythonPath": "" } });
  await workbench.run("Run a Command…");
  const toast = await workbench.toast("is not installed");
  await toast.getByRole("button", { name: "Install the Server" }).click();
  await workbench.confirm("Install the server of Remote Commands?", "Install");
  await workbench.toast("Installing the server");
  await until("the server is installed", () => (editor?.processes("rpc_server").length ?? 0) > 0, 240_000);
  await workbench.start("echo it works");
  await workbench.terminalShows(/^it works$/);
}, 300_000);
