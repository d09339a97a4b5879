"""Takes stdin and stdout away from everybody else, and reads stdin on a thread.

Nothing but frames may reach the client, so the real stdout is moved to a private descriptor and descriptor 1 becomes
stderr, before any third party is imported; children of ours inherit neither of the two. Reading happens on a daemon
thread with plain `os.read`: it works for pipes, sockets, files and terminals on every platform, holds no lock that the
interpreter's exit would wait for, and takes the next bytes only when the last ones were dealt with.
Must not know: messages, pygls.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK_BYTES = 65_536
"""What a Linux pipe holds: the most that one read can give."""

_HANG_UP_CHECK_SECONDS = 0.25
"""How often a reader that must wait looks whether the client is gone; it only waits when the client does not read."""


@dataclasses.dataclass(frozen=True)
class Stdio:
    """Private descriptors of the real stdin and stdout."""

    stdin: int
    stdout: int


def take_over() -> Stdio:
    """Move stdin and stdout to private descriptors; 0 becomes the null device, 1 becomes stderr.

    A closed stdin reads as ended. Raises OSError when stdout is closed: there is no one to answer.
    """
    null = os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:  # started with 2>&-
        os.dup2(null, 2)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace")
    if sys.stdout is None:
        raise OSError("stdout is closed: replies have nowhere to go; start the server with a pipe as stdout")
    sys.stdout.flush()
    stdio = Stdio(stdin=os.dup(null if sys.stdin is None else 0), stdout=os.dup(1))
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415  # only there

        for descriptor in (stdio.stdin, stdio.stdout):
            msvcrt.setmode(descriptor, os.O_BINARY)
    return stdio


class StdinReader:
    """Reads a descriptor on a daemon thread; `resume` asks for the next chunk.

    Args:
        descriptor: where to read.
        received: called on the thread with each chunk.
        ended: called on the thread, once, when there is no more or the client is gone.
    """

    def __init__(self, descriptor: int, received: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._received = received
        self._ended = ended
        self._wanted = threading.Semaphore(0)

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._run, name="stdin", daemon=True).start()

    def resume(self) -> None:
        """Ask for one more chunk; call it once per chunk received."""
        self._wanted.release()

    def _run(self) -> None:
        while chunk := self._read():
            self._received(chunk)
            while not self._wanted.acquire(timeout=_HANG_UP_CHECK_SECONDS):
                if self._hung_up():
                    self._ended()
                    return
        self._ended()

    def _read(self) -> bytes:
        while True:
            try:
                return os.read(self._descriptor, CHUNK_BYTES)
            except BlockingIOError:
                select.select([self._descriptor], [], [])
            except OSError:  # EIO: the terminal hung up
                return b""

    def _hung_up(self) -> bool:
        """Whether every writer is gone, although bytes are left to read; not known on Windows."""
        poll = getattr(select, "poll", None)
        if poll is None:
            return False
        watcher = poll()
        with contextlib.suppress(OSError):
            watcher.register(self._descriptor, 0)
            return bool(watcher.poll(0))
        return False
