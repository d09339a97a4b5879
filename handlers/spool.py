"""What a run has written: where its bytes are, and windows of them.

The spool of a stream is a row of segments, files named by the offset of their first byte; where bytes were dropped,
there is a hole between two. Must not know: channels, who reads.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from handlers import explain
from handlers.api import Stream, Window

if TYPE_CHECKING:
    from handlers.agent.codec import Reply, Snapshot

Ask = Callable[..., Awaitable["Reply"]]
"""Asks the agent: an operation and its words."""

WINDOW_BYTES = 1 << 20
"""Most bytes asked for at once, of each stream."""

FILES = {Stream.STDOUT: "o", Stream.STDERR: "e"}


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """A file of a run that holds bytes `start` to `end` (exclusive) of a stream."""

    file: str
    start: int
    end: int


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
        facts = snapshot.stdout if stream is Stream.STDOUT else snapshot.stderr
        parts: list[bytes] = []
        at, end = offset, min(offset + length, facts.size)
        while at < end:
            segment = await self.locate(snapshot, stream, at)
            if segment is None:
                break
            count = min(end, segment.end, at + WINDOW_BYTES) - at
            reply = None
            if segment.start <= at:
                reply = await self._ask("window", snapshot.path, segment.file, at - segment.start, count)
            if reply is None or reply.words[:1] != ("ok",):
                if parts:
                    break
                first = segment.start if segment.start > at else segment.end
                raise explain.expired(snapshot.command_id, stream.value, offset, first)
            parts.append(reply.body)
            at += count
        ended = facts.ended or (stream is Stream.STDERR and snapshot.merged)
        return Window(b"".join(parts), offset, facts.size, await self._first_offset(snapshot, stream), ended)

    async def _first_offset(self, snapshot: Snapshot, stream: Stream) -> int:
        segment = await self.locate(snapshot, stream, 0)
        return 0 if segment is None else segment.start

    async def locate(self, snapshot: Snapshot, stream: Stream, offset: int) -> Segment | None:
        """The segment that holds `offset`, or the next one after it (then bytes are gone); None at the end."""
        facts = snapshot.stdout if stream is Stream.STDOUT else snapshot.stderr
        name = FILES[stream]
        if offset >= facts.segment:
            return Segment(f"{name}.{facts.segment}", facts.segment, facts.size) if offset < facts.size else None
        ended = [facts.last] if facts.last is not None else []
        if facts.last is None or offset < facts.last[0]:
            reply = await self._ask("lines", snapshot.path, f"{name}.s")
            ended = [*read_segments(reply.body), *ended]
        for start, end in sorted(set(ended)):
            if offset < end:
                return Segment(f"{name}.{start}", start, end)
        return Segment(f"{name}.{facts.segment}", facts.segment, facts.size)


def read_segments(body: bytes) -> list[tuple[int, int]]:
    """Read a list of ended segments: start and end in each line."""
    found = []
    for line in body.splitlines():
        words = line.split()
        if len(words) == 2 and all(word.isdigit() and len(word) < 20 for word in words):
            found.append((int(words[0]), int(words[1])))
    return found
