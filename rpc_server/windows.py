"""How far ahead of a client's acknowledgements a stream may be: the arithmetic of flow control. Pure, sans-I/O.

Offsets are those of the stream. What was told as a gap takes no room: nobody has to process it.
"""

from __future__ import annotations

import collections


class Window:
    """One stream of one followed run.

    Args:
        size: most bytes that are sent and not acknowledged.
        start: offset of the first byte or gap that is told.
    """

    def __init__(self, size: int, start: int) -> None:
        self._size = size
        self._acknowledged = start
        self._sent = start
        self._gaps: collections.deque[tuple[int, int]] = collections.deque()

    @property
    def ahead(self) -> int:
        """Bytes that are sent and not acknowledged."""
        return self._sent - self._acknowledged - sum(end - start for start, end in self._gaps)

    def has_room(self, end: int) -> bool:
        """Whether what comes next, up to `end`, may be sent now."""
        return self.ahead + end - self._sent <= self._size

    def send(self, end: int) -> None:
        """Bytes up to `end` are sent."""
        self._sent = max(self._sent, end)

    def skip(self, end: int) -> None:
        """Bytes up to `end` are gone, as the client was told."""
        if end > self._sent:
            self._gaps.append((self._sent, end))
            self._sent = end
            self._settle()

    def acknowledge(self, offset: int) -> None:
        """Everything below `offset` is processed. What is not between the last one and what was sent says nothing."""
        if self._acknowledged < offset <= self._sent:
            self._acknowledged = offset
            self._settle()

    def _settle(self) -> None:
        """Nobody acknowledges what is gone: pass over it."""
        while self._gaps and self._gaps[0][0] <= self._acknowledged:
            self._acknowledged = max(self._acknowledged, self._gaps.popleft()[1])
