"""What can go wrong in a target, as one exception with a stable kind.

Third-party exceptions never leave the module that called the library: they become a `RemoteCommandError` whose message
says what happened, to what, and what to do. No message holds a value of the user's (command text, environment values).
Must not know: JSON, error codes of any protocol.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.api import Process


class ErrorKind(enum.StrEnum):
    """Stable names of failures; clients branch on them, so a name is never changed."""

    TARGET_NOT_FOUND = "targetNotFound"
    """There is no such pod, namespace or context."""
    CONTAINER_NOT_FOUND = "containerNotFound"
    """The pod has no container of that name."""
    TARGET_NOT_RUNNING = "targetNotRunning"
    """The pod or the container exists and does not run."""
    TARGET_AMBIGUOUS = "targetAmbiguous"
    """A selector or workload matches more than one running pod."""
    UNAUTHORIZED = "unauthorized"
    """The API server does not accept the credentials."""
    FORBIDDEN = "forbidden"
    """The credentials are good and lack a right; the message names it."""
    UNREACHABLE = "unreachable"
    """The API server or the node can't be reached, or the connection was cut."""
    CREDENTIAL_PLUGIN_FAILED = "credentialPluginFailed"
    """The program that the kubeconfig names for credentials failed."""
    KUBECONFIG_INVALID = "kubeconfigInvalid"
    """The kubeconfig can't be read or lacks what is needed."""
    DEVFILE_INVALID = "devfileInvalid"
    """The devfile can't be read or is wrong; data.line and data.column say where."""
    TIMEOUT = "timeout"
    """Something did not answer in time, or an exec's timeoutSeconds ran out."""
    COMMAND_NOT_FOUND = "commandNotFound"
    """No command of that id was started there; status answers with state absent instead."""
    COMMAND_CONFLICT = "commandConflict"
    """The id or the runId belongs to another command, or to a live one that the request does not allow."""
    STDIN_CLOSED = "stdinClosed"
    """The command takes no input (any more); data.reason is none, if it was started without a stdin to write, closed or
    ended, and data.written says how much had arrived."""
    START_FAILED = "startFailed"
    """The command did not start; data.reason has the cause and data.process the record."""
    SHELL_MISSING = "shellMissing"
    """The container has no /bin/sh, or one that can't run the agent."""
    TOOL_MISSING = "toolMissing"
    """The container lacks a tool that the agent needs; the message names it."""
    STORAGE_UNAVAILABLE = "storageUnavailable"
    """No directory for records and output can be written, or the one at hand is not ours."""
    STORAGE_FULL = "storageFull"
    """The disk of the container has no room for the records."""
    PROCESS_LIMIT = "processLimit"
    """The container can't start another process."""
    OFFSET_EXPIRED = "offsetExpired"
    """What is asked for from some point on is gone: the bytes at an offset, or the list that was to be continued."""
    BACKEND_MISSING = "backendMissing"
    """The program that reaches such targets is not installed where the server runs."""
    NOT_SUPPORTED = "notSupported"
    """The contract names it and this version, or this system, does not have it."""
    SHUTTING_DOWN = "shuttingDown"
    """The server is exiting and gave the request up."""
    INTERNAL = "internal"
    """A bug in the server, or a reply from the container that it can't make sense of."""


class RemoteCommandError(Exception):
    """A request that could not be done.

    Attributes:
        kind: the stable name.
        message: one or two sentences: what happened, to what, what to do.
        retryable: whether asking again unchanged may work.
        remedy: a further step for a person, if there is one.
        http_status: the API server's status code, if one was involved.
        reason: finer cause, e.g. why a command could not start (`executableNotFound`).
        process: the run concerned, where its record stays.
        first_offset: where bytes are still there, when those asked for are gone.
        candidates: names that would not be ambiguous, the first of them if there are many.
        written: how many bytes of a write have arrived, at least.
        run_id: of a run that may have been started: a start that names it gives that run.
        line: where a file is wrong, counted from 1.
        column: the same, in characters.
    """

    def __init__(  # noqa: PLR0913  # all but two are named
        self,
        kind: ErrorKind,
        message: str,
        *,
        retryable: bool = False,
        remedy: str | None = None,
        http_status: int | None = None,
        reason: str | None = None,
        process: Process | None = None,
        first_offset: int | None = None,
        candidates: tuple[str, ...] = (),
        written: int | None = None,
        run_id: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retryable = retryable
        self.remedy = remedy
        self.http_status = http_status
        self.reason = reason
        self.process = process
        self.first_offset = first_offset
        self.candidates = candidates
        self.written = written
        self.run_id = run_id
        self.line = line
        self.column = column
