// The fleet against the real server of this checkout, with real commands on this machine.

import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { failureOf } from "../../src/failures.js";
import { connect } from "../../src/server.js";
import { isLive } from "../../src/texts.js";
import { MapMemory, python, root, TestFleet, Transcript } from "./fixtures.js";

const target = { kind: "local" } as const;

const PATIENT = { timeout: 20_000 };

let directory: string;
let fleet: TestFleet;
let memory: MapMemory;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "remotecmd-vitest-"));
  memory = new MapMemory();
  fleet = new TestFleet({ memory });
});

afterEach(async () => {
  for (const command of fleet.commands)
    if (isLive(command.process)) await fleet.stop(command, 1).catch(() => undefined);
  await fleet.close();
  await rm(directory, { recursive: true, force: true });
});

const numbers = (first: number, last: number): string =>
  Array.from({ length: last - first + 1 }, (_, index) => `${String(first + index)}\n`).join("");

describe.runIf(process.platform === "linux")("a fleet", () => {
  const start = async (cmdLine: string, id = "test"): Promise<Awaited<ReturnType<TestFleet["start"]>>["command"]> =>
    (await fleet.start(target, { id, cmdLine, pidDirectory: directory })).command;

  test("starts no server before it is asked for something", () => {
    expect(fleet.link.state).toBe("idle");
    expect(fleet.servers).toHaveLength(0);
  });

  test("shows a run from its first byte to its end", async () => {
    const command = await start("printf 'one\\n'; printf 'bad\\n' >&2; exit 3");
    const transcript = new Transcript();
    fleet.watch(command, transcript);
    expect(await transcript.ended).toMatchObject({ state: "exited", exitCode: 3 });
    expect(transcript.text).toEqual({ stdout: "one\n", stderr: "bad\n" });
  });

  test("tells the end of a run that nobody watches", async () => {
    const command = await start("exit 7");
    const event = await fleet.event((it) => it.kind === "ended");
    expect(event).toMatchObject({
      kind: "ended",
      isAsked: false,
      command: { key: command.key, process: { exitCode: 7 } },
    });
  });

  test("shows two viewers of one run everything once, the one that comes late from the spool", async () => {
    const command = await start("i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo $i; sleep 0.002; done");
    const first = new Transcript();
    fleet.watch(command, first);
    await first.reaches(200);
    const second = new Transcript();
    fleet.watch(command, second);
    await Promise.all([first.ended, second.ended]);
    expect(first.text.stdout).toBe(numbers(1, 400));
    expect(second.text.stdout).toBe(numbers(1, 400));
  });

  test("goes on with one viewer when the slow one leaves", async () => {
    const command = await start("seq 1 100000");
    const first = new Transcript();
    fleet.watch(command, first);
    await first.ended;
    const slow = new Transcript();
    const again = new Transcript();
    slow.show = () => undefined; // takes nothing, so the window stays shut
    const leave = fleet.watch(command, slow);
    fleet.watch(command, again);
    await again.reaches(1000);
    leave();
    await again.ended;
    expect(again.text.stdout).toBe(numbers(1, 100_000));
  });

  test("a server that is killed while a command writes costs nothing: no byte is lost, none comes twice", async () => {
    const flag = join(directory, "all-servers-were-there"); // so that it does not end before, on a slow machine
    const command = await start(
      `i=0; while [ $i -lt 600 ]; do i=$((i+1)); echo $i; sleep 0.01; done
      while [ ! -e '${flag}' ]; do sleep 0.05; done; exit 5`,
    );
    const transcript = new Transcript();
    fleet.watch(command, transcript);
    for (const [kills, at] of [200, 800, 1400].entries()) {
      await expect.poll(() => fleet.servers.length, PATIENT).toBe(kills + 1);
      await transcript.reaches(at);
      fleet.kill();
    }
    await expect.poll(() => fleet.servers.length, PATIENT).toBe(4);
    await writeFile(flag, "");
    expect(await transcript.ended).toMatchObject({ exitCode: 5 });
    expect(transcript.text.stdout).toBe(numbers(1, 600));
    await fleet.event((event) => event.kind === "ended");
    expect(fleet.command(command.key)?.process).toMatchObject({ state: "exited", exitCode: 5 });
  });

  test("the end of a command that ends while no server is there is told by the next one", async () => {
    let letGo!: () => void;
    const gate = new Promise<void>((done) => (letGo = done));
    let connections = 0;
    await fleet.close();
    fleet = new TestFleet({
      connect: async () => {
        if (connections++ > 0) await gate;
        const server = await connect({ python, cwd: root, outputWindowBytes: 65_536 });
        fleet.servers.push(server);
        return server;
      },
    });
    const flag = join(directory, "go");
    const command = await start(
      `while [ ! -e '${flag}' ]; do sleep 0.01; done; echo late; touch '${flag}.done'; exit 9`,
    );
    const transcript = new Transcript();
    fleet.watch(command, transcript);
    fleet.kill();
    await fleet.event((event) => event.kind === "server" && event.state === "restarting");
    await writeFile(flag, "");
    await expect
      .poll(() =>
        access(`${flag}.done`).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    letGo();
    expect(await transcript.ended).toMatchObject({ exitCode: 9 });
    expect(transcript.text.stdout).toBe("late\n");
    expect(await fleet.event((event) => event.kind === "ended")).toMatchObject({
      command: { process: { exitCode: 9 } },
    });
  });

  test("a start that could not be made is on the list, and rejects with the reason", async () => {
    const definition = { id: "nowhere", cmdLine: "true", workingDir: "/no/such/directory", pidDirectory: directory };
    const error = await fleet.start(target, definition).then(
      () => undefined,
      (it: unknown) => it,
    );
    expect(failureOf(error)).toMatchObject({ kind: "startFailed", reason: "workingDirNotFound" });
    expect(fleet.commands).toMatchObject([{ process: { state: "startFailed" } }]);
  });

  test("what a command was started with is forgotten when its id was started elsewhere with something else", async () => {
    const definition = { id: "web", cmdLine: "exec sleep 1000", pidDirectory: directory };
    const { command } = await fleet.start(target, definition);
    const elsewhere = new TestFleet();
    await elsewhere.start(target, definition, { ifExists: "replace" });
    await fleet.find(target, "web", directory);
    expect(fleet.command(command.key)?.definition).toEqual(definition);
    await elsewhere.start(target, { ...definition, cmdLine: "exec sleep 1001" }, { ifExists: "replace" });
    await fleet.find(target, "web", directory);
    expect(fleet.command(command.key)?.definition).toBeUndefined();
    await elsewhere.close();
  });

  test("a list that is older than what was learnt meanwhile changes nothing", async () => {
    const definition = { id: `relisted-${String(process.pid)}`, cmdLine: "exec sleep 1000" };
    let isHeld = false;
    let letGo!: () => void;
    const gate = new Promise<void>((done) => (letGo = done));
    const slow = new TestFleet({
      connect: async () => {
        const server = await connect({ python, cwd: root });
        const request = async (method: string, params: unknown): Promise<unknown> => {
          const answer = await (server.request as (method: string, params: unknown) => Promise<unknown>)(
            method,
            params,
          );
          if (isHeld && method === "remotecmd/list") await gate;
          return answer;
        };
        return { ...server, request: request as typeof server.request };
      },
    });
    const first = await slow.start(target, definition);
    await slow.refresh();
    isHeld = true;
    const listed = slow.refresh();
    const second = await slow.start(target, { ...definition, cmdLine: "exec sleep 1001" }, { ifExists: "replace" });
    letGo();
    await listed;
    expect(slow.command(first.command.key)?.process.runId).toBe(second.command.process.runId);
    await slow.stop(second.command, 0);
    await slow.remove(second.command);
    await slow.close();
  });

  test("what is written reaches a command that takes input, to its end", async () => {
    const definition = { id: "cat", cmdLine: "cat; echo over", stdin: true, pidDirectory: directory };
    const { command } = await fleet.start(target, definition);
    const transcript = new Transcript();
    fleet.watch(command, transcript);
    await fleet.write(command, "hällo\n");
    await fleet.write(command, "again\n");
    await fleet.closeStdin(command);
    expect(await transcript.ended).toMatchObject({ exitCode: 0 });
    expect(transcript.text.stdout).toBe("hällo\nagain\nover\n");
  });

  test("stop, start again, remove: the list follows", async () => {
    const command = await start("sleep 1000");
    expect(await fleet.stop(command, 1)).toMatchObject({ status: "stopped" });
    const again = await start("sleep 1000");
    expect(again.key).toBe(command.key);
    expect(again.process.runId).not.toBe(command.process.runId);
    await fleet.signal(again, "KILL");
    const end = await fleet.event((it) => it.kind === "ended" && it.command.process.runId === again.process.runId);
    expect(end).toMatchObject({ isAsked: true });
    await fleet.remove(again);
    expect(fleet.command(command.key)).toBeUndefined();
  });

  test("remembers its targets, and forgets one", async () => {
    await fleet.addTarget(target);
    expect(fleet.places).toMatchObject([{ key: "local", isListed: true }]);
    const next = new TestFleet({ memory });
    expect(next.places).toMatchObject([{ key: "local", isListed: false }]);
    next.forgetTarget("local");
    expect(memory.get("targets")).toEqual([]);
  });

  test("a run whose output is beyond the window is shown whole", async () => {
    const command = await start("seq 1 200000; seq 1 1000 >&2");
    const transcript = new Transcript();
    fleet.watch(command, transcript);
    await transcript.ended;
    expect(transcript.text.stdout).toBe(numbers(1, 200_000));
    expect(transcript.text.stderr).toBe(numbers(1, 1000));
  });

  test("a target that can't be listed has a problem, and the others don't", async () => {
    await fleet.addTarget({ kind: "kubernetes", podName: "x", kubeconfig: "/no/such/file" });
    await fleet.addTarget(target);
    const [cluster, here] = fleet.places;
    expect(cluster?.problem).toMatch(/kubeconfig/);
    expect(here?.problem).toBeUndefined();
  });
});

test.runIf(process.platform === "linux")(
  "a new server that a person asks for goes on with what was watched",
  async () => {
    const failing = new TestFleet({ sleep: () => new Promise(() => undefined) });
    const place = await mkdtemp(join(tmpdir(), "remotecmd-vitest-"));
    const definition = { id: "test", cmdLine: "echo one; sleep 2; echo two", pidDirectory: place };
    const { command } = await failing.start(target, definition);
    const transcript = new Transcript();
    failing.watch(command, transcript);
    await transcript.reaches(4);
    failing.kill();
    await failing.event((event) => event.kind === "server" && event.state === "restarting");
    await failing.link.restart();
    expect(await transcript.ended).toMatchObject({ exitCode: 0 });
    expect(transcript.text.stdout).toBe("one\ntwo\n");
    await failing.close();
    await rm(place, { recursive: true, force: true });
  },
);

test("a server that ends again and again is given up after five restarts, with an error for who asks", async () => {
  const failing = new TestFleet({ sleep: () => Promise.resolve() });
  await failing.link.ready();
  for (let crash = 0; crash < 6; crash++) {
    const before = failing.servers.length;
    failing.kill();
    if (crash < 5) await expect.poll(() => failing.servers.length, PATIENT).toBe(before + 1);
    if (crash < 5) await expect.poll(() => failing.link.state, PATIENT).toBe("ready");
  }
  await expect.poll(() => failing.link.state, PATIENT).toBe("failed");
  expect(failing.events.at(-1)).toMatchObject({
    kind: "server",
    state: "failed",
    error: { name: "ServerKeepsEndingError" },
  });
  await failing.link.ready(); // asked for by a person, it is tried again
  expect(failing.link.state).toBe("ready");
  await failing.close();
});
