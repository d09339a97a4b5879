// How long a key takes: from the moment the browser is given it until a frame with its character can be painted.

import type { Page } from "playwright-core";

import { until } from "./until.js";

export interface Latency {
  readonly keys: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly longestMs: number;
}

const KEYS_PER_SECOND = 10;

/** Type into the text editor that has the focus for so long, and measure each key. */
export async function typing(page: Page, seconds: number): Promise<Latency> {
  await page.evaluate(observe);
  const keys = seconds * KEYS_PER_SECOND;
  const began = Date.now();
  for (let typed = 0; typed < keys; typed++) {
    await page.keyboard.press(typed % 40 === 39 ? "Enter" : "x");
    const due = began + ((typed + 1) * 1000) / KEYS_PER_SECOND;
    await page.waitForTimeout(Math.max(0, due - Date.now()));
  }
  const took = await until("all keys are drawn", async () => {
    const measured = await page.evaluate(() => (window as unknown as Measuring).keysMs);
    return measured.length >= keys && measured;
  });
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
  return { keys: sorted.length, medianMs: at(0.5), p95Ms: at(0.95), longestMs: at(1) };
}

interface Measuring {
  keysMs: number[];
  stopMeasuring?: () => void;
}

/** In the page. The event's own time is when it arrived, so waiting for a busy page counts. */
function observe(): void {
  const measuring = window as unknown as Measuring;
  measuring.stopMeasuring?.();
  measuring.keysMs = [];
  let pressed: number[] = [];
  const onKey = (event: KeyboardEvent): void => void pressed.push(event.timeStamp);
  const changes = new MutationObserver(() => {
    const drawn = pressed;
    pressed = [];
    if (drawn.length === 0) return;
    requestAnimationFrame(() => {
      // After the frame's callbacks come layout and paint; what is posted now runs behind them.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => void measuring.keysMs.push(...drawn.map((at) => performance.now() - at));
      port2.postMessage(undefined);
    });
  });
  window.addEventListener("keydown", onKey, { capture: true });
  const lines = document.querySelector(".editor-instance .view-lines");
  if (lines === null) throw new Error("no text editor is open");
  changes.observe(lines, { childList: true, subtree: true, characterData: true });
  measuring.stopMeasuring = () => {
    window.removeEventListener("keydown", onKey, { capture: true });
    changes.disconnect();
  };
}
