"""Signals to this process, as calls on the event loop.

asyncio's own handlers do not exist on Windows, and its way with Ctrl-C is to cancel everything; a command that runs
elsewhere needs to be told first. A signal that was ignored when we started (nohup, a job of a script) stays ignored.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

STOP = ("SIGINT", "SIGTERM", "SIGBREAK")
"""The user, or whoever runs us, wants an end."""

LEAVE = ("SIGHUP", "SIGQUIT")
"""The terminal is gone, or Ctrl-\\: go, and leave the command running."""


@contextlib.contextmanager
def handled(stop: Callable[[int], None], leave: Callable[[int], None]) -> Iterator[None]:
    """Call `stop` or `leave`, with the number of the signal, while the block runs."""
    loop = asyncio.get_running_loop()
    previous = {}
    for names, act in ((STOP, stop), (LEAVE, leave)):
        for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous[number] = signal.signal(number, _handler(loop, act))
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _handler(loop: asyncio.AbstractEventLoop, act: Callable[[int], None]) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, _: FrameType | None) -> None:
        loop.call_soon_threadsafe(act, number)

    return handle
