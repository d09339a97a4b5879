"""remotecmd/read: windows of a stream, live and ended."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.place import LONG, Place, decode

if TYPE_CHECKING:
    from tests.rpc.client import Client

QUIET = {"output": {"follow": False}}
TEXT = "aé€😀z"
"""Characters of one to four bytes, in eleven."""


@pytest.fixture
def text(home: Place) -> Place:
    """A command that has written TEXT to stdout and nothing to stderr."""
    home.start(f"printf %s '{TEXT}'", **QUIET)
    home.ask("wait")
    return home


def read(place: Place, offset: int, length: int, stream: str = "stdout", name: str = "cmd") -> dict[str, Any]:
    return place.ask("read", name, stream=stream, offset=offset, length=length)


def window(data: str, offset: int, next_offset: int, *, end: bool, encoding: str = "utf8") -> dict[str, Any]:
    return {
        "data": data, "encoding": encoding, "offset": offset, "nextOffset": next_offset, "firstOffset": 0,
        "endOfStream": end,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        pytest.param(0, 100, window(TEXT, 0, 11, end=True), id="all"),
        pytest.param(0, 11, window(TEXT, 0, 11, end=True), id="just all"),
        pytest.param(0, 10, window("aé€😀", 0, 10, end=False), id="all but the last byte"),
        pytest.param(0, 9, window("aé€", 0, 6, end=False), id="cut in the last character"),
        pytest.param(0, 2, window("a", 0, 1, end=False), id="cut in the second character"),
        pytest.param(1, 1, window("ww==", 1, 2, end=False, encoding="base64"), id="less than a character"),
        pytest.param(2, 2, window("qeI=", 2, 4, end=False, encoding="base64"), id="from within a character"),
        pytest.param(10, 5, window("z", 10, 11, end=True), id="the last"),
        pytest.param(0, 0, window("", 0, 0, end=False), id="length 0"),
        pytest.param(11, 0, window("", 11, 11, end=True), id="length 0 at the end"),
        pytest.param(11, 5, window("", 11, 11, end=True), id="at the end"),
        pytest.param(1000, 5, window("", 1000, 1000, end=True), id="beyond the end"),
    ],
)
@pytest.mark.covers("remotecmd/read")
def test_windows_of_an_ended_stream(text: Place, offset: int, length: int, expected: dict[str, Any]) -> None:
    assert read(text, offset, length) == expected


def test_a_stream_without_output_has_ended_at_0(text: Place) -> None:
    assert read(text, 0, 10, "stderr") == window("", 0, 0, end=True)


@pytest.mark.parametrize("length", [1, 3, 4, 7])
def test_windows_of_any_length_make_up_the_stream(text: Place, length: int) -> None:
    found, at, ended = b"", 0, False
    while not ended:
        got = read(text, at, length)
        assert (got["offset"], got["nextOffset"] - at) == (at, len(decode(got)))
        found += decode(got)
        at, ended = got["nextOffset"], got["endOfStream"]
    assert found == TEXT.encode()


def test_a_live_stream_ends_with_a_whole_character_and_an_ended_one_with_its_last_byte(home: Place) -> None:
    wait, opened = home.gate()
    home.start(f"printf 'a\\303'; {wait}", **QUIET)
    while home.ask("status")["process"]["offsets"]["stdout"] < 2:
        pass
    assert read(home, 0, 10) == window("a", 0, 1, end=False)
    assert read(home, 1, 10) == window("ww==", 1, 2, end=False, encoding="base64")
    assert read(home, 2, 10) == window("", 2, 2, end=False)
    assert read(home, 50, 10) == window("", 50, 50, end=False)
    home.exec(opened)
    home.ask("wait")
    assert read(home, 0, 10) == window("YcM=", 0, 2, end=True, encoding="base64")


def test_bytes_that_are_no_text_come_as_base64(home: Place) -> None:
    home.start("printf 'a\\377b\\000'; printf 'text\\000' >&2", **QUIET)
    home.ask("wait")
    assert read(home, 0, 10) == window(base64.b64encode(b"a\xffb\0").decode(), 0, 4, end=True, encoding="base64")
    assert read(home, 0, 10, "stderr") == window("text\0", 0, 5, end=True)


def test_all_is_base64_for_a_client_that_asked_for_it(text: Place, second: Client) -> None:
    second.result("initialize", {"capabilities": {"outputEncoding": "base64"}})
    got = read(text.seen_from(second), 0, 9)
    assert (got["encoding"], decode(got), got["nextOffset"]) == ("base64", TEXT.encode()[:9], 9)


def test_of_a_merged_run_stdout_has_both_and_stderr_has_ended(home: Place) -> None:
    home.start("echo out; echo err >&2", definition={"mergeOutput": True}, **QUIET)
    home.ask("wait")
    assert read(home, 0, 100) == window("out\nerr\n", 0, 8, end=True)
    assert read(home, 0, 100, "stderr") == window("", 0, 0, end=True)


def test_the_newest_run_is_read(text: Place) -> None:
    text.start("echo newer", **QUIET)
    text.ask("wait")
    assert read(text, 0, 100)["data"] == "newer\n"


def test_a_long_window_is_read_in_one_piece(home: Place) -> None:
    size = 5 << 20
    home.start(f"head -c {size} /dev/urandom >/tmp/{home.id()}; cat /tmp/{home.id()}", **QUIET)
    home.ask("wait")
    digest = home.exec(f"tail -c +1000001 /tmp/{home.id()} | sha256sum; rm /tmp/{home.id()}")["stdout"].split()[0]
    got = read(home, 1_000_000, 8 << 20)
    assert (got["encoding"], got["nextOffset"], got["endOfStream"]) == ("base64", size, True)
    assert hashlib.sha256(decode(got)).hexdigest() == digest


@pytest.mark.covers("offsetExpired")
def test_bytes_whose_segment_is_gone_have_expired(text: Place) -> None:
    text.exec(f'cd {text.directory}/remotecmd-*/runs && rm "$(dirname "$(grep -l "^{text.id()} " */meta)")"/o.0')
    data = text.refused("read", stream="stdout", offset=2, length=5)
    assert (data["kind"], data["retryable"], data["firstOffset"]) == ("offsetExpired", False, 11)
    assert read(text, data["firstOffset"], 5)["endOfStream"] is True
    assert read(text, 0, 5, "stderr")["endOfStream"] is True


def test_reading_goes_on_where_the_next_segment_begins(home: Place) -> None:
    """A segment ends soon after 8 MiB, where one block of the stream does."""
    segment = 8 << 20
    home.start(f"head -c {segment} /dev/zero; printf next", **QUIET)
    home.ask("wait")
    runs = f'cd {home.directory}/remotecmd-*/runs && cd "$(dirname "$(grep -l \'^{home.id()} \' */meta)")"'
    last = int(home.exec(f"{runs} && ls -d o.[1-9]*")["stdout"].split(".")[1])
    assert decode(read(home, segment - 3, 100)) == b"\0\0\0next"
    home.exec(f"{runs} && rm o.0")
    data = home.refused("read", stream="stdout", offset=1000, length=5)
    assert (data["kind"], data["firstOffset"]) == ("offsetExpired", last)
    got = read(home, last, 100)
    assert (got["offset"], got["endOfStream"]) == (last, True)
    assert home.client.result("remotecmd/remove", home.params(), LONG) is None
