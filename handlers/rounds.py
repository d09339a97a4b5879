"""How much is read for a client at once: little at first, more while it keeps up, less when it does not. Pure.

What was read waits here until the client has taken it. So a run that nobody takes costs two of the smallest rounds, one
of each stream, whatever it has written; with a mebibyte at once it would cost two of those.
"""

from __future__ import annotations

from handlers.output import READ_BYTES

LEAST_BYTES = READ_BYTES
"""Where it begins: the most that a pump reads at once."""

QUICK_SECONDS = 0.1
"""A full round that was taken within this is followed by one of twice the size."""

SLOW_SECONDS = 0.5
"""After a round that took longer than this the next has half the size."""


class Rounds:
    """Sizes of the rounds for one follower.

    Args:
        most_bytes: what is never exceeded.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self.size = LEAST_BYTES
        """Most bytes of each stream to read now."""

    def taken(self, size: int, seconds: float) -> None:
        """A round with `size` bytes of the longer stream was taken within so many seconds."""
        if seconds > SLOW_SECONDS:
            self.size = max(LEAST_BYTES, self.size // 2)
        elif size >= self.size and seconds < QUICK_SECONDS:
            self.size = min(self._most, self.size * 2)
