"""One followed run on the client's side: what the server tells of it, in order, within a bound.

The bound is kept by acknowledging what was taken, if the client has asked for a window (see `rpc_client.acks`), else by
not reading: while a run holds more than `SOFT_BYTES` that nobody took, its client stops reading the server's pipe
(back-pressure reaches the command's output in the container, never the command). Since replies come
through the same pipe, reading goes on up to `HARD_BYTES` while a reply is due soon, so that whoever takes the output
may ask something in between. Must not know: frames, processes.
"""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from typing import TYPE_CHECKING, Self

from rpc_server import results

if TYPE_CHECKING:
    from collections.abc import Callable

    from rpc_client.acks import Acknowledgements

Event = results.Output | results.Gap | results.StatusChanged | results.Connection
"""What is told of a run; the last is a `StatusChanged` whose process `is_final`."""

SOFT_BYTES = 1 << 20
"""Of frames that wait here, above which the pipe is not read."""

HARD_BYTES = 64 << 20
"""The same while a reply is due."""

FINAL = frozenset({"stopped", "errored", "unknown"})
"""Values of `status` after which nothing is told any more."""


def is_final(process: results.Process) -> bool:
    """Whether the run is over, or will never be heard of again."""
    return process.status in FINAL


def data_of(output: results.Output) -> bytes:
    """The bytes that a command wrote."""
    return base64.b64decode(output.data) if output.encoding == "base64" else output.data.encode("utf-8")


class Run:
    """An async iterator over the events of one run, which ends after the final one. For one consumer.

    Args:
        process: the run, as it was when following began; None if it has yet to be made (a streamed exec).
        created: whether this request made it.
        taken: called when there is more room.
        acks: tells the server what was taken, if it waits for that.

    Raises (while iterating):
        RequestError: the server is gone.
    """

    def __init__(
        self,
        process: results.Process | None,
        *,
        created: bool = False,
        taken: Callable[[], None] = lambda: None,
        acks: Acknowledgements | None = None,
    ) -> None:
        self.process = process
        self.created = created
        self.offsets: results.Offsets | None = None
        """Where its output begins, if it was attached."""
        self.waiting_bytes = 0
        """Size of the frames whose events nobody took yet."""
        self._taken = taken
        self._acks = acks
        self._last: Event | None = None
        self._events: deque[tuple[Event, int]] = deque()
        self._arrived = asyncio.Event()
        self._over = False
        self._error: Exception | None = None

    @property
    def over(self) -> bool:
        """Whether no more events come; some may still wait."""
        return self._over

    def feed(self, event: Event, size: int) -> None:
        """Take an event whose frame had `size` bytes."""
        if self._over:
            return
        self._events.append((event, size))
        self.waiting_bytes += size
        self._arrived.set()
        if isinstance(event, results.StatusChanged):
            self.process = event.process
            self._over = is_final(event.process)

    def end(self, error: Exception | None = None) -> None:
        """No more events; iterating ends after those that wait, with `error` if there is one."""
        if not self._over:
            self._over, self._error = True, error
            self._arrived.set()
            self._taken()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        self._acknowledge()
        while not self._events:
            if self._error is not None:
                raise self._error
            if self._over:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        event, size = self._events.popleft()
        self.waiting_bytes -= size
        self._taken()
        self._last = event
        return event

    def _acknowledge(self) -> None:
        """Whoever asks for the next event is done with the last one."""
        last, self._last = self._last, None
        if self._acks is not None and not self._over:
            match last:
                case results.Output():
                    self._acks.processed(last.run_id, last.stream, last.offset + len(data_of(last)))
                case results.Gap():
                    self._acks.processed(last.run_id, last.stream, last.to)
