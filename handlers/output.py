"""From windows of bytes to chunks for a client: order across streams, and cuts at character boundaries. Pure, sans-I/O.

The journal says what the pumps read, when and in which order; `plan` turns it into slices. `CharacterCutter` holds
back the beginning of a character until the rest is there, so that a client may decode every chunk on its own.
"""

from __future__ import annotations

import collections
import dataclasses
from typing import TYPE_CHECKING

from handlers.api import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CHUNK_BYTES = 32 * 1024
"""Largest piece in one notification."""

_STREAMS = {b"o": Stream.STDOUT, b"e": Stream.STDERR}


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """Bytes `start` to `end` (exclusive) of a stream, read by its pump at uptime `at` (None where not recorded)."""

    stream: Stream
    start: int
    end: int
    at: float | None


class Journal:
    """What the pumps wrote down, from a given byte of the journal on; feed its bytes in order, cut anywhere."""

    def __init__(self) -> None:
        self.offset = 0
        """Bytes of the journal that were fed."""
        self._rest = b""
        self._entries: collections.deque[tuple[float, Stream, int]] = collections.deque()

    def feed(self, data: bytes) -> None:
        """Take the next bytes; lines that can't be read are passed over (the container is not trusted)."""
        self.offset += len(data)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[:257]
        for line in lines:
            words = line.split()
            if len(line) > 256 or len(words) != 3 or words[1] not in _STREAMS:
                continue
            try:
                time, size = float(words[0]), int(words[2])
            except ValueError:
                continue
            if 0 <= time < 1e10:
                self._entries.append((time, _STREAMS[words[1]], size))

    def drop_before(self, position: dict[Stream, int]) -> None:
        """Forget entries for bytes that were delivered already."""
        while self._entries and self._entries[0][2] <= position[self._entries[0][1]]:
            self._entries.popleft()

    def covers(self, stream: Stream, end: int) -> bool:
        """Whether there is an entry for the bytes up to `end`."""
        return any(entry[1] is stream and entry[2] >= end for entry in self._entries)

    def plan(self, position: dict[Stream, int], until: dict[Stream, int]) -> Iterator[Slice]:
        """Slices from `position` to `until` in the order of reading; what has no entry comes last, without a time."""
        at = dict(position)
        for time, stream, size in self._entries:
            end = min(size, until[stream])
            if end > at[stream]:
                yield Slice(stream, at[stream], end, time)
                at[stream] = end
        for stream in Stream:
            if until[stream] > at[stream]:
                yield Slice(stream, at[stream], until[stream], None)


def incomplete_tail(data: bytes) -> int:
    """Length of the beginning of a UTF-8 character at the end of `data` (0 to 3); 0 when it can't become one."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return 0
        if byte >= 0xC0:
            try:
                data[-back:].decode()
            except UnicodeDecodeError as error:
                return back if error.reason == "unexpected end of data" else 0
            return 0
    return 0


class CharacterCutter:
    """Cuts one stream into chunks of at most `MAX_CHUNK_BYTES`, between characters."""

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self._held = b""

    @property
    def offset(self) -> int:
        """Offset of the next byte that was not given out."""
        return self._offset

    def skip_to(self, offset: int) -> Iterator[tuple[int, bytes]]:
        """Bytes up to `offset` are gone; what is held goes out as it is."""
        if self._held:
            yield self._offset, self._held
            self._held = b""
        self._offset = offset

    def feed(self, data: bytes, *, final: bool = False) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, bytes); with `final` nothing is held back."""
        data = self._held + data
        self._held = b""
        start = 0
        while start < len(data):
            piece = data[start : start + MAX_CHUNK_BYTES]
            last = start + len(piece) == len(data)
            if not (last and final):
                tail = incomplete_tail(piece)
                if last:
                    self._held = piece[len(piece) - tail :] if tail else b""
                piece = piece[: len(piece) - tail] if tail else piece
                if not piece:
                    return
            yield self._offset, piece
            self._offset += len(piece)
            start += len(piece)
            if last:
                return
