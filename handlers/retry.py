"""Asking again after the way to a container broke: pauses that grow and vary.

A request gives up when it was broken for too long (`Retry`); who follows a run or stops one need not (`back_off`).
"""

from __future__ import annotations

import asyncio
import random
import time

from handlers.errors import ErrorKind, RemoteCommandError

RETRY_SECONDS = 10.0
"""A request that was under way when the connection broke is tried again for this long; then its client is told."""

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0

_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)

_PASSING = frozenset({ErrorKind.UNREACHABLE, ErrorKind.TIMEOUT})


class Retry:
    """The tries of one request. Its time counts from the first failure after a success."""

    def __init__(self) -> None:
        self._failures = 0
        self._deadline = 0.0

    def succeeded(self) -> None:
        """What comes next is a failure of its own."""
        self._failures = 0

    async def pause(self) -> bool:
        """Wait before the next try; False when it is not worth another."""
        now = time.monotonic()
        if self._failures == 0:
            self._deadline = now + RETRY_SECONDS
        longest = min(_FIRST_PAUSE_SECONDS * 2**self._failures, _LONGEST_PAUSE_SECONDS)
        self._failures += 1
        if now >= self._deadline:
            return False
        await asyncio.sleep(min(_jittered(longest), self._deadline - now))
        return True


async def back_off(failures: int) -> None:
    """Pause after the nth failure in a row to reach a container."""
    await asyncio.sleep(_jittered(_BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS)) - 1]))


def _jittered(seconds: float) -> float:
    """Not the same for all: many requests, of many servers, have lost the same connection in the same moment."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311  # no secret


def is_passing(error: RemoteCommandError) -> bool:
    """Whether a failure to reach what was reached before may be over soon."""
    return error.kind in _PASSING
