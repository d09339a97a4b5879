from __future__ import annotations

from typing import Any

import pytest
from pygls.exceptions import JsonRpcInvalidRequest, JsonRpcMethodNotFound, JsonRpcParseError, JsonRpcRequestCancelled

from handlers.api import Process, ResolvedTarget, State, Status, Violation
from handlers.errors import ErrorKind, RemoteCommandError
from rpc_server import translate
from rpc_server.converter import InvalidParams, make_converter
from rpc_server.errors import error_object

CONVERTER = make_converter(translate.RULES)
FAILED = Process(
    id="a", target=ResolvedTarget(kind="local"), status=Status.ERRORED, state=State.START_FAILED, reason="notFound"
)

TABLE: dict[str, tuple[Exception, dict[str, Any]]] = {
    "parse error": (JsonRpcParseError("m"), {"code": -32700, "message": "m"}),
    "invalid request": (JsonRpcInvalidRequest("m"), {"code": -32600, "message": "m"}),
    "unknown method": (JsonRpcMethodNotFound("m"), {"code": -32601, "message": "m"}),
    "cancelled": (JsonRpcRequestCancelled("m"), {"code": -32800, "message": "m"}),
    "invalid params": (
        InvalidParams([Violation(("a", 0), "is bad"), Violation((), "must be good")]),
        {
            "code": -32602,
            "message": "invalid params: a[0] is bad (and 1 more, all in data)",
            "data": [{"path": "a[0]", "message": "is bad"}, {"path": "", "message": "must be good"}],
        },
    ),
    "params as a whole": (
        InvalidParams([Violation((), "must be an object")]),
        {
            "code": -32602,
            "message": "invalid params: params must be an object",
            "data": [{"path": "", "message": "must be an object"}],
        },
    ),
    "failed": (
        RemoteCommandError(ErrorKind.UNREACHABLE, "m", retryable=True),
        {"code": -32803, "message": "m", "data": {"kind": "unreachable", "retryable": True}},
    ),
    "not known": (
        RemoteCommandError(ErrorKind.UNREACHABLE, "m", retryable=True, run_id="r1"),
        {"code": -32803, "message": "m", "data": {"kind": "unreachable", "retryable": True, "runId": "r1"}},
    ),
    "failed in full": (
        RemoteCommandError(ErrorKind.START_FAILED, "m", remedy="r", http_status=403, reason="n", process=FAILED),
        {
            "code": -32803,
            "message": "m",
            "data": {
                "kind": "startFailed",
                "retryable": False,
                "remedy": "r",
                "httpStatus": 403,
                "reason": "n",
                "process": {
                    "id": "a",
                    "target": {"kind": "local"},
                    "status": "errored",
                    "state": "startFailed",
                    "reason": "notFound",
                },
            },
        },
    ),
    "bug": (
        ValueError("secret"),
        {
            "code": -32603,
            "message": "a bug in the server (ValueError): its log has the place; please report it",
            "data": {"kind": "internal", "retryable": False},
        },
    ),
}


@pytest.mark.parametrize(("error", "expected"), TABLE.values(), ids=TABLE.keys())
def test_error_object(error: Exception, expected: dict[str, Any]) -> None:
    assert error_object(error, CONVERTER) == expected
