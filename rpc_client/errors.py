"""What can go wrong with a request, as the client's one exception.

A script branches on `kind`, which is a stable name: those of `handlers.errors.ErrorKind` for a request that failed,
and those of `Kind` for what is the protocol's or the client's own. Must not know: how messages travel.
"""

from __future__ import annotations

import enum

from rpc_server import results

Data = results.FailureData | tuple[results.InvalidField, ...] | None
"""What an error carries: more about a failure, or all that is wrong with the params."""


class Kind(enum.StrEnum):
    """Names of failures that are not those of a command or a target."""

    PARSE_ERROR = "parseError"
    INVALID_REQUEST = "invalidRequest"
    METHOD_NOT_FOUND = "methodNotFound"
    INVALID_PARAMS = "invalidParams"
    CANCELLED = "cancelled"
    SERVER_GONE = "serverGone"
    """The server could not be started, or ended before it answered. No code: nobody answered."""
    BAD_REPLY = "badReply"
    """The server said something that is not of this protocol. No code either."""
    UNKNOWN = "unknown"
    """An error code that this client does not know."""


KIND_OF_CODE = {
    -32700: Kind.PARSE_ERROR,
    -32600: Kind.INVALID_REQUEST,
    -32601: Kind.METHOD_NOT_FOUND,
    -32602: Kind.INVALID_PARAMS,
    -32800: Kind.CANCELLED,
}
"""Codes of JSON-RPC and LSP whose errors bring no kind of their own."""


class RequestError(Exception):
    """A request without a result.

    Attributes:
        kind: a stable name.
        message: what happened, to what, and what to do; for a person.
        code: of JSON-RPC; None when the server did not answer.
        data: more, as the server sent it.
    """

    def __init__(self, kind: str, message: str, *, code: int | None = None, data: Data = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = code
        self.data = data

    @property
    def failure(self) -> results.FailureData | None:
        """What the server says about a failed request: retryable, remedy, reason, process."""
        return self.data if isinstance(self.data, results.FailureData) else None

    @property
    def retryable(self) -> bool:
        """Whether asking again unchanged may work."""
        return self.failure is not None and self.failure.retryable

    @property
    def remedy(self) -> str | None:
        """A further step for a person."""
        return None if self.failure is None else self.failure.remedy

    @property
    def reason(self) -> str | None:
        """Finer cause."""
        return None if self.failure is None else self.failure.reason

    @property
    def process(self) -> results.Process | None:
        """The run concerned."""
        return None if self.failure is None else self.failure.process
