// The client against the real server of this checkout: `make setup` puts it into .venv.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { errorCodes, type ServerNotifications } from "../../src/protocol.js";
import { connect, type Server } from "../../src/server.js";

const root = resolve(import.meta.dirname, "../../..");
const python = join(root, process.platform === "win32" ? ".venv/Scripts/python.exe" : ".venv/bin/python");
const target = { kind: "local" } as const;

let server: Server;
let directory: string;
let log = "";

beforeEach(async () => {
  log = "";
  directory = await mkdtemp(join(tmpdir(), "remotecmd-vitest-"));
  server = await connect({ python, cwd: root, onLog: (text) => (log += text) });
});

afterEach(async (context) => {
  await server.dispose();
  await rm(directory, { recursive: true, force: true });
  if (context.task.result?.state === "fail") console.error(log);
});

/** The params of the first notification of that name that `wanted` accepts. */
function next<Name extends keyof ServerNotifications>(
  name: Name,
  wanted: (params: ServerNotifications[Name]) => boolean,
): Promise<ServerNotifications[Name]> {
  return new Promise((done) => {
    const stop = server.on(name, (params) => {
      if (!wanted(params)) return;
      stop();
      done(params);
    });
  });
}

test("initialize tells the protocol's version and the transports", () => {
  expect(server.initialized).toMatchObject({
    protocolVersion: 1,
    serverInfo: { name: "remotecmd" },
    capabilities: { methods: expect.arrayContaining(["remotecmd/start"]) as unknown },
  });
});

test("a request that the server refuses rejects with its code", async () => {
  const unknown = "remotecmd/nothing" as "shutdown";
  await expect(server.request(unknown)).rejects.toMatchObject({ code: errorCodes.methodNotFound });
});

test("dispose ends the server in order, and twice is once", async () => {
  await server.dispose();
  await server.dispose();
  expect(await server.exited).toBe(0);
});

test("a program that can't be started rejects", async () => {
  await expect(connect({ python: join(directory, "no-python") })).rejects.toMatchObject({ code: "ENOENT" });
});

test.runIf(process.platform === "linux")("a local command's output and end reach the client", async () => {
  const id = `vitest-${randomUUID()}`;
  let stdout = "";
  server.on("remotecmd/output", (output) => {
    if (output.stream === "stdout") stdout += output.data;
  });
  const ended = next("remotecmd/statusChanged", ({ process }) => ["stopped", "errored"].includes(process.status));

  const started = await server.request("remotecmd/start", {
    target,
    definition: { id, pidDirectory: directory, cmdLine: "printf 'one\\ntwo\\n'; exit 3" },
  });
  expect(started.created).toBe(true);
  expect(started.process.id).toBe(id);

  const { process } = await ended;
  expect(process).toMatchObject({ id, runId: started.process.runId, status: "errored", state: "exited", exitCode: 3 });
  expect(stdout).toBe("one\ntwo\n");
});
