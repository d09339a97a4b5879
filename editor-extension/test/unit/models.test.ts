// The models behind list, terminal input, devfiles and doctor.

import { describe, expect, test } from "vitest";

import { carryOut, componentsOf, offered, planOf } from "../../src/devfiles.js";
import { doctorDocument } from "../../src/doctor.js";
import type { Command, Place } from "../../src/fleet.js";
import { Flow } from "../../src/flow.js";
import { LineInput } from "../../src/lines.js";
import type { DevfileCommand, DevfileResult, DoctorResult, Process } from "../../src/protocol.js";
import { Session } from "../../src/session.js";
import { shellCommand } from "../../src/shells.js";
import { commandRow, Drawn, escaped, inOrder, nextChangeMs, placeRow } from "../../src/tree.js";

const target = { kind: "local" } as const;

function command(more: Partial<Process> = {}): Command {
  const process: Process = { id: "web", target, status: "running", state: "running", startedAt: 0, pid: 7, ...more };
  return { key: `local/${process.id}`, targetKey: "local", target, process };
}

const place = (more: Partial<Place> = {}): Place => ({
  key: "local",
  target,
  isListed: true,
  commands: new Map(),
  ...more,
});

describe("the list", () => {
  test.each<[string, Partial<Process>, string, string]>([
    ["runs", {}, "circle-filled", "command.live"],
    ["stops", { state: "stopping" }, "loading~spin", "command.live"],
    ["is done", { state: "exited", status: "stopped", exitCode: 0 }, "pass", "command.ended"],
    ["failed", { state: "exited", status: "errored", exitCode: 1 }, "error", "command.ended"],
    ["was stopped", { state: "signaled", status: "stopped", exitCode: 143 }, "circle-slash", "command.ended"],
    ["is lost", { state: "lost", status: "unknown" }, "question", "command.ended"],
  ])("a command that %s", (_, more, icon, context) => {
    expect(commandRow(command(more), place(), 1000)).toMatchObject({ icon, context });
  });

  test("a screen reader hears what is to be seen", () => {
    expect(commandRow(command({ command: "npm run dev" }), place(), 720_000).spoken).toBe(
      "npm run dev, running · 12m · pid 7",
    );
  });

  test("rows of a target that is cut off say so, and those that ended say how", () => {
    const cut = place({ connection: "reconnecting" });
    expect(placeRow(cut)).toMatchObject({ description: "reconnecting…", icon: "warning" });
    expect(commandRow(command(), cut, 0).description).toBe("reconnecting…");
    expect(commandRow(command({ state: "exited", status: "stopped", exitCode: 0 }), cut, 0).description).toBe("exit 0");
  });

  test("a target says why it can't be listed, or that it is being looked at", () => {
    expect(placeRow(place({ problem: "No cluster." })).description).toBe("No cluster.");
    expect(placeRow(place({ isListed: false })).description).toBe("looking…");
    expect(placeRow(place()).description).toBe("");
  });

  test("only what looks different is drawn again", () => {
    const drawn = new Drawn();
    const row = (now: number): boolean => drawn.draw(commandRow(command(), place(), now));
    expect([row(1000), row(1500), row(2000)]).toEqual([true, false, true]);
    drawn.forget("local/web");
    expect(row(2000)).toBe(true);
  });

  test("the newest comes first, and equal ones keep their order", () => {
    const all = [
      command({ id: "b", startedAt: 1 }),
      command({ id: "c", startedAt: 2 }),
      command({ id: "a", startedAt: 1 }),
    ];
    expect(inOrder(all).map(({ process }) => process.id)).toEqual(["c", "a", "b"]);
  });

  test("time is looked at when an age changes, and not too often", () => {
    expect(nextChangeMs([], 0)).toBeUndefined();
    expect(nextChangeMs([command()], 1000)).toBe(5000);
    expect(nextChangeMs([command()], 70_000)).toBe(50_000);
  });

  test("Markdown in a command is text", () => {
    expect(escaped("a *b* [c](d)")).toBe(String.raw`a \*b\* \[c\]\(d\)`);
  });
});

describe("what is typed for a command without a terminal", () => {
  test.each<[string, string, Partial<ReturnType<LineInput["feed"]>>]>([
    ["a line", "ls\r", { echo: "ls\r\n", data: "ls\n" }],
    ["a correction", "lx\u007fs\r", { echo: "lx\b \bs\r\n", data: "ls\n" }],
    ["nothing to correct", "\u007f", { echo: "", data: "" }],
    ["the line dropped", "ls\u0015a\r", { data: "a\n" }],
    ["the end", "\u0004", { ends: true, data: "" }],
    ["a part of a line sent", "ls\u0004", { ends: false, data: "ls" }],
    ["an interrupt", "ls\u0003", { interrupts: true, data: "" }],
    ["an arrow", "\u001b[A", { echo: "", data: "" }],
    ["lines pasted", "a\r\nb\n", { data: "a\nb\n" }],
    ["a letter of two units", "\u{1f600}\u007f\r", { data: "\n" }],
  ])("%s", (_, typed, expected) => {
    expect(new LineInput().feed(typed)).toMatchObject(expected);
  });
});

