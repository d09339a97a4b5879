import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { explain, NoServerError } from "../../src/failures.js";
import {
  type Candidate,
  findPython,
  findServer,
  isNewEnough,
  type Looked,
  lookIn,
  PYTHON_ARGS,
  withoutEditor,
} from "../../src/finding.js";
import { connect, ProtocolMismatchError, ServerEndedError } from "../../src/server.js";
import { python } from "./fixtures.js";

const candidate = (program: string, more: Partial<Candidate> = {}): Candidate => ({
  where: "PATH",
  program,
  kind: "python",
  ...more,
});
const look =
  (known: Readonly<Record<string, Looked>>) =>
  ({ program }: Candidate): Promise<Looked> =>
    Promise.resolve(known[program] ?? { kind: "nothing", why: "is not there" });

const good: Looked = { kind: "python", version: "3.12", hasServer: true };
const bare: Looked = { kind: "python", version: "3.11", hasServer: false };
const old: Looked = { kind: "python", version: "3.9", hasServer: true };

test("the first candidate that is the server is taken", async () => {
  const all = [candidate("bare"), candidate("good"), candidate("other")];
  const found = await findServer(all, look({ bare, good, other: good }), true);
  expect(found).toEqual({ candidate: all[1], args: PYTHON_ARGS });
});

test("the server's own program needs no arguments", async () => {
  const own = candidate("remotecmd", { kind: "server" });
  expect(await findServer([own], look({ remotecmd: { kind: "server", version: "0.1.0" } }), true)).toMatchObject({
    args: [],
  });
});

test("when none is, the error says of each what it lacks", async () => {
  const error = await findServer(
    [candidate("bare"), candidate("old"), candidate("none")],
    look({ bare, old }),
    true,
  ).catch((it: unknown) => it);
  expect(error).toBeInstanceOf(NoServerError);
  expect((error as NoServerError).tried).toEqual([
    "PATH (bare): does not have the package remotecmd",
    "PATH (old): is Python 3.9, and 3.11 or newer is needed",
    "PATH (none): is not there",
  ]);
  expect(explain(error).remedies[0]).toBe("install");
});

test("what the user chose is not passed over in silence", async () => {
  const chosen = candidate("old", { where: "the setting", isChosen: true });
  const error = await findServer([chosen, candidate("good")], look({ old, good }), true).catch((it: unknown) => it);
  expect(explain(error)).toMatchObject({
    remedies: ["choosePython", "showLog"],
    message: expect.stringContaining("3.9") as unknown,
  });
});

test("to install into, any Python that is new enough will do", async () => {
  expect(await findPython([candidate("old"), candidate("bare")], look({ old, bare }))).toBe("bare");
  await expect(findPython([candidate("old")], look({ old }))).rejects.toBeInstanceOf(NoServerError);
});

test.each([
  ["3.11", true],
  ["3.9", false],
  ["4.0", true],
  ["2.7", false],
])("Python %s is new enough: %s", (version, is) => {
  expect(isNewEnough(version)).toBe(is);
});

test("a real Python with the server is found to be one, and one that is no Python is not", async () => {
  const real = lookIn(tmpdir());
  expect(await real(candidate(python))).toMatchObject({ kind: "python", hasServer: true });
  expect(await real(candidate("/no/such/python"))).toEqual({ kind: "nothing", why: "is not there" });
  expect(await real(candidate(process.execPath))).toMatchObject({ kind: "nothing" });
});

test("variables of the editor are taken out of the server's environment, and no others", () => {
  expect(
    Object.keys(withoutEditor({ VSCODE_PID: "1", ELECTRON_RUN_AS_NODE: "1", PATH: "/bin", NODE_OPTIONS: "x" })),
  ).toEqual(["VSCODE_PID", "ELECTRON_RUN_AS_NODE", "NODE_OPTIONS"]);
});

test.runIf(process.platform !== "win32")(
  "a server that ends at once, and one of another version, are told apart",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "remotecmd-vitest-"));
    const script = async (name: string, text: string): Promise<string> => {
      const path = join(directory, name);
      await writeFile(path, `#!/bin/sh\n${text}\n`);
      await chmod(path, 0o755);
      return path;
    };
    try {
      const crashing = await script("crashing", "echo 'ImportError: no module pygls' >&2; exit 1");
      const ended = await connect({ python: crashing }).catch((it: unknown) => it);
      expect(ended).toBeInstanceOf(ServerEndedError);
      expect(explain(ended).message).toContain("ImportError: no module pygls");

      const silent = await script("silent", "exec cat >/dev/null");
      const nothing = await connect({ python: silent, startTimeoutMs: 100 }).catch((it: unknown) => it);
      expect(explain(nothing).remedies).toContain("choosePython");

      const body =
        '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":99,"serverInfo":{"name":"x","version":"9.9"},"capabilities":{}}}';
      const newer = await script(
        "newer",
        `printf 'Content-Length: ${String(body.length)}\\r\\n\\r\\n%s' '${body}'; exec cat >/dev/null`,
      );
      const mismatch = await connect({ python: newer }).catch((it: unknown) => it);
      expect(mismatch).toBeInstanceOf(ProtocolMismatchError);
      expect(explain(mismatch)).toMatchObject({
        remedies: ["install", "choosePython"],
        message: expect.stringContaining("99") as unknown,
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);
