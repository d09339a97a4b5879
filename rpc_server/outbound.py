"""The queue of frames on their way to the client, and the thread that writes them.

A client that stops reading must never block the event loop: the loop only appends here, a daemon thread writes. Two
marks bound what waits, as in websockets' Assembler: above the high one `drain` waits until the low one is reached.
Replies are appended without waiting (their number is bounded by the requests that were read), whatever is pushed waits.
Once the client is gone frames are dropped. Must not know: JSON, pygls, descriptors (the sink is passed in).
"""

from __future__ import annotations

import asyncio
import collections
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HIGH_BYTES = 1 << 20
"""Pushed output waits above this: enough for a pipe to stay full while a chunk is converted."""

LOW_BYTES = 256 << 10
"""Waiting ends at this: far enough below that the loop is not woken for each frame."""

_BATCH_BYTES = 256 << 10
"""Frames written in one go: fewer system calls and wake-ups for small ones."""


class Outbound:
    """Frames in order, written by a thread of its own. All methods are for the event loop's thread.

    Args:
        sink: writes all of some bytes and may block; raises OSError (ValueError once closed) when the client is gone.
        on_broken: called on the loop, once, when the sink failed.
        on_written: called on the loop after each batch.
        high: bytes above which `drain` waits.
        low: bytes at or below which it goes on.
    """

    def __init__(
        self,
        sink: Callable[[bytes], None],
        *,
        on_broken: Callable[[], None] = lambda: None,
        on_written: Callable[[], None] = lambda: None,
        high: int = HIGH_BYTES,
        low: int = LOW_BYTES,
    ) -> None:
        self._sink = sink
        self._on_broken = on_broken
        self._on_written = on_written
        self._high = high
        self._low = low
        self._frames: collections.deque[bytes] = collections.deque()
        self._filled = threading.Condition()
        self._waiting = 0
        self._broken = False
        self._room = asyncio.Event()
        self._room.set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def waiting(self) -> int:
        """Bytes appended and not written yet."""
        return self._waiting

    @property
    def full(self) -> bool:
        """Whether pushed frames have to wait now."""
        return not self._room.is_set()

    def start(self) -> None:
        """Begin to write; call it on the loop."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="stdout", daemon=True).start()

    def write(self, data: bytes) -> None:
        """Append one frame; never waits. The name is the one pygls calls."""
        if self._broken:
            return
        self._waiting += len(data)
        self._empty.clear()
        if self._waiting > self._high:
            self._room.clear()
        with self._filled:
            self._frames.append(data)
            self._filled.notify()

    async def drain(self) -> None:
        """Wait for room; returns at once when there is some or when the client is gone."""
        while self.full:
            await self._room.wait()

    async def flushed(self) -> None:
        """Wait until every frame is written or the client is gone."""
        await self._empty.wait()

    def close(self) -> None:
        """Drop what was not written and let everybody go who waits; the thread ends with its present write."""
        self._release()
        with self._filled:
            self._frames.clear()
            self._filled.notify()

    def _release(self) -> None:
        self._broken = True
        self._waiting = 0
        self._room.set()
        self._empty.set()

    def _written(self, size: int) -> None:
        if self._broken:
            return
        self._waiting -= size
        if self._waiting <= self._low:
            self._room.set()
        if not self._waiting:
            self._empty.set()
        self._on_written()

    def _failed(self) -> None:
        if not self._broken:
            self.close()
            self._on_broken()

    def _run(self) -> None:
        while batch := self._take():
            try:
                self._sink(batch)
            except (OSError, ValueError):
                self._report(self._failed)
                return
            self._report(self._written, len(batch))

    def _take(self) -> bytes:
        """The next frames as one piece; empty once closed."""
        with self._filled:
            while not self._frames:
                if self._broken:
                    return b""
                self._filled.wait()
            batch = [self._frames.popleft()]
            size = len(batch[0])
            while self._frames and size + len(self._frames[0]) <= _BATCH_BYTES:
                size += len(self._frames[0])
                batch.append(self._frames.popleft())
        return batch[0] if len(batch) == 1 else b"".join(batch)

    def _report(self, what: Callable[..., None], *args: int) -> None:
        assert self._loop is not None, "start() comes first"  # noqa: S101  # for mypy: only start() runs the thread
        try:
            self._loop.call_soon_threadsafe(what, *args)
        except RuntimeError:  # the loop is closed: nobody is left to hear it
            return
