"""Delivery over a spool in memory: whatever was written and whatever is gone, each byte is told once, in order."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from handlers.agent import codec
from handlers.agent.codec import Reply, Snapshot, StreamFacts
from handlers.api import Gap, Offsets, OutputChunk, Stream
from handlers.delivery import Delivery
from handlers.spool import FILES, Spool
from tests.shells.conftest import Recorder

OUT, ERR = Stream.STDOUT, Stream.STDERR


def byte_at(stream: Stream, offset: int) -> int:
    """What was written there: ASCII, so that nothing is held back, and of another kind in each stream."""
    return (65 if stream is OUT else 97) + offset * 7 % 26


class Memory:
    """The agent's side of a spool: `write` as a pump does, `drop` as a limit does."""

    def __init__(self, segment: int) -> None:
        self._segment = segment
        self.size = {OUT: 0, ERR: 0}
        self._begin = {OUT: [0], ERR: [0]}
        self.dropped = {OUT: 0, ERR: 0}
        self.order: list[tuple[Stream, int, int]] = []
        self._journal = b""

    def write(self, stream: Stream, count: int) -> None:
        start = self.size[stream]
        self.size[stream] += count
        self.order.append((stream, start, start + count))
        self._journal += f"{len(self.order)}.00 {FILES[stream]} {self.size[stream]}\n".encode()
        if self.size[stream] - self._begin[stream][-1] >= self._segment:
            self._begin[stream].append(self.size[stream])

    def drop(self, stream: Stream) -> None:
        if len(self._begin[stream]) > 1:
            self.dropped[stream] = self._begin[stream][1]
            del self._begin[stream][0]

    def ended(self, stream: Stream) -> list[tuple[int, int]]:
        begins = self._begin[stream]
        return list(itertools.pairwise(begins))

    def facts(self) -> Snapshot:
        line = b"dir key 1 web run hash 0 1000000 1.00 t 42 99 1.00 A - - - - - - 0 0 - - - - 0 0 - - - -"
        plain = codec.read_snapshot(line)
        assert plain is not None
        of = {
            s: StreamFacts(self._begin[s][-1], self.size[s], 1.0, False, False, (self.ended(s) or [None])[-1])
            for s in Stream
        }
        return dataclasses.replace(plain, stdout=of[OUT], stderr=of[ERR])

    async def ask(self, operation: str, _: str, *words: Any) -> Reply:
        if operation == "segments":
            stream = OUT if words[0] == "o" else ERR
            return Reply(1, ("ok",), "".join(f"{a} {b}\n" for a, b in self.ended(stream)).encode())
        if operation == "journal":
            _, offset, count = words
            return Reply(1, ("ok", "0"), self._journal[offset : offset + min(count, 50)])
        assert operation == "window"
        name, offset, count = words
        stream, begin = (OUT if name[0] == "o" else ERR), int(name[2:])
        if begin not in self._begin[stream]:
            return Reply(1, ("error", "gone"), b"")
        return Reply(1, ("ok",), bytes(byte_at(stream, begin + offset + i) for i in range(count)))


async def deliver(memory: Memory, recorder: Recorder, delivery: Delivery) -> None:
    while await delivery.round(Spool(memory.ask), memory.facts(), most_bytes=1 << 20, is_news=False):
        pass


steps = st.lists(
    st.tuples(st.just("write"), st.sampled_from(Stream), st.integers(1, 60))
    | st.tuples(st.just("drop"), st.sampled_from(Stream), st.just(0))
    | st.tuples(st.just("deliver"), st.just(OUT), st.just(0)),
    max_size=30,
)


@given(steps, st.integers(20, 100), st.integers(1, 50))
def test_each_byte_is_told_once_or_is_in_a_gap(
    script: list[tuple[str, Stream, int]], segment: int, window: int
) -> None:
    memory, recorder = Memory(segment), Recorder()
    delivery = Delivery(Offsets(), recorder)
    delivery._rounds.size = window  # white-box: a real one is larger than hypothesis likes

    async def play() -> None:
        for what, stream, count in script:
            if what == "write":
                memory.write(stream, count)
            elif what == "drop":
                memory.drop(stream)
            else:
                await deliver(memory, recorder, delivery)
        await deliver(memory, recorder, delivery)

    asyncio.run(play())
    for stream in Stream:
        told = [(c.offset, c.offset + len(c.data), c) for c in recorder.chunks if c.stream is stream]
        told += [(gap.start, gap.end, gap) for gap in recorder.gaps if gap.stream is stream]
        at = 0
        for start, end, what in sorted(told, key=lambda item: item[0]):
            assert start == at
            at = end
            if isinstance(what, OutputChunk):
                assert what.data == bytes(byte_at(stream, start + i) for i in range(end - start))
            else:
                assert isinstance(what, Gap)
                assert end <= memory.dropped[stream]
        assert at == memory.size[stream]


@given(st.lists(st.tuples(st.sampled_from(Stream), st.integers(1, 60)), max_size=30), st.integers(1, 50))
def test_a_replay_has_the_order_of_writing(writes: list[tuple[Stream, int]], window: int) -> None:
    memory, recorder = Memory(40), Recorder()
    for stream, count in writes:
        memory.write(stream, count)
    delivery = Delivery(Offsets(), recorder)
    delivery._rounds.size = window
    asyncio.run(deliver(memory, recorder, delivery))
    told = [
        (chunk.stream, at) for chunk in recorder.chunks for at in range(chunk.offset, chunk.offset + len(chunk.data))
    ]
    assert told == [(stream, at) for stream, start, end in memory.order for at in range(start, end)]
    assert all(chunk.time is not None for chunk in recorder.chunks)
