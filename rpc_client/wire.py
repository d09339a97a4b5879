"""Classes to JSON and back: which method is answered with what, and how frames are cut. Pure but for reading a stream.

What a server sends is read tolerantly (unknown fields are ignored), since a later server may say more; the types of
what is known are checked. Must not know: processes, who waits for what.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rpc_client.errors import KIND_OF_CODE, Data, Kind, RequestError
from rpc_server import results
from rpc_server.converter import InvalidParams, make_converter
from rpc_server.notifications import PUSHED

RESULTS: Mapping[str, Any] = MappingProxyType(
    {
        "initialize": results.InitializeResult,
        "shutdown": None,
        "remotecmd/start": results.StartResult,
        "remotecmd/status": results.StatusResult,
        "remotecmd/list": results.ListResult,
        "remotecmd/stop": results.StopResult,
        "remotecmd/signal": results.SignalResult,
        "remotecmd/exec": results.ExecResult,
        "remotecmd/attach": results.AttachResult,
        "remotecmd/detach": None,
        "remotecmd/read": results.ReadResult,
        "remotecmd/wait": results.WaitResult,
        "remotecmd/write": results.WriteResult,
        "remotecmd/closeStdin": None,
        "remotecmd/remove": None,
        "remotecmd/devfile": results.DevfileResult,
        "remotecmd/targets": results.TargetsResult,
        "remotecmd/doctor": results.DoctorResult,
        "rpc.discover": dict,
    }
)
"""What each request is answered with: a class, null (None), or JSON as it is (dict)."""

NOTIFICATIONS: Mapping[str, Any] = MappingProxyType({name: told.params for name, told in PUSHED.items()})
"""What the server tells without being asked."""

METHOD_OF = {cls: method for method, cls in NOTIFICATIONS.items()}
"""The notification whose params a class is."""

_HEADER_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?:^|\r\n)Content-Length: *(\d{1,12})(?:\r\n|$)", re.IGNORECASE)

_converter = make_converter({}, is_tolerant=lambda _: True)


def to_json(value: Any) -> Any:
    """A message or result as JSON: camelCase, and what has no value is left out."""
    return _converter.unstructure(value)


def frame(message: dict[str, Any]) -> bytes:
    """A message as it goes over the pipe. Raises ValueError for a number that JSON does not have, as infinity."""
    body = json.dumps({"jsonrpc": "2.0", **message}, allow_nan=False, separators=(",", ":")).encode("ascii")
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


async def read_body(stream: asyncio.StreamReader) -> bytes:
    """The body of the next frame; empty at the end of the stream.

    Raises:
        ValueError: what comes is no frame.
        asyncio.IncompleteReadError: the stream ended inside one.
        asyncio.LimitOverrunError: what comes is no frame, and much of it.
    """
    try:
        header = await stream.readuntil(_HEADER_END)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return b""
    length = _LENGTH.search(header.removesuffix(_HEADER_END))
    if length is None:
        raise ValueError("no Content-Length")
    return await stream.readexactly(int(length[1]))


def result_of(method: str, value: Any) -> Any:
    """What a reply says, as its class. Raises RequestError (badReply) if it is something else."""
    cls = RESULTS[method]
    if cls in (None, dict):
        return value
    try:
        return _converter.structure(value, cls)
    except InvalidParams as error:
        raise RequestError(Kind.BAD_REPLY, f"the reply to {method} can't be read: {_first(error)}") from None


def event_of(method: str, params: Any) -> Any:
    """The params of a notification, as their class. Raises RequestError (badReply) if they are something else."""
    try:
        return _converter.structure(params, NOTIFICATIONS[method])
    except InvalidParams as error:
        raise RequestError(Kind.BAD_REPLY, f"a notification {method} can't be read: {_first(error)}") from None


def error_of(error: dict[str, Any]) -> RequestError:
    """The exception that an error is."""
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, int) or not isinstance(message, str):
        return RequestError(Kind.BAD_REPLY, "an error of the server can't be read: it lacks its code or its message")
    data = _data_of(error.get("data"))
    kind = data.kind if isinstance(data, results.FailureData) else KIND_OF_CODE.get(code, Kind.UNKNOWN)
    return RequestError(kind, message, code=code, data=data)


def _data_of(data: Any) -> Data:
    """What an error carries; what can't be read is left out, for its message says enough."""
    try:
        if isinstance(data, list):
            return tuple(_converter.structure(item, results.InvalidField) for item in data)
        if data is not None:
            found: results.FailureData = _converter.structure(data, results.FailureData)
            return found
    except InvalidParams:
        pass
    return None


def _first(error: InvalidParams) -> str:
    field = error.fields()[0]
    return f"{field.path or 'it'} {field.message}"
