// Whether a server that ended by itself is started again, and when.
//
// A server that crashes again and again must not be started for ever, and one that crashed once should be back at once.
// Pure: time is given.

export interface RestartLimits {
  /** Most restarts within `windowMs`. */
  readonly restarts: number;
  readonly windowMs: number;
  /** Pause before the second restart within the window; it doubles with each further one. The first comes at once. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export const RESTART_LIMITS: RestartLimits = {
  restarts: 5,
  windowMs: 3 * 60_000,
  firstPauseMs: 500,
  longestPauseMs: 10_000,
};

export interface RestartPlan {
  /** How long to wait before the restart; undefined when there is to be none. */
  readonly pauseMs: number | undefined;
  /** The restarts to remember for the next time, this one among them. */
  readonly history: readonly number[];
}

/**
 * What to do about a server that ended at `nowMs`, when it was started anew at the times in `history` before.
 * A restart counts for `windowMs`.
 */
export function planRestart(history: readonly number[], nowMs: number, limits = RESTART_LIMITS): RestartPlan {
  const recent = history.filter((time) => nowMs - time < limits.windowMs);
  if (recent.length >= limits.restarts) return { pauseMs: undefined, history: recent };
  const pauseMs =
    recent.length === 0 ? 0 : Math.min(limits.firstPauseMs * 2 ** (recent.length - 1), limits.longestPauseMs);
  return { pauseMs, history: [...recent, nowMs] };
}
