"""The listener of an exec: what it keeps, and that it passes everything on to whoever follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.api import ConnectionState, Gap, OutputChunk, Process, ResolvedTarget, State, Status, Stream
from handlers.collect import Collector

PROCESS = Process(id="_x", target=ResolvedTarget(kind="local"), status=Status.STOPPED, state=State.EXITED)
GAP = Gap("run", "_x", Stream.STDOUT, 0, 5, "storageFull")


def chunk(data: bytes, stream: Stream = Stream.STDOUT) -> OutputChunk:
    return OutputChunk("run", "_x", stream, 0, data)


class Follower:
    """Whoever follows."""

    def __init__(self) -> None:
        self.heard: list[OutputChunk | Gap | Process | ConnectionState] = []

    async def output(self, chunk: OutputChunk) -> None:
        self.heard.append(chunk)

    async def gap(self, gap: Gap) -> None:
        self.heard.append(gap)

    async def connection(self, _: ResolvedTarget, state: ConnectionState, __: str) -> None:
        self.heard.append(state)

    async def status_changed(self, process: Process) -> None:
        self.heard.append(process)


def complete(coroutine: object) -> None:
    """Run what never waits for anything; needs no event loop."""
    with pytest.raises(StopIteration):
        coroutine.send(None)  # type: ignore[attr-defined]  # a coroutine


KEPT = {
    "nothing": ([], b"", False),
    "less than the limit": ([b"ab"], b"ab", False),
    "exactly the limit": ([b"ab", b"cde"], b"abcde", False),
    "one more at once": ([b"abcdef"], b"abcde", True),
    "one more later": ([b"abcde", b"f"], b"abcde", True),
    "nothing more": ([b"abcde", b""], b"abcde", False),
    "far more": ([b"abc", b"defg", b"hi"], b"abcde", True),
}


@pytest.mark.parametrize("name", KEPT)
def test_beginning_of_a_stream_is_kept(name: str) -> None:
    pieces, kept, truncated = KEPT[name]
    collector = Collector(5, None)
    for piece in pieces:
        complete(collector.output(chunk(piece)))
    assert (collector.kept(Stream.STDOUT), collector.truncated) == (kept, truncated)


@given(st.lists(st.tuples(st.sampled_from(Stream), st.binary(max_size=8)), max_size=10), st.integers(0, 30))
def test_each_stream_has_the_limit_for_itself(pieces: list[tuple[Stream, bytes]], limit: int) -> None:
    collector = Collector(limit, None)
    whole = {Stream.STDOUT: b"", Stream.STDERR: b""}
    for stream, data in pieces:
        complete(collector.output(chunk(data, stream)))
        whole[stream] += data
    assert {stream: collector.kept(stream) for stream in Stream} == {s: whole[s][:limit] for s in whole}
    assert collector.truncated == any(len(data) > limit for data in whole.values())


def test_gap_truncates() -> None:
    collector = Collector(5, None)
    complete(collector.gap(GAP))
    assert collector.truncated


def test_last_state_is_final() -> None:
    collector = Collector(5, None)
    assert collector.final is None
    complete(collector.status_changed(PROCESS))
    assert collector.final is PROCESS


def test_everything_is_passed_on_to_who_follows() -> None:
    follower = Follower()
    collector = Collector(1, follower)
    events = [chunk(b"abc"), chunk(b"d", Stream.STDERR), GAP]
    complete(collector.output(events[0]))
    complete(collector.output(events[1]))
    complete(collector.gap(GAP))
    complete(collector.connection(PROCESS.target, ConnectionState.RECONNECTING, "why"))
    complete(collector.status_changed(PROCESS))
    assert follower.heard == [*events, ConnectionState.RECONNECTING, PROCESS]
    assert collector.final is PROCESS


def test_what_is_passed_on_is_not_kept_and_has_no_limit() -> None:
    collector = Collector(1, Follower())
    complete(collector.output(chunk(b"abc")))
    assert collector.kept(Stream.STDOUT) == b""
    assert not collector.truncated