describe("a session", () => {
  const shown = (act: (session: Session) => void, saysEnd = true): { text: string; ended: boolean; taken: number } => {
    let text = "";
    let ended = false;
    const flow = new Flow({
      write: (piece) => (text += piece),
      now: () => 0,
      timer: () => () => undefined,
      isTyping: () => false,
    });
    const session = new Session({
      flow,
      from: { stdout: 0, stderr: 0 },
      saysEnd,
      taken: () => undefined,
      ended: () => (ended = true),
    });
    act(session);
    return { text: text.replaceAll(/\u001b\[[\d;]*[mn]/g, ""), ended, taken: session.taken.stdout };
  };

  test("takes what the terminal has taken, and no more", () => {
    expect(
      shown((session) => {
        session.show("one\n", "stdout", 4);
      }),
    ).toEqual({ text: "one\r\n", ended: false, taken: 0 });
  });

  test("says once that the connection is lost, and nothing of one that never was", () => {
    const { text } = shown((session) => {
      session.connection("connected", "");
      session.connection("reconnecting", "no route");
      session.connection("reconnecting", "no route");
    });
    expect(text).toBe("── connection lost, trying again: no route ──\r\n");
  });
});

describe("a devfile", () => {
  const exec = (id: string, more: Partial<DevfileCommand> = {}): DevfileCommand => ({
    id,
    kind: "exec",
    component: "app",
    definition: { id, cmdLine: id },
    ...more,
  });
  const devfile: DevfileResult = {
    schemaVersion: "2.2.0",
    notSupported: [],
    commands: [
      exec("build"),
      exec("run", { group: { kind: "run", isDefault: true }, component: "web" }),
      { id: "all", kind: "composite", commands: ["build", "run"] },
      { id: "both", kind: "composite", parallel: true, commands: ["build", "all"] },
      { id: "loop", kind: "composite", commands: ["loop"] },
      { id: "vague", kind: "exec", component: "app" },
    ],
  };

  test("offers what can be run, defaults first", () => {
    expect(offered(devfile).map(({ id }) => id)).toEqual(["run", "build", "all", "both"]);
  });

  test("says why the others can't", () => {
    for (const id of ["loop", "vague", "missing"]) expect(planOf(devfile, id)).toBeTypeOf("string");
  });

  test.each([
    ["all", [], ["build", "run"]],
    ["all", ["build"], ["build"]],
    ["both", ["build"], ["build", "build"]],
  ])("%s with failures %j runs %j", async (id, failing, expected) => {
    const plan = planOf(devfile, id);
    if (typeof plan === "string") throw new Error(plan);
    const ran: string[] = [];
    const isGood = await carryOut(plan, (it) => {
      ran.push(it.id);
      return Promise.resolve(!failing.includes(it.id));
    });
    expect(ran).toEqual(expected);
    expect(isGood).toBe(failing.length === 0);
    expect(componentsOf(plan)).toEqual(["app", "web"]);
  });
});

test("the doctor's document begins with what is worst", () => {
  const findings = [
    { check: "shell", level: "ok", detail: "dash" },
    { check: "tools", level: "error", detail: "dd is missing", remedy: "install coreutils\nrun: apt" },
    { check: "else", level: "unheard", detail: "?" }, // of a later version
  ] as unknown as DoctorResult["findings"];
  const text = doctorDocument("api / app", "shop", { mode: "supervised", findings });
  expect([...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual(["✗ tools", "· else", "✓ shell"]);
  expect(text).toContain("install coreutils\n\n    run: apt");
});

test("a shell in a pod is kubectl's, with everything that the target names", () => {
  const pod = { kind: "kubernetes", podName: "api", containerName: "app", namespace: "shop", context: "prod" } as const;
  expect(shellCommand(pod)).toMatchObject({ program: "kubectl" });
  expect(shellCommand(pod)?.args.slice(0, 6)).toEqual([
    "exec",
    "-it",
    "--context=prod",
    "--namespace=shop",
    "--container=app",
    "api",
  ]);
  expect(shellCommand({ kind: "docker", container: "db" })?.program).toBe("docker");
  expect(shellCommand(target)).toBeUndefined();
});
