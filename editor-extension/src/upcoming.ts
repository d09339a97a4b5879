// Methods of the contract that the server is about to get, until the generated protocol.ts has them.
//
// `AllRequests` takes the generated type of a method as soon as there is one, so a difference is a compiler's error
// here and never a second truth. Whether the server at hand has a method is asked of its capabilities.

import type { Requests, Target } from "./protocol.js";

export interface DoctorParams {
  readonly target: Target;
}

export interface DoctorResult {
  /** How commands would be supervised there. */
  readonly mode: string;
  readonly findings: readonly DoctorFinding[];
}

export interface DoctorFinding {
  /** What was looked at. */
  readonly check: string;
  /** "ok", "info", "warning" or "error"; a later version may have more. */
  readonly level: string;
  /** What was found, for a person. */
  readonly detail: string;
  /** What to do about it, for a person. */
  readonly remedy?: string;
}

export interface UpcomingRequests {
  readonly "remotecmd/doctor": { readonly params: DoctorParams; readonly result: DoctorResult };
}

export type AllRequests = Requests & Omit<UpcomingRequests, keyof Requests>;
