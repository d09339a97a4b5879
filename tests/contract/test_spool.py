"""What is kept of a command's output, as clients see it: limits, gaps, times, the order of both streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.place import LONG, Place, decode

if TYPE_CHECKING:
    from tests.rpc.client import Client

MIB = 1 << 20
SIZE = 3 * MIB
NUMBERS = f"awk 'BEGIN {{ for (i = 0; i < {SIZE // 8}; i++) printf \"%07d\\n\", i }}'"
"""Writes SIZE bytes of which eight say where they are."""


def pattern(start: int, end: int) -> bytes:
    text = b"".join(b"%07d\n" % n for n in range(start // 8, end // 8 + 1))
    return text[start % 8 : start % 8 + end - start]


def events(place: Place, name: str = "cmd") -> list[dict[str, Any]]:
    """What is told of a run up to its final state: outputs and gaps."""
    found = []
    while True:
        message = place.client.next(LONG)
        params = message.get("params", {})
        if message.get("method") in {"remotecmd/output", "remotecmd/gap"} and params["id"] == place.id(name):
            found.append(params)
        elif params.get("process", {}).get("status") in {"stopped", "errored", "unknown"}:
            return found


@pytest.mark.covers("remotecmd/gap")
def test_what_went_by_the_limit_is_an_exact_gap_and_has_expired(home: Place) -> None:
    home.start(NUMBERS, output={"follow": False}, spoolLimitBytes=MIB)
    home.ask("wait")
    home.ask("attach")
    gap, *outputs = events(home)
    first = gap["to"]
    assert (gap["stream"], gap["from"], gap["reason"]) == ("stdout", 0, "spoolLimit")
    # A segment ends with the read that fills it, so it may be one of 64 KiB longer than a sixteenth.
    assert SIZE - MIB * 17 // 16 - 65536 <= first <= SIZE - MIB * 15 // 16 + 65536
    assert outputs[0]["offset"] == first
    assert b"".join(decode(output) for output in outputs) == pattern(first, SIZE)
    data = home.refused("read", stream="stdout", offset=first - 1, length=5)
    assert (data["kind"], data["firstOffset"]) == ("offsetExpired", first)
    window = home.ask("read", stream="stdout", offset=first, length=100)
    assert (decode(window), window["firstOffset"]) == (pattern(first, first + 100), first)


def test_a_limit_below_a_mebibyte_is_invalid(home: Place) -> None:
    error = home.client.error("remotecmd/start", home.start_params("true", spoolLimitBytes=MIB - 1), LONG)
    assert (error["code"], [field["path"] for field in error["data"]]) == (-32602, ["spoolLimitBytes"])


def take_turns(place: Place) -> list[dict[str, Any]]:
    """Let a command write to one stream and the other, each time when the output before has come."""
    wait, opened = place.gate()
    place.start(f"for i in 1 2 3; do {wait}; echo out $i; {wait}; echo err $i >&2; done")
    found = []
    for _ in range(6):
        place.exec(opened)
        found.append(next_output(place))
    assert events(place) == []
    return found


def next_output(place: Place) -> dict[str, Any]:
    while (message := place.client.next(LONG)).get("method") != "remotecmd/output":
        pass
    return message["params"]


def test_a_replay_has_the_order_and_the_times_of_the_live_output(home: Place, second: Client) -> None:
    live = take_turns(home)
    assert [output["data"] for output in live] == [f"{stream} {n}\n" for n in (1, 2, 3) for stream in ("out", "err")]
    times = [output["time"] for output in live]
    assert times == sorted(set(times))
    again = home.seen_from(second)
    again.ask("attach")
    assert events(again) == live


def test_attach_and_read_begin_at_a_time(home: Place) -> None:
    *_, error, third, last = take_turns(home)
    answer = home.ask("attach", **{"from": {"time": third["time"]}})
    assert answer["offsets"] == {"stdout": 12, "stderr": 12}
    assert events(home) == [third, last]
    window = home.ask("read", stream="stderr", length=6, **{"from": {"time": error["time"]}})
    assert (window["data"], window["offset"]) == ("err 2\n", 6)


def test_read_wants_either_an_offset_or_a_time(home: Place) -> None:
    for more, path in (({}, "offset"), ({"offset": 0, "from": {"time": 0}}, "")):
        error = home.client.error("remotecmd/read", home.params(stream="stdout", length=1, **more), LONG)
        assert (error["code"], [field["path"] for field in error["data"]]) == (-32602, [path])
