import { expect, test } from "vitest";

import { planRestart } from "../../src/restarts.js";

const limits = { restarts: 5, windowMs: 180_000, firstPauseMs: 500, longestPauseMs: 3_000 };

test("the first restart comes at once, each further one after twice the pause, up to the longest", () => {
  let history: readonly number[] = [];
  const pauses = [0, 1, 2, 3, 4].map((now) => {
    const plan = planRestart(history, now, limits);
    history = plan.history;
    return plan.pauseMs;
  });
  expect(pauses).toEqual([0, 500, 1000, 2000, 3000]);
  expect(planRestart(history, 5, limits).pauseMs).toBeUndefined();
});

test("a restart counts for the window and no longer", () => {
  const full = [0, 1, 2, 3, 4];
  expect(planRestart(full, 179_999, limits).pauseMs).toBeUndefined();
  expect(planRestart(full, 180_000, limits)).toEqual({ pauseMs: 3000, history: [1, 2, 3, 4, 180_000] });
  expect(planRestart(full, 400_000, limits)).toEqual({ pauseMs: 0, history: [400_000] });
});

test("what is given up is not counted", () => {
  expect(planRestart([0, 0, 0, 0, 0], 1, limits).history).toHaveLength(5);
});
