import { beforeEach, describe, expect, test } from "vitest";

import { ALIVE, Flow, PROBE, SequenceTracker } from "../../src/flow.js";

let now: number;
let timers: { readonly at: number; readonly callback: () => void }[];
let written: string[];
let taken: [string, number][];
let isTyping: boolean;
let flow: Flow;

beforeEach(() => {
  now = 1000;
  timers = [];
  written = [];
  taken = [];
  isTyping = false;
  flow = new Flow({
    write: (text) => written.push(text),
    now: () => now,
    isTyping: () => isTyping,
    timer: (ms, callback) => {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      return () => (timers = timers.filter((it) => it !== timer));
    },
  });
});

function push(text: string, stream: string, end: number): void {
  flow.push(text, () => taken.push([stream, end]));
}

function pass(ms: number): void {
  now += ms;
  const due = timers.filter((timer) => timer.at <= now);
  timers = timers.filter((timer) => timer.at > now);
  for (const { callback } of due) callback();
}

test("the first piece is written at once, and is taken when the terminal answers", () => {
  push("hello", "stdout", 5);
  expect(written).toEqual(["hello" + PROBE]);
  expect(taken).toEqual([]);
  expect(flow.input(ALIVE)).toBe("");
  expect(taken).toEqual([["stdout", 5]]);
});

test("what comes meanwhile is one frame, not sooner than a frame after the last", () => {
  push("a", "stdout", 1);
  push("b", "stdout", 2);
  push("c", "stderr", 1);
  flow.input(ALIVE);
  expect(written).toHaveLength(1);
  pass(16);
  expect(written).toEqual(["a" + PROBE, "bc" + PROBE]);
  flow.input(ALIVE);
  expect(taken).toEqual([
    ["stdout", 1],
    ["stdout", 2],
    ["stderr", 1],
  ]);
  expect(flow.waitingCharacters).toBe(0);
});

test("while somebody types elsewhere there are five small frames a second", () => {
  isTyping = true;
  for (let count = 0; count < 20; count++) flow.push("x".repeat(4096));
  flow.input(ALIVE);
  pass(199);
  expect(written).toHaveLength(1);
  pass(1);
  expect(written.map((text) => text.length - PROBE.length)).toEqual([4096, 8192]);
  isTyping = false;
  flow.input(ALIVE);
  pass(16);
  expect(written.at(-1)?.length).toBeGreaterThan(16 * 1024);
});

test("a terminal that does not answer gets the next frame after a second", () => {
  push("a", "stdout", 1);
  push("b", "stdout", 2);
  pass(999);
  expect(written).toHaveLength(1);
  pass(1);
  expect(taken).toEqual([["stdout", 1]]);
  expect(written).toHaveLength(2);
});

test("what is typed goes through, with an answer in it or without", () => {
  expect(flow.input("x")).toBe("x");
  expect(flow.input(ALIVE)).toBe(ALIVE); // nobody asked: it is the command's own
  flow.push("a");
  expect(flow.input(`y${ALIVE}z`)).toBe("yz");
});

test("frames grow while answers are fast and shrink when they are slow", () => {
  const piece = "x".repeat(1024);
  for (let count = 0; count < 2000; count++) flow.push(piece);
  const sizes: number[] = [];
  const answer = (after: number): void => {
    pass(after);
    flow.input(ALIVE);
    pass(16);
    sizes.push(written.at(-1)?.length ?? 0);
  };
  for (let count = 0; count < 4; count++) answer(1);
  expect(sizes.at(-1)).toBeGreaterThan(sizes[0] ?? 0);
  for (let count = 0; count < 8; count++) answer(100);
  expect(sizes.at(-1)).toBe(8 * 1024 + PROBE.length);
});

test("a piece larger than a frame is one", () => {
  push("x".repeat(1 << 20), "stdout", 1 << 20);
  expect(written[0]).toHaveLength((1 << 20) + PROBE.length);
});

test("nothing is written after it was closed", () => {
  flow.push("a");
  flow.push("b");
  flow.close();
  flow.input(ALIVE);
  pass(2000);
  expect(written).toHaveLength(1);
  expect(timers).toHaveLength(0);
});

test("the probe comes before a sequence that is cut off, and the sequence stays whole", () => {
  push("red \u001b[3", "stdout", 7);
  flow.input(ALIVE);
  push("1mtext", "stdout", 13);
  pass(16);
  expect(written).toEqual([`red ${PROBE}\u001b[3`, `1mtext${PROBE}`]);
});

describe("where sequences end", () => {
  test.each<[string, string, number | undefined]>([
    ["text", "abc", 3],
    ["nothing", "", 0],
    ["colour", "\u001b[31m", 5],
    ["colour, cut", "a\u001b[31", 1],
    ["escape, cut", "ab\u001b", 2],
    ["title", "\u001b]0;name\u0007x", 10],
    ["title with ST", "\u001b]0;a\u001b\\", 7],
    ["title, cut in ST", "\u001b]0;a\u001b", 0],
    ["charset", "\u001b(B", 3],
    ["charset, cut", "\u001b(", 0],
    ["abandoned", "\u001b[3\u0018", 4],
    ["title that another sequence ends", "\u001b]0;a\u001b[31m", 10],
    ["begun anew", "\u001b[3\u001b[0m", 7],
  ])("%s", (_, text, safe) => {
    expect(new SequenceTracker().feed(text)).toBe(safe);
  });

  test("within a long string there is none", () => {
    const tracker = new SequenceTracker();
    expect(tracker.feed("\u001bPq")).toBe(0);
    expect(tracker.feed("###")).toBeUndefined();
    expect(tracker.feed("#\u001b\\done")).toBe(7);
  });
});
