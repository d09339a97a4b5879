from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rpc_client import wire
from rpc_client.errors import Kind, RequestError
from rpc_server import methods, results

BODY = b'{"jsonrpc":"2.0","id":1}'
FRAME = b"Content-Length: 24\r\n\r\n" + BODY


def stream(data: bytes, limit: int = 1 << 16) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit)
    reader.feed_data(data)
    reader.feed_eof()
    return reader


def test_every_method_of_the_server_has_its_result_here() -> None:
    """The table is the client's own, so that it need not import the server; this is what keeps the two equal."""
    built = {name: method.result for name, method in methods.METHODS.items()}
    assert {name: wire.RESULTS[name] for name in built if name != "rpc.discover"} == {
        name: result for name, result in built.items() if name != "rpc.discover"
    }


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_number_that_json_does_not_have_is_not_sent(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        wire.frame({"params": number})


async def test_frames_are_read_up_to_the_end() -> None:
    reader = stream(FRAME + b"content-length:24\r\nContent-Type: x\r\n\r\n" + BODY)
    assert [await wire.read_body(reader) for _ in range(3)] == [BODY, BODY, b""]


async def test_a_frame_may_be_larger_than_the_limit_of_the_stream() -> None:
    data = b"x" * 100_000
    assert await wire.read_body(stream(b"Content-Length: 100000\r\n\r\n" + data, limit=100)) == data


@pytest.mark.parametrize(
    "data, error",
    [
        (b"hello\r\n\r\n", ValueError),
        (b"Content-Length: x\r\n\r\n", ValueError),
        (b"hello", asyncio.IncompleteReadError),
        (FRAME[:-1], asyncio.IncompleteReadError),
        (b"x" * 200_000, asyncio.LimitOverrunError),
    ],
    ids=["no length", "no number", "no header", "cut", "endless"],
)
async def test_what_is_no_frame(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await wire.read_body(stream(data))


async def test_a_frame_reads_as_it_was_written() -> None:
    body = await wire.read_body(stream(wire.frame({"method": "x", "params": {"text": "ä\ud800"}})))
    assert body == b'{"jsonrpc":"2.0","method":"x","params":{"text":"\\u00e4\\ud800"}}'


def test_what_a_later_server_says_more_is_ignored() -> None:
    raw = {"data": "x", "encoding": "utf8", "offset": 0, "nextOffset": 1, "firstOffset": 0, "endOfStream": True}
    assert wire.result_of("remotecmd/read", {**raw, "new": 1}).next_offset == 1


@pytest.mark.parametrize("raw", [None, [], {"process": 1, "timedOut": False}, {"timedOut": False}])
def test_a_reply_of_another_shape_is_an_error(raw: Any) -> None:
    with pytest.raises(RequestError, match="the reply to remotecmd/wait can't be read") as caught:
        wire.result_of("remotecmd/wait", raw)
    assert caught.value.kind == Kind.BAD_REPLY


def test_a_notification_of_another_shape_is_an_error() -> None:
    with pytest.raises(RequestError, match="a notification remotecmd/gap can't be read"):
        wire.event_of("remotecmd/gap", {})


FAILURE = {"kind": "startFailed", "retryable": True, "remedy": "do", "reason": "executableNotFound"}
ERRORS = {
    "failed": ({"code": -32803, "message": "m", "data": FAILURE}, "startFailed"),
    "internal": ({"code": -32603, "message": "m", "data": {"kind": "internal", "retryable": False}}, "internal"),
    "params": ({"code": -32602, "message": "m", "data": [{"path": "a", "message": "b"}]}, "invalidParams"),
    "cancelled": ({"code": -32800, "message": "m"}, "cancelled"),
    "unknown code": ({"code": 5, "message": "m"}, "unknown"),
    "odd data": ({"code": -32803, "message": "m", "data": {"x": 1}}, "unknown"),
    "no code": ({"message": "m"}, "badReply"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_has_a_kind(name: str) -> None:
    raw, kind = ERRORS[name]
    assert wire.error_of(raw).kind == kind


def test_an_error_carries_what_the_server_said() -> None:
    error = wire.error_of(ERRORS["failed"][0])
    assert (error.code, error.message, error.retryable, error.remedy) == (-32803, "m", True, "do")
    assert (error.reason, error.process) == ("executableNotFound", None)
    bare = RequestError(Kind.SERVER_GONE, "m")
    assert (bare.retryable, bare.remedy, bare.reason, bare.process, bare.failure) == (False, None, None, None, None)
    assert wire.error_of(ERRORS["params"][0]).data == (results.InvalidField(path="a", message="b"),)
