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
    CONTAINER_NOT_FOUND = "containerNotFound"
    TARGET_NOT_RUNNING = "targetNotRunning"
    TARGET_AMBIGUOUS = "targetAmbiguous"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    UNREACHABLE = "unreachable"
    CREDENTIAL_PLUGIN_FAILED = "credentialPluginFailed"
    KUBECONFIG_INVALID = "kubeconfigInvalid"
    TIMEOUT = "timeout"
    COMMAND_NOT_FOUND = "commandNotFound"
    COMMAND_CONFLICT = "commandConflict"
    START_FAILED = "startFailed"
    SHELL_MISSING = "shellMissing"
    TOOL_MISSING = "toolMissing"
    STORAGE_UNAVAILABLE = "storageUnavailable"
    STORAGE_FULL = "storageFull"
    PROCESS_LIMIT = "processLimit"
    OFFSET_EXPIRED = "offsetExpired"
    BACKEND_MISSING = "backendMissing"
    NOT_SUPPORTED = "notSupported"
    SHUTTING_DOWN = "shuttingDown"
    INTERNAL = "internal"


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
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        retryable: bool = False,
        remedy: str | None = None,
        http_status: int | None = None,
        reason: str | None = None,
        process: Process | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retryable = retryable
        self.remedy = remedy
        self.http_status = http_status
        self.reason = reason
        self.process = process
