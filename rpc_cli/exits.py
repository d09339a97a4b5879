"""The exit status of every outcome, as data: `remotecmd --help` and the README show these tables. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.errors import ErrorKind
from rpc_client.errors import Kind, RequestError

if TYPE_CHECKING:
    from rpc_server import results

USAGE = 2
TARGET = 3
ACCESS = 4
CONNECTION = 5
COMMAND = 6
CONTAINER = 7
TIMED_OUT = 124
FAILED = 125
NOT_EXECUTABLE = 126
NOT_FOUND = 127
INTERRUPTED = 130
BROKEN_PIPE = 141

MEANINGS = {
    0: "done; for run, attach and exec: the command's own status",
    1: "stop: some processes outlived even KILL",
    USAGE: "the command line or the devfile is wrong",
    TARGET: "the pod or container is not there, not running, or not the only one",
    ACCESS: "kubeconfig or credentials are wrong, or it is forbidden",
    CONNECTION: "the container or the API server can't be reached",
    COMMAND: "there is no such command, another one has its id, or it takes no input",
    CONTAINER: "the container lacks something: a shell, a tool, storage, room for processes",
    TIMED_OUT: "a limit of time was reached, as with timeout(1): --timeout, or that of a connection",
    FAILED: "anything else: not supported, a bug, the server died, the command's end is not known",
    NOT_EXECUTABLE: "the command can't be executed, as in a shell",
    NOT_FOUND: "there is no such program in the container, as in a shell",
    INTERRUPTED: "Ctrl-C, where it is not the command that it ended",
    BROKEN_PIPE: "who read the output went away (… | head)",
}
"""128+n: the command was ended by signal n."""

OF_KIND: dict[str, int] = {
    ErrorKind.TARGET_NOT_FOUND: TARGET,
    ErrorKind.CONTAINER_NOT_FOUND: TARGET,
    ErrorKind.TARGET_NOT_RUNNING: TARGET,
    ErrorKind.TARGET_AMBIGUOUS: TARGET,
    ErrorKind.UNAUTHORIZED: ACCESS,
    ErrorKind.FORBIDDEN: ACCESS,
    ErrorKind.CREDENTIAL_PLUGIN_FAILED: ACCESS,
    ErrorKind.KUBECONFIG_INVALID: ACCESS,
    ErrorKind.UNREACHABLE: CONNECTION,
    ErrorKind.TIMEOUT: TIMED_OUT,
    ErrorKind.COMMAND_NOT_FOUND: COMMAND,
    ErrorKind.COMMAND_CONFLICT: COMMAND,
    ErrorKind.STDIN_CLOSED: COMMAND,
    ErrorKind.SHELL_MISSING: CONTAINER,
    ErrorKind.TOOL_MISSING: CONTAINER,
    ErrorKind.STORAGE_UNAVAILABLE: CONTAINER,
    ErrorKind.STORAGE_FULL: CONTAINER,
    ErrorKind.PROCESS_LIMIT: CONTAINER,
    ErrorKind.DEVFILE_INVALID: USAGE,
    ErrorKind.START_FAILED: FAILED,
    ErrorKind.OFFSET_EXPIRED: FAILED,
    ErrorKind.BACKEND_MISSING: FAILED,
    ErrorKind.NOT_SUPPORTED: FAILED,
    ErrorKind.SHUTTING_DOWN: FAILED,
    ErrorKind.INTERNAL: FAILED,
    Kind.INVALID_PARAMS: USAGE,
}
"""Kinds that are not here are FAILED."""

OF_REASON = {
    "executableNotFound": NOT_FOUND,
    "permissionDenied": NOT_EXECUTABLE,
    "argumentListTooLong": NOT_EXECUTABLE,
    "processLimit": CONTAINER,
}
"""Why a command could not start, where there is a status for it."""


def of_error(error: RequestError) -> int:
    """The status for a request that failed."""
    if error.kind == ErrorKind.START_FAILED:
        return OF_REASON.get(error.reason or "", FAILED)
    return OF_KIND.get(error.kind, FAILED)


def of_process(process: results.Process) -> int:
    """The status for a run that is over: its own."""
    if process.reason == "timeout":
        return TIMED_OUT
    if process.exit_code is None:
        return OF_REASON.get(process.reason or "", FAILED)
    return process.exit_code
