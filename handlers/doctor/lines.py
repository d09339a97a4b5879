"""What a probe writes, cut into lines. Pure, sans-I/O.

What comes from a container is not trusted: lines without the nonce are dropped (an image may print a greeting), so are
those that are too long, and all that is beyond a bound. Must not know: what a line means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 256 * 1024
"""Of all that a probe may say; a usual one says 2 KiB."""

MAX_LINE_BYTES = 4096 + 64
"""A line holds at most one path."""


class LineReader:
    """Cuts what comes from a probe into facts: the words after the nonce, as (key, rest)."""

    def __init__(self, nonce: str) -> None:
        self._prefix = nonce.encode("ascii") + b" "
        self._rest = b""
        self._room = MAX_BYTES
        self._is_skipping = False

    @property
    def is_full(self) -> bool:
        """Whether so much came that nothing more is read."""
        return self._room <= 0

    def feed(self, data: bytes) -> Iterator[tuple[str, str]]:
        """Take bytes; what is beyond `MAX_BYTES` in all is dropped."""
        data = data[: max(self._room, 0)]
        self._room -= len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            is_skipped, self._is_skipping = self._is_skipping, False
            if not is_skipped and len(line) <= MAX_LINE_BYTES and line.startswith(self._prefix):
                key, _, rest = line[len(self._prefix) :].decode("utf-8", "replace").partition(" ")
                yield key, rest
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest, self._is_skipping = b"", True
