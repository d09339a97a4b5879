// What went wrong, in a sentence, and what would help: the buttons of the one message that is shown.

import { ServerKeepsEndingError, ServerLostError } from "./link.js";
import { errorCodes, type FailureData } from "./protocol.js";
import { AnswerError, PROTOCOL_VERSION, ProtocolMismatchError, ServerEndedError, SilentServerError } from "./server.js";
import { t } from "./words.js";

/** No Python was found that could run the server. `tried` says of each what it lacks. */
export class NoServerError extends Error {
  override readonly name = "NoServerError";
  readonly tried: readonly string[];
  /** Whether the extension could make an environment of its own. */
  readonly canInstall: boolean;
  /** What the user chose and does not work, for a person. */
  readonly chosen: string | undefined;

  constructor(tried: readonly string[], canInstall: boolean, chosen?: string) {
    super(`no server was found: ${tried.join("; ")}`);
    this.tried = tried;
    this.canInstall = canInstall;
    this.chosen = chosen;
  }
}

/** Something that a person can do about it; the editor knows how each one is done. */
export type Remedy = "install" | "choosePython" | "showLog" | "restart" | "chooseTarget" | "doctor" | "showOutput";

export interface Explained {
  readonly message: string;
  readonly remedies: readonly Remedy[];
}

/** The data of an error that the server answered with, if it is of the kind that has some. */
export function failureOf(error: unknown): FailureData | undefined {
  if (!(error instanceof AnswerError) || error.code !== errorCodes.requestFailed) return undefined;
  return error.data as FailureData;
}

const REMEDIES: Readonly<Record<string, readonly Remedy[]>> = {
  targetNotFound: ["chooseTarget"],
  containerNotFound: ["chooseTarget"],
  targetNotRunning: ["chooseTarget"],
  targetAmbiguous: ["chooseTarget"],
  startFailed: ["showOutput"],
  shellMissing: ["doctor", "chooseTarget"],
  toolMissing: ["doctor"],
  storageUnavailable: ["doctor"],
  storageFull: ["doctor"],
  processLimit: ["doctor"],
  forbidden: ["chooseTarget", "showLog"],
  unauthorized: ["showLog"],
  unreachable: ["chooseTarget", "showLog"],
  credentialPluginFailed: ["showLog"],
  kubeconfigInvalid: ["chooseTarget", "showLog"],
  internal: ["showLog"],
};

export function explain(error: unknown): Explained {
  if (error instanceof AnswerError) {
    const failure = failureOf(error);
    const message = failure?.remedy === undefined ? error.message : `${error.message} ${failure.remedy}`;
    return { message, remedies: failure === undefined ? ["showLog"] : (REMEDIES[failure.kind] ?? []) };
  }
  if (error instanceof NoServerError) return noServer(error);
  if (error instanceof ProtocolMismatchError)
    return {
      message: t(
        "The server {0} speaks version {1} of the protocol, and this extension version {2}. Install the server that comes with the extension, or update the one at hand.",
        error.serverVersion,
        error.theirs,
        PROTOCOL_VERSION,
      ),
      remedies: ["install", "choosePython"],
    };
  if (error instanceof ServerEndedError)
    return {
      message: t(
        "The server of Remote Commands ended as soon as it was started: {0}",
        error.lastWords.trim().split("\n").at(-1) ?? t("exit code {0}", error.exitCode ?? "?"),
      ),
      remedies: ["showLog", "install", "choosePython"],
    };
  if (error instanceof SilentServerError)
    return {
      message: t("The program that was started as the server of Remote Commands does not answer. Is it the right one?"),
      remedies: ["choosePython", "restart", "showLog"],
    };
  if (error instanceof ServerKeepsEndingError)
    return {
      message: t(
        "The server of Remote Commands ended five times within three minutes, so it is not started again by itself. Commands in containers go on.",
      ),
      remedies: ["restart", "showLog"],
    };
  if (error instanceof ServerLostError)
    return {
      message: t("The server of Remote Commands ended before it answered. Try that again."),
      remedies: ["showLog"],
    };
  return { message: error instanceof Error ? error.message : String(error), remedies: ["showLog"] };
}

function noServer({ tried, canInstall, chosen }: NoServerError): Explained {
  if (chosen !== undefined)
    return {
      message: t("The server of Remote Commands can't be started from {0}. Choose another Python.", tried.join("; ")),
      remedies: ["choosePython", "showLog"],
    };
  if (canInstall)
    return {
      message: t(
        "The server of Remote Commands is not installed. The extension brings it along, and can put it into an environment of its own.",
      ),
      remedies: ["install", "choosePython"],
    };
  return {
    message: t("Remote Commands needs Python 3.11 or newer, and found none: {0}.", tried.join("; ")),
    remedies: ["choosePython", "showLog"],
  };
}
