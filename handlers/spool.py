"""What a run has written: where its bytes are, windows of them, and the journal of when they came.

The spool of a stream is a row of segments, files named by the offset of their first byte. Where there was no room for
bytes there is a hole between two; the oldest go when a limit is reached. Must not know: channels, who reads.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from handlers import explain
from handlers.api import GapReason, Offsets, Stream, Window
from handlers.output import Journal

if TYPE_CHECKING:
    from handlers.agent.codec import Reply, Snapshot, StreamFacts

Ask = Callable[..., Awaitable["Reply"]]
"""Asks the agent: an operation and its words."""

WINDOW_BYTES = 1 << 20
"""Most bytes asked for at once, of each stream."""

JOURNAL_BYTES = 256 * 1024
"""Read of the journal at once."""

JOURNAL_FILES = 4
"""How many files of the journal are kept."""

FILES = {Stream.STDOUT: "o", Stream.STDERR: "e"}


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """A file of a run that holds bytes `start` to `end` (exclusive) of a stream.

    Attributes:
        missing: why bytes right before it are gone, if some are.
    """

    file: str
    start: int
    end: int
    missing: GapReason = GapReason.SPOOL_LIMIT


class Spool:
    """The output of runs at one place.

    Args:
        ask: asks the agent of the place.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def read(self, snapshot: Snapshot, stream: Stream, offset: int, length: int) -> Window:
        """At most `length` bytes of a stream from `offset` on, as far as they are there in one piece.

        Raises:
            RemoteCommandError: the byte at `offset` is gone (offsetExpired).
        """
        facts = facts_of(snapshot, stream)
        parts: list[bytes] = []
        at, end = offset, min(offset + length, facts.size)
        while at < end:
            data, segment = await self.piece(snapshot, stream, at, end - at)
            if data is None:
                if parts:
                    break
                first = segment.start if segment.start > at else segment.end
                raise explain.expired(snapshot.command_id, stream.value, offset, first)
            parts.append(data)
            at += len(data)
        ended = facts.ended or (stream is Stream.STDERR and snapshot.merged)
        return Window(b"".join(parts), offset, facts.size, await self.first_offset(snapshot, stream), ended)

    async def piece(self, snapshot: Snapshot, stream: Stream, at: int, length: int) -> tuple[bytes | None, Segment]:
        """Bytes at `at`, at most `length`; None if they are gone, with the segment where the stream goes on.

        (Where that begins at or before `at`, it can't be read, and the stream goes on at its end.)
        """
        segment = await self.locate(snapshot, stream, at)
        for _ in range(2):
            if segment.start > at:
                return None, segment
            count = min(at + length, segment.end, at + WINDOW_BYTES) - at
            reply = await self._ask("window", snapshot.path, segment.file, at - segment.start, count)
            if reply.words[:1] == ("ok",) and len(reply.body) == count:
                return reply.body, segment
            segment = await self.locate(snapshot, stream, at, is_sure=True)  # it was dropped just now
        return None, segment

    async def first_offset(self, snapshot: Snapshot, stream: Stream) -> int:
        """Offset of the oldest byte that is there (or was not written yet)."""
        if facts_of(snapshot, stream).size == 0:
            return 0
        return (await self.locate(snapshot, stream, 0)).start

    async def locate(self, snapshot: Snapshot, stream: Stream, offset: int, *, is_sure: bool = False) -> Segment:
        """The segment that holds `offset`, or the next one after it: then bytes are gone.

        Args:
            snapshot: of the run.
            stream: which.
            offset: less than the stream's size.
            is_sure: what the snapshot says of ended segments is not enough: look which are still there.
        """
        facts, name = facts_of(snapshot, stream), FILES[stream]
        if offset >= facts.segment:
            return Segment(f"{name}.{facts.segment}", facts.segment, facts.size)
        if facts.last is not None and offset >= facts.last[0] and not is_sure:
            ended = [facts.last]
        else:
            ended = sorted(read_segments((await self._ask("segments", snapshot.path, name)).body))
        missing = GapReason.SPOOL_LIMIT
        for start, end in ended:
            if offset < end:
                return Segment(f"{name}.{start}", start, end, missing)
            missing = GapReason.STORAGE_FULL  # what is older is there, so these were never written
        return Segment(f"{name}.{facts.segment}", facts.segment, facts.size, missing)

    async def read_on(self, snapshot: Snapshot, journal: Journal) -> bool:
        """Feed a journal with what comes next; False at its end."""
        reply = await self._ask("journal", snapshot.path, journal.file, journal.offset, JOURNAL_BYTES)
        newest = reply.words[1] if len(reply.words) > 1 else ""
        if reply.body:
            journal.feed(reply.body)
        elif newest.isdecimal() and len(newest) < 10 and int(newest) > journal.file:
            journal.turn_to(max(journal.file + 1, int(newest) - JOURNAL_FILES + 1))
        else:
            return False
        return True

    async def since(self, snapshot: Snapshot, at: float) -> Offsets:
        """Where the streams were at uptime `at`: all that was read later is behind that."""
        journal, sizes = Journal(), dict.fromkeys(Stream, 0)
        while True:
            found, is_all = journal.take_before(at)
            sizes |= found
            if is_all or not await self.read_on(snapshot, journal):
                return Offsets(sizes[Stream.STDOUT], sizes[Stream.STDERR])


def facts_of(snapshot: Snapshot, stream: Stream) -> StreamFacts:
    """What the pump of a stream has written down."""
    return snapshot.stdout if stream is Stream.STDOUT else snapshot.stderr


def read_segments(body: bytes) -> list[tuple[int, int]]:
    """Read a list of ended segments: start and end in each line."""
    found = []
    for line in body.splitlines():
        words = line.split()
        if len(words) == 2 and all(word.isdigit() and len(word) < 20 for word in words):
            found.append((int(words[0]), int(words[1])))
    return found
