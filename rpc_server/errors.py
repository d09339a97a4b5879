"""The error table: what went wrong, as JSON-RPC says it.

| code | raised as |
|---|---|
| -32700, -32600, -32601, -32800 | pygls' exceptions of those names |
| -32602 | `converter.InvalidParams`; data lists {path, message} |
| -32803 | `handlers.errors.RemoteCommandError`; data has kind, retryable and more |
| -32603 | anything else: a bug; no traceback, no values |

Must not know: which method it was or how a reply is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcException

from handlers.errors import ErrorKind, RemoteCommandError
from rpc_server import results, translate
from rpc_server.codes import Code
from rpc_server.converter import MAX_REPORTED, InvalidParams

if TYPE_CHECKING:
    import cattrs


class WriteCancelled(Exception):  # noqa: N818  # no error: its client wanted it
    """A write that was cancelled when so much had arrived."""

    def __init__(self, written: int) -> None:
        super().__init__("cancelled")
        self.written = written


def error_object(error: BaseException, converter: cattrs.Converter) -> dict[str, Any]:
    """The `error` member of the reply to a request that ended in `error`."""
    match error:
        case InvalidParams():
            return _invalid_params(error, converter)
        case RemoteCommandError():
            failure = converter.unstructure(failure_data(error))
            return {"code": Code.REQUEST_FAILED.value, "message": error.message, "data": failure}
        case WriteCancelled():
            data = converter.unstructure(results.CancelledData(written=error.written))
            return {"code": Code.REQUEST_CANCELLED.value, "message": "the request was cancelled", "data": data}
        case JsonRpcException():
            return {"code": error.code, "message": error.message}
        case _:
            bug = results.FailureData(kind=ErrorKind.INTERNAL.value, retryable=False)
            message = f"a bug in the server ({type(error).__name__}): its log has the place; please report it"
            return {"code": Code.INTERNAL_ERROR.value, "message": message, "data": converter.unstructure(bug)}


def failure_data(error: RemoteCommandError) -> results.FailureData:
    """The data of -32803."""
    return results.FailureData(
        kind=error.kind.value,
        retryable=error.retryable,
        remedy=error.remedy,
        http_status=error.http_status,
        reason=error.reason,
        process=None if error.process is None else translate.process_to_wire(error.process),
        first_offset=error.first_offset,
        candidates=error.candidates or None,
        written=error.written,
        run_id=error.run_id,
        line=error.line,
        column=error.column,
    )


def _invalid_params(error: InvalidParams, converter: cattrs.Converter) -> dict[str, Any]:
    fields = error.fields()
    first = f"{fields[0].path or 'params'} {fields[0].message}"
    message = f"invalid params: {first}{_others(len(error.violations) - 1)}"
    return {"code": Code.INVALID_PARAMS.value, "message": message, "data": converter.unstructure(fields)}


def _others(count: int) -> str:
    if count >= MAX_REPORTED:
        return f" (and many more, the first {MAX_REPORTED} in data)"
    return f" (and {count} more, all in data)" if count else ""
