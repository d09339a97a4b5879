"""The JSON-RPC 2.0 envelope: bodies to messages and back, and what is wrong with a message as such.

Pure. Must not know: methods, params, pygls.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

RequestId = str | int

VERSION = "2.0"


class MalformedJsonError(Exception):
    """A body that is no JSON text in UTF-8; the message names the place, never the content."""


def decode(body: bytes) -> Any:
    """Read a body. NaN and Infinity are not JSON (RFC 8259), nor is any encoding but UTF-8.

    Raises:
        MalformedJsonError: whatever is wrong with it, absurd nesting included.
    """
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise MalformedJsonError(f"the body is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise MalformedJsonError(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise MalformedJsonError("the body is nested too deeply") from None
    except ValueError:  # an integer of more digits than Python converts, or a constant that is not JSON
        raise MalformedJsonError("the body is not JSON: it has a number that can't be read") from None


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def encode(message: dict[str, Any]) -> bytes:
    """Make a frame: header and body. Lone surrogates, which UTF-8 can't carry, go as escapes."""
    try:
        body = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii")
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def read_id(message: dict[str, Any]) -> RequestId | None:
    """The id to answer with; None when there is none or it is neither a string nor an integer."""
    value = message.get("id")
    return value if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)) else None


def is_response(message: dict[str, Any]) -> bool:
    """Whether it answers a request (of which this server sends none)."""
    return "method" not in message and ("result" in message or "error" in message)


def problem_of(message: dict[str, Any]) -> str | None:
    """Say why a message is no request or notification, or None when it is one."""
    if message.get("jsonrpc") != VERSION:
        return 'jsonrpc must be "2.0"'
    if not isinstance(message.get("method"), str):
        return "method must be a string"
    if "id" in message and read_id(message) is None:
        return "id must be a string or an integer; leave it out in notifications"
    return None
