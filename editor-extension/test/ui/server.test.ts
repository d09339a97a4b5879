// How the extension gets its server, on machines that have it, can have it, and can't.

import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { Editor, type EditorOptions } from "./editor.js";
import { python } from "./paths.js";
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

test("a server of another version of the protocol is one message, which says both", async () => {
  // The server of this checkout, but for the version that it says.
  const other = join(directory, "python3");
  const script = [
    "import runpy, sys",
    "import rpc_server.methods as methods",
    "methods.PROTOCOL_VERSION = 99",
    "sys.argv[1:] = []",
    "runpy.run_module('rpc_server', run_name='__main__')",
  ].join("; ");
  writeFileSync(other, `#!/bin/sh\n[ "$1" = -P ] || exec ${python} "$@"\nexec ${python} -P -c "${script}"\n`, {
    mode: 0o755,
  });
  const { workbench } = await open({ settings: { "remotecmd.pythonPath": other } });
  await workbench.run("Run a Command…");
  const toast = await workbench.toast("speaks version 99 of the protocol, and this extension version 1");
  await toast.getByRole("button", { name: "Install the Server" }).waitFor();
  await toast.getByRole("button", { name: "Choose a Python" }).waitFor();
  expect(await workbench.toasts()).toHaveLength(1);
});

test("a server that ends again and again is started no more, and one message has a button to do so", async () => {
  const { workbench } = await open({});
  await workbench.start("exec sleep 1063");
  await workbench.row(/sleep 1063.*running/);
  for (let count = 1; count <= 6; count++) {
    const starts = (): number => editor?.log("Remote Commands.log").match(/server: ready/g)?.length ?? 0;
    await until("it has been started so often", () => starts() === count);
    const server = await editor?.remotecmdServer();
    if (server !== undefined) process.kill(server.pid, "SIGKILL");
  }
  const toast = await workbench.toast("ended five times within three minutes");
  expect(await workbench.toasts()).toHaveLength(1);
  await toast.getByRole("button", { name: "Restart the Server" }).click();
  const row = await workbench.row(/sleep 1063.*running/);
  await workbench.inline(row, "Stop");
  await workbench.row(/sleep 1063.*stopped/);
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
