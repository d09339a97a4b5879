// Keys for `when` clauses, so that nothing is offered that can't work now; and the one message when the server is missing.

import * as vscode from "vscode";

import { NoServerError } from "../failures.js";
import type { FleetEvent } from "../fleet.js";
import { isLive } from "../texts.js";
import { showError } from "./messages.js";
import type { Parts } from "./parts.js";

export function watchKeys(parts: Parts): vscode.Disposable {
  const { fleet, log } = parts;
  const known = new Map<string, unknown>();
  const set = (name: string, value: unknown): void => {
    if (known.get(name) === value) return;
    known.set(name, value);
    void vscode.commands.executeCommand("setContext", `remotecmd.${name}`, value);
  };
  const look = (): void => {
    set(
      "live",
      fleet.commands.some(({ process }) => isLive(process)),
    );
    set(
      "ended",
      fleet.commands.some(({ process }) => !isLive(process)),
    );
    set("targets", fleet.places.length > 0);
  };
  const heard = (event: FleetEvent): void => {
    if (event.kind !== "server") {
      look();
      return;
    }
    if (event.state === "closed") return; // The window goes; nobody is left to tell.
    log.info(`server: ${event.state}`);
    if (event.state === "ready") set("doctorAvailable", fleet.link.has("remotecmd/doctor") === true);
    set("server", event.error instanceof NoServerError ? "missing" : event.state);
    if (event.state !== "failed") return;
    log.error(String(event.error));
    void showError(event.error);
  };
  look();
  const registration = fleet.onEvent(heard);
  return new vscode.Disposable(() => {
    registration.dispose();
  });
}
