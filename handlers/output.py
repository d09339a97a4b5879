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

READ_BYTES = 65536
"""Most that a pump reads at once, so what an entry of the journal can be about."""

_STREAMS = {b"o": Stream.STDOUT, b"e": Stream.STDERR}

_MARKS = {b"O": Stream.STDOUT, b"E": Stream.STDERR}
"""How far a stream was when a file of the journal was begun."""


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """Bytes `start` to `end` (exclusive) of a stream, read by its pump at uptime `at` (None where not recorded)."""

    stream: Stream
    start: int
    end: int
    at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A stream had `size` bytes at uptime `at`; with `is_mark` it had them before, too."""

    at: float
    stream: Stream
    size: int
    is_mark: bool


class Journal:
    """What the pumps wrote down; feed the bytes of its files in order, cut anywhere."""

    def __init__(self) -> None:
        self.file = 0
        """Which file is fed now."""
        self.offset = 0
        """Bytes of that file that were fed."""
        self._rest = b""
        self._entries: collections.deque[Entry] = collections.deque()

    def turn_to(self, file: int) -> None:
        """Go on at the beginning of another file."""
        self.file, self.offset, self._rest = file, 0, b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes; lines that can't be read are passed over (the container is not trusted)."""
        self.offset += len(data)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[:257]
        self._entries.extend(entry for line in lines if (entry := _read_entry(line)) is not None)

    def drop_before(self, position: dict[Stream, int]) -> None:
        """Forget entries for bytes that were delivered already."""
        while self._entries and self._entries[0].size <= position[self._entries[0].stream]:
            self._entries.popleft()

    def take_before(self, at: float) -> tuple[dict[Stream, int], bool]:
        """Forget entries of what was read before `at`: how far streams were by them, and whether no more can follow."""
        sizes: dict[Stream, int] = {}
        while self._entries and self._entries[0].at < at:
            entry = self._entries.popleft()
            sizes[entry.stream] = entry.size
        return sizes, bool(self._entries)

    def plan(
        self, position: dict[Stream, int], limit: dict[Stream, int], size: dict[Stream, int]
    ) -> tuple[list[Slice], bool]:
        """What to deliver next, in the order of reading.

        Args:
            position: where each stream is.
            limit: how far each can be delivered now.
            size: how far each was read; where that is beyond its limit, it goes on there later, and so does whatever
                was read after that.

        Returns:
            Slices, and whether they are all: if not, more of the journal is needed. Once there is no more of it, what
            is left up to the limits comes last (see `rest`).
        """
        at, slices = dict(position), []
        for entry in self._entries:
            stream = entry.stream
            end = min(entry.size, limit[stream])
            known = min(max(at[stream], entry.size - READ_BYTES), end)
            if known > at[stream]:  # of these the entry was forgotten
                slices.append(Slice(stream, at[stream], known, None))
            if end > known:
                slices.append(Slice(stream, known, end, None if entry.is_mark else entry.at))
            at[stream] = max(at[stream], end)
            if entry.size > limit[stream] and limit[stream] < size[stream]:
                return slices, True
        return slices, all(at[stream] >= limit[stream] for stream in Stream)


def rest(slices: list[Slice], position: dict[Stream, int], limit: dict[Stream, int]) -> list[Slice]:
    """What a plan leaves of the bytes up to the limits: of those there is no entry."""
    at = position | {piece.stream: piece.end for piece in slices}
    return [Slice(stream, at[stream], limit[stream], None) for stream in Stream if limit[stream] > at[stream]]


def _read_entry(line: bytes) -> Entry | None:
    words = line.split()
    if len(line) > 256 or len(words) != 3:
        return None
    stream = _STREAMS.get(words[1]) or _MARKS.get(words[1])
    try:
        time, size = float(words[0]), int(words[2])
    except ValueError:
        return None
    if stream is None or not 0 <= time < 1e10:
        return None
    return Entry(time, stream, size, is_mark=words[1] in _MARKS)


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
