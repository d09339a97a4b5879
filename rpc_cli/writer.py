"""Writes a command's bytes to stdout and stderr without holding up the event loop.

A pipe whose reader is slow, or a terminal that was stopped with Ctrl-S, blocks a write, and a blocked loop would not
see Ctrl-C. So a daemon thread writes; whoever calls waits for it, and takes no more output meanwhile (back-pressure).
Must not know: what the bytes are.
"""

from __future__ import annotations

import asyncio
import queue
import threading

from rpc_server import descriptors


class ReaderGoneError(Exception):
    """Who read our output went away. No OSError, for click takes one of those for itself."""


class Writer:
    """One thread, started with the first write. At most one write waits for each caller."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[int, bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        self._started = False

    async def write(self, descriptor: int, data: bytes) -> None:
        """Write all of it. Raises OSError, and ReaderGoneError."""
        if not self._started:
            threading.Thread(target=self._run, name="writer", daemon=True).start()
            self._started = True
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._jobs.put((descriptor, data, done))
        await done

    def _run(self) -> None:
        while True:
            descriptor, data, done = self._jobs.get()
            problem: Exception | None = None
            try:
                write_all(descriptor, data)
            except (OSError, ReaderGoneError) as error:
                problem = error
            try:
                done.get_loop().call_soon_threadsafe(_settle, done, problem)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, blocking. Raises as `Writer.write`."""
    try:
        descriptors.write_all(descriptor, data)
    except BrokenPipeError:
        raise ReaderGoneError from None


def _settle(done: asyncio.Future[None], problem: Exception | None) -> None:
    if done.done():  # who waited was cancelled
        return
    if problem is None:
        done.set_result(None)
    else:
        done.set_exception(problem)
