"""Waiting for a container that does not run yet: it is looked at again until it does, or the time is over.

Looked at, and not watched: `watch` is a right of its own that many users lack, and its stream breaks, too. Containers
start in seconds, so a look a second finds them soon enough.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from handlers.api import NO_WAIT
from handlers.errors import ErrorKind, RemoteCommandError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from handlers.api import ResolvedTarget, Wait

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0

_STARTING = frozenset({ErrorKind.TARGET_NOT_RUNNING, ErrorKind.TARGET_NOT_FOUND})
"""Kinds that pass by themselves, if they are retryable; what was not found is so only if it is on its way."""


async def until_running(
    find: Callable[[], Awaitable[ResolvedTarget]], wait: Wait = NO_WAIT, clock: Callable[[], float] = time.monotonic
) -> ResolvedTarget:
    """The container, once it runs.

    Args:
        find: finds it.
        wait: for how long, and who is told what it waits for.
        clock: in seconds.

    Raises:
        RemoteCommandError: why it can't be used, or still can't when the time is over.
    """
    end = clock() + wait.seconds
    pause, told = _FIRST_PAUSE_SECONDS, ""
    while True:
        try:
            return await find()
        except RemoteCommandError as error:
            if error.kind not in _STARTING or not error.retryable or wait.seconds <= 0:
                raise
            if (left := end - clock()) <= 0:
                raise _over(error, wait.seconds) from None
            message = error.message
        if wait.tell is not None and message != told:
            await wait.tell(message)
            told = message
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _over(error: RemoteCommandError, seconds: float) -> RemoteCommandError:
    """It was waited for in vain."""
    return RemoteCommandError(
        ErrorKind.TARGET_NOT_RUNNING,
        f"{error.message} It was waited for {seconds:g} s.",
        retryable=True,
        remedy=error.remedy,
    )
