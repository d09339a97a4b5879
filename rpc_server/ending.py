"""Why the server ends, and the promise that it does so within a second.

Whoever learns that the end has come (a reader at the end of stdin, a signal, the watch on the client's process) tells
the `Deadline`; if the orderly way out takes too long, because a thread or the loop is stuck, the process is ended by
force. Commands are not touched by either way. Must not know: the server.
"""

from __future__ import annotations

import enum
import os
import queue
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FORCE_AFTER_SECONDS = 0.85
"""The contract says 1 s; the rest is for the kernel to take the process down."""


class Ending(enum.Enum):
    """Why the server ends: (text, exit code, whether requests in flight may still finish)."""

    EXIT = ("exit after shutdown", 0, True)
    """As LSP wants it."""
    EXIT_WITHOUT_SHUTDOWN = ("exit without shutdown", 1, True)
    """As LSP wants it."""
    STDIN = ("stdin ended", 0, True)
    """A script has said all it had to say, or the client is gone: no error in either case."""
    PARENT = ("the client's process is gone", 0, False)
    """Nobody is left to answer."""
    SIGNAL = ("a signal", 0, False)
    """Someone wants it gone now; an orderly end is a success."""
    STDOUT = ("the client closed stdout", 1, False)
    """Replies were lost."""

    @property
    def text(self) -> str:
        """For the log."""
        return self.value[0]

    @property
    def code(self) -> int:
        """Exit code of the process."""
        return self.value[1]

    @property
    def patient(self) -> bool:
        """Whether requests in flight may still finish."""
        return self.value[2]


class Deadline:
    """Ends the process by force if it is still there some time after `arm`.

    Args:
        seconds: how long after.
        leave: ends the process; `os._exit` runs no exit handlers, which might be what is stuck.
    """

    def __init__(self, seconds: float = FORCE_AFTER_SECONDS, leave: Callable[[int], None] = os._exit) -> None:
        self._seconds = seconds
        self._leave = leave
        # SimpleQueue.put is reentrant, so arm() may be called in a signal handler; starting a thread there may not.
        self._armed: queue.SimpleQueue[int] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="deadline", daemon=True).start()

    def arm(self, code: int) -> None:
        """Start the clock; the first call counts. Any thread and any signal handler may call it."""
        self._armed.put(code)

    def _run(self) -> None:
        code = self._armed.get()
        time.sleep(self._seconds)  # on a thread of its own: the one thing here that nothing can hold up
        self._leave(code)
