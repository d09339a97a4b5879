// Waiting for what no event tells: the state of another process, of a file, of a page that redraws.

const INTERVAL_MS = 100;

type Nothing = undefined | null | false | "";

/** The first truthy answer of `look`; throws with `what` when there is none in time. An error of `look` is no answer. */
export async function until<Found>(
  what: string,
  look: () => Found | Promise<Found>,
  timeoutMs = 30_000,
): Promise<Exclude<Found, Nothing>> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== null && found !== false && found !== "")
        return found as Exclude<Found, Nothing>;
      last = found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`not within ${String(timeoutMs)} ms: ${what}`, { cause: last });
    await new Promise((resume) => setTimeout(resume, INTERVAL_MS));
  }
}
