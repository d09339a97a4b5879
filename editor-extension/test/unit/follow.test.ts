import { beforeEach, expect, test } from "vitest";

import { Follow, type Viewer } from "../../src/follow.js";
import type { Offsets, Process } from "../../src/protocol.js";

/** Writes down what it is told. */
class Told implements Viewer {
  readonly next = { stdout: 0, stderr: 0 };
  readonly taken = { stdout: 0, stderr: 0 };
  readonly words: string[] = [];

  show(text: string): void {
    this.words.push(text);
  }

  gap(): void {
    this.words.push("gap");
  }

  connection(state: string): void {
    this.words.push(state);
  }

  failed(error: unknown, isFinal: boolean): void {
    this.words.push(`${String(error)}${isFinal ? ", for good" : ""}`);
  }

  end(): void {
    this.words.push("end");
  }
}

let answer: () => Promise<{ readonly process: Process }>;
let attached: Offsets[];
let isDone: boolean;
let follow: Follow;

beforeEach(() => {
  attached = [];
  isDone = false;
  answer = () => Promise.resolve({ process: { runId: "run" } as Process });
  follow = new Follow({
    runId: "run",
    attach: (from) => {
      attached.push(from);
      return answer();
    },
    acknowledge: () => undefined,
    done: () => (isDone = true),
    isFinal: (error) => error === "gone",
    stepBytes: 1,
  });
});

function fails(why: string): void {
  // What a server answers is any error; here its words are enough.
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
  answer = () => Promise.reject(why);
}

test("all viewers are told that nothing comes now, and it goes on from where they are", async () => {
  const [one, other] = [new Told(), new Told()];
  await follow.add(one);
  await follow.add(other);
  follow.output({ runId: "run", id: "web", stream: "stdout", offset: 0, data: "abc" });
  fails("unreachable");
  await follow.resume();
  expect([one.words, other.words]).toEqual([
    ["abc", "unreachable"],
    ["abc", "unreachable"],
  ]);
  expect([follow.isBroken, isDone]).toEqual([true, false]);

  answer = () => Promise.resolve({ process: { runId: "run" } as Process });
  await follow.resume();
  expect(follow.isBroken).toBe(false);
  expect(attached.at(-1)).toEqual({ stdout: 3, stderr: 0 });
});

test("what can never be watched again lets its viewers go", async () => {
  const viewer = new Told();
  fails("gone");
  await follow.add(viewer);
  expect(viewer.words).toEqual(["gone, for good"]);
  expect(isDone).toBe(true);
});
