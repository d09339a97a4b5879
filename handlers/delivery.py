"""Delivering what one run has written: rounds of windows, put in order, cut between characters, told to a listener.

A round asks for bytes only when the listener has taken those of the round before, so nothing piles up here. It holds a
prefix of what is left in the order of the journal, so order holds across rounds, however far one stream is ahead.
Must not know: how the bytes are reached, when there are new ones.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from handlers.api import Gap, Offsets, OutputChunk, Stream
from handlers.lifecycle import wall_time
from handlers.output import READ_BYTES, CharacterCutter, Journal, Slice, rest
from handlers.rounds import Rounds
from handlers.spool import WINDOW_BYTES, facts_of

if TYPE_CHECKING:
    from handlers.agent.codec import Snapshot
    from handlers.api import GapReason, Listener
    from handlers.spool import Segment, Spool


class Delivery:
    """Where a listener is in the output of a run.

    Args:
        offsets: of the first bytes to deliver.
        listener: who is told.
    """

    def __init__(self, offsets: Offsets, listener: Listener) -> None:
        self._listener = listener
        self._at = {Stream.STDOUT: offsets.stdout, Stream.STDERR: offsets.stderr}
        self._cutters = {stream: CharacterCutter(at) for stream, at in self._at.items()}
        self._journal = Journal()
        self._rounds = Rounds(WINDOW_BYTES)

    @property
    def offsets(self) -> Offsets:
        """Where it is."""
        return Offsets(self._at[Stream.STDOUT], self._at[Stream.STDERR])

    async def round(self, spool: Spool, facts: Snapshot, *, most_bytes: int, is_news: bool) -> bool:
        """Deliver some of what the facts promise; False when there is nothing.

        Args:
            spool: where the bytes are.
            facts: of the run.
            most_bytes: of each stream, that the way to the container carries in a short time.
            is_news: the facts came just now, and all before them was delivered: so their time is that of the bytes.
        """
        limit = dict(self._at)
        segments: dict[Stream, Segment] = {}
        for stream in Stream:
            if self._at[stream] < facts_of(facts, stream).size:
                segment = await spool.locate(facts, stream, self._at[stream])
                segments[stream] = segment
                if segment.start <= self._at[stream]:
                    limit[stream] = min(segment.end, self._at[stream] + min(self._rounds.size, most_bytes))
        if not segments:
            return False
        slices = await self._plan(spool, facts, limit, is_news=is_news)
        if slices:
            await self._deliver(spool, facts, slices)
        else:
            stream = next(stream for stream in segments if limit[stream] == self._at[stream])
            await self._tell_gap(facts, stream, segments[stream].start, segments[stream].missing)
        return True

    async def _plan(self, spool: Spool, facts: Snapshot, limit: dict[Stream, int], *, is_news: bool) -> list[Slice]:
        """Which bytes come next; reads the journal as far as needed, unless order and time are plain without it.

        They are when the news is of no more of one stream than a pump reads at once.
        """
        size = {stream: facts_of(facts, stream).size for stream in Stream}
        pending = [stream for stream in Stream if size[stream] > self._at[stream]]
        if is_news and len(pending) == 1 and size[pending[0]] - self._at[pending[0]] <= READ_BYTES:
            stream = pending[0]
            if limit[stream] == size[stream]:
                return [Slice(stream, self._at[stream], limit[stream], facts_of(facts, stream).at)]
        while True:
            slices, is_all = self._journal.plan(self._at, limit, size)
            if is_all:
                return slices
            if not await spool.read_on(facts, self._journal):
                return slices + rest(slices, self._at, limit)
            self._journal.drop_before(self._at)

    async def _deliver(self, spool: Spool, facts: Snapshot, slices: list[Slice]) -> None:
        windows: dict[Stream, tuple[int, bytes]] = {}
        for stream in Stream:
            ends = [piece.end for piece in slices if piece.stream is stream]
            if not ends:
                continue
            at = self._at[stream]
            data, segment = await spool.piece(facts, stream, at, max(ends) - at)
            if data is None:  # dropped just now; what else the round would have told comes in the next one
                until = segment.start if segment.start > at else segment.end
                await self._tell_gap(facts, stream, until, segment.missing)
                return
            windows[stream] = (at, data)
        begun = time.monotonic()
        for piece in slices:
            start, data = windows[piece.stream]
            if piece.end - start > len(data):
                break  # the rest is in another segment by now
            await self._tell(facts, piece, data[piece.start - start : piece.end - start])
        self._journal.drop_before(self._at)
        self._rounds.taken(max(len(data) for _, data in windows.values()), time.monotonic() - begun)

    async def _tell(self, facts: Snapshot, piece: Slice, data: bytes) -> None:
        self._at[piece.stream] = piece.start + len(data)
        for offset, cut in self._cutters[piece.stream].feed(data):
            await self._listener.output(_chunk(facts, piece.stream, offset, cut, piece.at))

    async def _tell_gap(self, facts: Snapshot, stream: Stream, until: int, reason: GapReason) -> None:
        for offset, data in self._cutters[stream].skip_to(until):
            await self._listener.output(_chunk(facts, stream, offset, data, None))
        start, self._at[stream] = self._at[stream], until
        await self._listener.gap(Gap(facts.run_id, facts.command_id, stream, start, until, reason))

    async def finish(self, facts: Snapshot) -> None:
        """Nothing follows: tell what was held back as the beginning of a character."""
        for stream in Stream:
            for offset, data in self._cutters[stream].feed(b"", final=True):
                await self._listener.output(_chunk(facts, stream, offset, data, None))


def _chunk(facts: Snapshot, stream: Stream, offset: int, data: bytes, at: float | None) -> OutputChunk:
    time_ms = None if at is None else wall_time(facts, at)
    return OutputChunk(facts.run_id, facts.command_id, stream, offset, data, time_ms)
