import { expect, test } from "vitest";

import { candidatePaths, fileMentions } from "../../src/links.js";
import type { Process } from "../../src/protocol.js";
import { decode, duration, endLine, gapLine, LineFeeds } from "../../src/screen.js";
import { configured, idFor, memorable, ofTask } from "../../src/definitions.js";
import { pinned, targetKey, targetName, targetPlace } from "../../src/targets.js";
import { age, ageChangesInMs, bytes, commandName, ending, iconless, summary, unlinked } from "../../src/texts.js";

const target = { kind: "local" } as const;
const process = (more: Partial<Process>): Process => ({
  id: "web",
  target,
  status: "running",
  state: "running",
  ...more,
});
const plain = (text: string): string => text.replaceAll(/\u001b\[\d*m/g, "");

test.each([
  [0, "0s"],
  [59_999, "59s"],
  [60_000, "1m"],
  [3_600_000, "1h"],
  [172_800_000, "2d"],
  [-5, "0s"],
])("an age of %i ms is %s", (ms, text) => {
  expect(age(1000, 1000 + ms)).toBe(text);
});

test.each([
  [0, 1000],
  [1500, 500],
  [61_000, 59_000],
  [3_600_001, 3_599_999],
])("an age of %i ms says something else in %i ms", (ms, change) => {
  expect(ageChangesInMs(0, ms)).toBe(change);
});

test.each<[string, Partial<Process>, string]>([
  ["runs", { startedAt: 0, pid: 311 }, "running · 12m · pid 311"],
  ["stops", { state: "stopping" }, "stopping"],
  ["failed", { state: "exited", status: "errored", exitCode: 2, endedAt: 540_000 }, "exit 2 · 3m ago"],
  ["done", { state: "exited", status: "stopped", exitCode: 0 }, "exit 0"],
  ["stopped", { state: "exited", status: "stopped", exitCode: 143 }, "stopped"],
  ["killed", { state: "signaled", status: "errored", signal: "KILL" }, "ended by KILL"],
  ["timed out", { state: "exited", status: "errored", exitCode: 143, reason: "timeout" }, "time limit reached"],
  [
    "never began",
    { state: "startFailed", status: "errored", reason: "executableNotFound" },
    "could not start: program not found",
  ],
  ["went with its pod", { state: "lost", status: "unknown", reason: "targetNotFound" }, "lost: its container is gone"],
  ["is lost", { state: "lost", status: "unknown", reason: "somethingNew" }, "lost: somethingNew"],
])("the line of one that %s", (_, more, text) => {
  expect(summary(process(more), 720_000)).toBe(text);
});

test("what lives has no ending", () => {
  expect(ending(process({}))).toBe("");
});

test("a command's name is the first line of what it runs, or its id", () => {
  expect(commandName(process({ command: "npm run dev\nmore" }))).toBe("npm run dev");
  expect(commandName(process({}))).toBe("web");
  expect(commandName(process({ command: "x".repeat(100) }))).toHaveLength(60);
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [14_336, "14 KiB"],
  [1_153_434, "1.1 MiB"],
])("%i bytes are %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});

test.each([
  [200, "0.2 s"],
  [12_400, "12 s"],
  [185_000, "3 min 5 s"],
  [7_800_000, "2 h 10 min"],
])("%i ms are %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test("line feeds become new lines, wherever the text is cut", () => {
  const feeds = new LineFeeds();
  expect(["a\nb\r", "\nc\r\n", "\n", ""].map((text) => feeds.feed(text)).join("")).toBe("a\r\nb\r\nc\r\n\r\n");
});

test("bytes that are no UTF-8 show as such", () => {
  expect(decode("/w==", "base64")).toBe("\ufffd");
  expect(decode("ä", undefined)).toBe("ä");
});

test("the lines of the extension's own say what happened", () => {
  const gap = { runId: "r", id: "web", stream: "stdout", from: 0, to: 2048, reason: "spoolLimit" } as const;
  expect(plain(gapLine(gap))).toBe("── 2.0 KiB of stdout are gone: only the newest output is kept ──\r\n");
  const ended = process({ state: "exited", status: "errored", exitCode: 2, startedAt: 0, endedAt: 61_000 });
  expect(plain(endLine(ended))).toBe("── web: exit 2 after 1 min 1 s ──\r\n");
});

test.each<[string, readonly object[]]>([
  ["src/a.ts:12:5 - error", [{ start: 0, length: 13, path: "src/a.ts", line: 12, column: 5 }]],
  ["  at /app/src/b.js:3", [{ start: 5, length: 15, path: "/app/src/b.js", line: 3 }]],
  ['File "pkg/c.py", line 7, in x', [{ path: "pkg/c.py", line: 7 }]],
  ["d.ts(3,7): error", [{ start: 0, length: 9, path: "d.ts", line: 3, column: 7 }]],
  ["see http://host/a/b.ts:3 there", []],
  ["e.g. node.js is fine", []],
  ["x".repeat(3000), []],
])("files in %j", (text, mentions) => {
  expect(fileMentions(text)).toMatchObject(mentions);
  expect(fileMentions(text)).toHaveLength(mentions.length);
});

test("a container's path may be in the workspace below any of its directories", () => {
  expect(candidatePaths("/app/src/a.ts")).toEqual(["app/src/a.ts", "src/a.ts", "a.ts"]);
  expect(candidatePaths("./src/a.ts")).toEqual(["src/a.ts"]);
  expect(candidatePaths("../a.ts")).toEqual([]);
});

test.each([
  ["npm run dev", "npm-run-dev"],
  ["./serve --port 8080", "serve---port-8080"],
  ["???", "command"],
  ["a".repeat(80), "a".repeat(63)],
])("the id for %j is %s", (text, id) => {
  expect(idFor(text)).toBe(id);
});

test("a task is a definition, or a sentence about what is wrong", () => {
  expect(ofTask({ cmdLine: "npm test", env: { CI: "1" } })).toEqual({
    id: "npm-test",
    cmdLine: "npm test",
    envVars: [{ key: "CI", value: "1" }],
  });
  expect(ofTask({ args: ["ls", "-l"], id: "ls", workingDir: "/" })).toEqual({
    id: "ls",
    args: ["ls", "-l"],
    workingDir: "/",
  });
  for (const wrong of [{}, { cmdLine: "a", args: ["a"] }, { args: [] }, { cmdLine: " " }, { cmdLine: "a", id: "a b" }])
    expect(ofTask(wrong)).toBeTypeOf("string");
});

test("entries of the settings that are none are left out", () => {
  const good = { target, definition: { id: "web", cmdLine: "serve" } };
  expect(configured([good, { ...good, label: "Web" }, {}, null, 3, { target }])).toMatchObject([
    { label: "web" },
    { label: "Web" },
  ]);
  expect(configured("x")).toEqual([]);
});

test("values of variables are not written down", () => {
  expect(memorable({ id: "a", cmdLine: "a", envVars: [{ key: "TOKEN", value: "secret" }] })).toBeUndefined();
  expect(memorable({ id: "a", cmdLine: "a" })).toEqual({ id: "a", cmdLine: "a" });
});

test("a target has the key of what it was resolved to, when it names all of it", () => {
  const resolved = {
    kind: "kubernetes",
    context: "prod",
    namespace: "shop",
    podName: "api",
    podUid: "u",
    containerName: "app",
    containerId: "c",
  };
  const asked = { kind: "kubernetes", workload: "deployment/api", kubeconfig: "/k" } as const;
  const exact = pinned(asked, resolved);
  expect(exact).toEqual({
    kind: "kubernetes",
    context: "prod",
    namespace: "shop",
    podName: "api",
    containerName: "app",
    kubeconfig: "/k",
  });
  expect(targetKey(exact)).toBe(targetKey(resolved));
  expect(targetKey(asked)).not.toBe(targetKey(resolved));
  expect(targetName(exact)).toBe("api / app");
  expect(targetPlace(exact)).toBe("shop · prod");
  expect(targetName(target)).toBe("This machine");
  expect(targetPlace(target)).toBe("");
  expect(targetName({ kind: "docker", container: "db" })).toBe("db");
});

test("a message has no link that a container could have put there", () => {
  expect(unlinked('see [Retry](command:do.it "Retry")')).toBe('see [Retry] (command:do.it "Retry")');
});

test("what looks like an icon is shown as it was typed", () => {
  expect(iconless("make -j$(nproc) $(a b)")).toBe("make -j\\$(nproc) $(a b)");
});
