from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpc_server.inbound import Body, FrameDecoder, Malformed


def frame(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def shape(events: list[Body | Malformed]) -> list[bytes | None]:
    """Bodies, and None for each complaint."""
    return [event.data if isinstance(event, Body) else None for event in events]


def decode(*chunks: bytes, **limits: Any) -> list[bytes | None]:
    decoder = FrameDecoder(**limits)
    return shape([event for chunk in chunks for event in decoder.feed(chunk)])


TABLE = {
    "nothing": (b"", []),
    "one": (frame(b"{}"), [b"{}"]),
    "two": (frame(b"1") + frame(b"22"), [b"1", b"22"]),
    "empty body": (frame(b"") + frame(b"1"), [b"", b"1"]),
    "incomplete header": (b"Content-Length: 5\r\n", []),
    "incomplete body": (b"Content-Length: 5\r\n\r\n123", []),
    "empty lines between": (frame(b"1") + b"\r\n\n\r\n" + frame(b"2"), [b"1", b"2"]),
    "no length": (b"A: b\r\n\r\n{}" + frame(b"1"), [None, b"1"]),
    "bad length": (b"Content-Length: x\r\n\r\n{}" + frame(b"1"), [None, b"1"]),
    "bad lengths in a row": (b"Content-Length: x\r\n\r\n" * 3 + frame(b"1"), [None, None, None, b"1"]),
    "glued to garbage": (b'{"a":1}' + frame(b"1"), [None, b"1"]),
    "glued to a token": (b"true" + frame(b"1"), [None, b"1"]),
    "body holds a header as a string": (b'A: b\r\n\r\n"Content-Length: 1\\r\\n\\r\\nx"' + frame(b"1"), [None, b"1"]),
    "bad line after a length": (b"Content-Length: 1\r\n{\r\n\r\nx" + frame(b"1"), [None, b"1"]),
    "above the limit": (frame(b"x" * 101) + frame(b"1"), [None, b"1"]),
    "lying about a huge length": (b"Content-Length: 9999999\r\n\r\n{}" + frame(b"1"), [None, b"1"]),
    "header above the limit": (b"A: " + b"b" * 300 + b"\r\n\r\n" + frame(b"1"), [None, b"1"]),
    "many headers": (b"A: b\r\n" * 100 + frame(b"1"), [None, b"1"]),
    "charset": (b"Content-Type: a; charset=latin-1\r\nContent-Length: 2\r\n\r\n{}" + frame(b"1"), [None, b"1"]),
    "quoted charset": (b'Content-Type: a; charset="UTF-8"\r\nContent-Length: 1\r\n\r\n1', [b"1"]),
}
LIMITS = {"max_header": 256, "max_body": 100}


@pytest.mark.parametrize(("data", "expected"), TABLE.values(), ids=TABLE.keys())
def test_decode_whole(data: bytes, expected: list[bytes | None]) -> None:
    assert decode(data, **LIMITS) == expected


@pytest.mark.parametrize(("data", "expected"), TABLE.values(), ids=TABLE.keys())
def test_decode_byte_by_byte(data: bytes, expected: list[bytes | None]) -> None:
    assert decode(*(data[i : i + 1] for i in range(len(data))), **LIMITS) == expected


@given(st.lists(st.sampled_from([data for data, _ in TABLE.values()]), max_size=4), st.data())
def test_any_split_gives_the_same(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=6)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert decode(*parts, **LIMITS) == decode(whole, **LIMITS)


@given(st.binary(max_size=400))
def test_any_bytes_are_survived_and_bounded(garbage: bytes) -> None:
    decoder = FrameDecoder(**LIMITS)
    list(decoder.feed(garbage))
    assert len(decoder._buffer) <= 256 + 400
    rescued = [event for _ in range(40) for event in decoder.feed(b"\n" * 10 + frame(b"rescue me"))]
    assert b"rescue me" in shape(rescued)


def test_a_complaint_says_what_to_send() -> None:
    (event,) = FrameDecoder().feed(b"{")
    assert isinstance(event, Malformed)
    assert "Content-Length: N" in event.message


def test_a_skipped_body_is_not_buffered() -> None:
    decoder = FrameDecoder(max_body=100)
    list(decoder.feed(b"Content-Length: 1000000\r\n\r\n"))
    for _ in range(100):
        list(decoder.feed(b"x" * 10_000))
        assert len(decoder._buffer) <= 100


@pytest.mark.parametrize(
    ("data", "expected"), [(b"", False), (b"Cont", True), (b"Content-Length: 5\r\n\r\n", True), (frame(b"1"), False)]
)
def test_mid_message(data: bytes, expected: bool) -> None:
    decoder = FrameDecoder()
    list(decoder.feed(data))
    assert decoder.mid_message is expected
