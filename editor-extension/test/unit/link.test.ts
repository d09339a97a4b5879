// Which server counts when several are asked for at once: the last, and no other is left behind.

import { expect, test } from "vitest";

import { Link } from "../../src/link.js";
import type { Server } from "../../src/server.js";

/** Starts that are decided by the test, one after the other. */
class Starts {
  readonly disposed: string[] = [];
  readonly #waiting: { readonly done: (server: Server) => void; readonly failed: (error: Error) => void }[] = [];

  readonly connect = (): Promise<Server> =>
    new Promise((done, failed) => {
      this.#waiting.push({ done, failed });
    });

  get count(): number {
    return this.#waiting.length;
  }

  succeed(index: number, name: string): void {
    const dispose = (): Promise<void> => {
      this.disposed.push(name);
      return Promise.resolve();
    };
    this.#waiting[index]?.done({ name, dispose, exited: new Promise(() => undefined) } as unknown as Server);
  }

  fail(index: number): void {
    this.#waiting[index]?.failed(new Error("no such program"));
  }
}

function linkOn(starts: Starts): Link {
  const nothing = (): void => undefined;
  return new Link({
    connect: starts.connect,
    attached: nothing,
    resumed: nothing,
    changed: nothing,
    now: () => 0,
    sleep: () => Promise.resolve(),
  });
}

test.each(["succeeds", "fails"])("a restart during a start that %s leaves one server", async (how) => {
  const starts = new Starts();
  const link = linkOn(starts);
  const first = link.ready();
  const restarted = link.restart();
  await expect.poll(() => starts.count).toBe(2);
  if (how === "fails") starts.fail(0);
  else starts.succeed(0, "first");
  starts.succeed(1, "second");
  await restarted;
  expect(await first).toMatchObject({ name: "second" });
  expect(await link.ready()).toMatchObject({ name: "second" });
  expect(link.current).toMatchObject({ name: "second" });
  expect(link.state).toBe("ready");
  expect(starts.disposed).toEqual(how === "fails" ? [] : ["first"]);
  expect(starts.count).toBe(2);
});
