"""Bytes that are no messages: each gets its answer, and the next message is understood."""

from __future__ import annotations

import pytest

from tests.rpc.client import Client, frame

PROBE = {"jsonrpc": "2.0", "id": "probe", "method": "nope"}


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Content-Length: {}\r\n\r\n", id="as specified"),
        pytest.param("content-length: {}\r\n\r\n", id="lower case"),
        pytest.param("CONTENT-LENGTH: {}\r\n\r\n", id="upper case"),
        pytest.param("Content-Length:{}\r\n\r\n", id="no space"),
        pytest.param("  Content-Length \t:   {}  \r\n\r\n", id="many spaces"),
        pytest.param("Content-Length: {}\n\n", id="bare newlines"),
        pytest.param("\r\n\r\nContent-Length: {}\r\n\r\n", id="empty lines before"),
        pytest.param(
            "Content-Length: {}\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n", id="content type"
        ),
        pytest.param("Content-Type: application/json; charset=utf8\r\nContent-Length: {}\r\n\r\n", id="utf8"),
        pytest.param("X-Other: yes\r\nContent-Length: {0}\r\nContent-Length: {0}\r\n\r\n", id="repeated"),
    ],
)
def test_a_header_in_any_fair_form_is_understood(shared: Client, header: str) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"nope"}'
    shared.send_bytes(header.format(len(body)).encode() + body)
    assert shared.next()["error"]["code"] == -32601


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'Content-Type: x\r\n\r\n{"jsonrpc":"2.0","id":1,"method":"nope"}', id="no length"),
        pytest.param(b"Content-Length: abc\r\n\r\n{}", id="no number"),
        pytest.param(b"Content-Length: -1\r\n\r\n", id="negative"),
        pytest.param(b"Content-Length: 1e3\r\n\r\n", id="exponent"),
        pytest.param(b"Content-Length:\r\n\r\n", id="empty number"),
        pytest.param(b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", id="two lengths"),
        pytest.param(b"Content-Length: 99999999999999999999\r\n\r\n{}", id="huge length"),
        pytest.param(b"Content-Length: 67108865\r\n\r\n" + b" " * 1000, id="above the limit"),
        pytest.param(b"Content-Length: 2\r\nContent-Type: x; charset=latin-1\r\n\r\n{}", id="other charset"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"nope"}\n', id="no header at all"),
        pytest.param(b"complete garbage\r\n", id="garbage"),
        pytest.param(b"\x00\xff\xfe", id="binary without a newline"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="HTTP"),
        pytest.param(b"X: " + b"y" * 9000, id="endless header"),
    ],
)
def test_a_bad_header_is_answered_and_the_next_message_is_understood(shared: Client, data: bytes) -> None:
    shared.send_bytes(data + frame(PROBE))
    answer = shared.next()
    assert (answer["error"]["code"], answer["id"]) == (-32700, None)
    assert shared.reply("probe")["error"]["code"] == -32601


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"{}{}", id="two values"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param('{"jsonrpc":"2.0"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"nope","params":NaN}', id="NaN"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"nope","params":[-Infinity]}', id="infinity"),
        pytest.param(b'{"jsonrpc":"2.0","id":' + b"1" * 5000 + b"}", id="endless number"),
        pytest.param(b"[" * 200_000, id="deeply nested and cut off"),
        pytest.param(b"[" * 200_000 + b"]" * 200_000, id="deeply nested"),
        pytest.param(
            b'{"jsonrpc":"2.0","id":1,"method":"nope","params":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
            id="deeply nested params",
        ),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="deeply nested objects"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"nope","params":["\xed\xa0\x80"]}', id="surrogate as bytes"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"nope","params":["\xc0\x80"]}', id="overlong NUL"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"sec\x00ret"}', id="raw NUL in a string"),
    ],
)
def test_a_body_that_is_no_json_is_answered(shared: Client, body: bytes) -> None:
    shared.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) + frame(PROBE))
    answer = shared.next()
    assert (answer["error"]["code"], answer["id"]) == (-32700, None)
    assert shared.reply("probe")["error"]["code"] == -32601


def test_a_length_that_is_too_small_loses_one_message_only(client: Client) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"nope"}'
    client.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body) - 5, body) + frame(PROBE))
    assert client.next()["error"]["code"] == -32700
    assert client.reply("probe")["error"]["code"] == -32601


@pytest.mark.slow
def test_a_message_above_the_limit_is_skipped_whole(shared: Client) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"nope","params":["' + b"x" * (65 << 20) + b'"]}'
    shared.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) + frame(PROBE))
    answer = shared.next()
    assert (answer["error"]["code"], answer["id"]) == (-32700, None)
    assert "67108864" in answer["error"]["message"]
    assert shared.next()["id"] == "probe"


def test_a_message_may_come_byte_by_byte(shared: Client) -> None:
    for byte in frame(PROBE):
        shared.send_bytes(bytes([byte]))
    assert shared.reply("probe")["error"]["code"] == -32601


def test_an_end_inside_a_message_is_an_orderly_end(client: Client) -> None:
    client.send_bytes(frame(PROBE) + b'Content-Length: 100\r\n\r\n{"jsonrpc"')
    assert client.reply("probe")["error"]["code"] == -32601
    client.close_stdin()
    assert client.wait() == 0
