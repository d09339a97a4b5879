"""Watches the client's process, so that no server outlives its client.

The rule: the server exits when the process with that id ends, and at once when there is none (LSP: "if the parent
process is not alive then the server should exit"); a process that may not be watched counts as alive. Linux: a pidfd,
an event and safe against reuse of the id. Windows: a handle, likewise (`os.kill(pid, 0)` would send it a Ctrl-C there).
Elsewhere: a look every half second. It all happens on a daemon thread, so a busy loop delays nothing.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
"""Half of the second within which the server must be gone."""


def watch(pid: int, died: Callable[[], None]) -> None:
    """Call `died` on a thread once there is no process `pid`."""

    def run() -> None:
        _wait_for_end(pid)
        died()

    threading.Thread(target=run, name="parent", daemon=True).start()


def _wait_for_end(pid: int) -> None:
    if sys.platform == "win32":
        _wait_on_windows(pid)
    elif sys.platform == "linux":
        _wait_on_linux(pid)
    else:
        _wait_by_looking(pid)


def _wait_by_looking(pid: int) -> None:
    while _exists(pid):
        time.sleep(_POLL_SECONDS)  # no event tells of the end of a process that is no child


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # someone else's: it exists
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


if sys.platform == "linux":

    def _wait_on_linux(pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except (ProcessLookupError, OverflowError):
            return
        except OSError:  # ENOSYS before Linux 5.3, EPERM from a seccomp filter, EINVAL for a thread's id
            logger.info("no pidfd for the client's process: looking at it instead")
            _wait_by_looking(pid)
            return
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll()
        os.close(descriptor)


if sys.platform == "win32":

    def _wait_on_windows(pid: int) -> None:
        import ctypes  # noqa: PLC0415  # only there

        synchronize, infinite, access_denied = 0x0010_0000, 0xFFFF_FFFF, 5
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.OpenProcess.restype = ctypes.c_void_p
        handle = kernel32.OpenProcess(synchronize, 0, pid)
        if handle:
            kernel32.WaitForSingleObject(ctypes.c_void_p(handle), infinite)
            kernel32.CloseHandle(ctypes.c_void_p(handle))
        elif ctypes.get_last_error() == access_denied:
            logger.warning("the client's process may not be watched: the server exits when stdin ends")
            threading.Event().wait()
