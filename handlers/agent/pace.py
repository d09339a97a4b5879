"""How much to move over a link at once: as much as it carries in about a second. Pure.

So on a slow link other requests wait seconds at most, and the agent's watchdog sees that requests are served.
"""

from __future__ import annotations

SMALLEST_BYTES = 8 * 1024
LARGEST_BYTES = 1 << 20

QUICK_SECONDS = 0.5
"""What took less than this may be twice as large the next time."""

SLOW_SECONDS = 2.0
"""After what took longer than this, half as large."""


class Pace:
    """A size that is learnt.

    Args:
        first_bytes: where it begins.
    """

    def __init__(self, first_bytes: int) -> None:
        self.size = first_bytes

    def learn(self, size: int, seconds: float) -> None:
        """So many bytes took so many seconds."""
        if seconds > SLOW_SECONDS:
            if size > SMALLEST_BYTES:  # a short one may have waited behind another
                self.size = max(min(self.size, size) // 2, SMALLEST_BYTES)
        elif seconds < QUICK_SECONDS and size >= self.size:
            self.size = min(2 * self.size, LARGEST_BYTES)
