"""Who may send now: keeps each followed run within the window that its client asked for.

A follower waits here for itself alone, before it has anything of a run on its way: so a run whose client is slow holds
up neither other runs nor replies, and to stop following it ends the waiting. Must not know: notifications, how an
acknowledgement travels.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rpc_server.windows import Window

if TYPE_CHECKING:
    from handlers.api import Stream


class _Paced:
    """One followed run."""

    def __init__(self) -> None:
        self.windows: dict[str, Window] = {}
        self.moved = asyncio.Event()


class Pacer:
    """The windows of one client. Without a `size` nobody waits, as long as the client asked for no flow control."""

    def __init__(self) -> None:
        self.size: int | None = None
        self._runs: dict[str, _Paced] = {}

    def restart(self, run_id: str) -> None:
        """Following begins, or ends: what was sent and acknowledged before counts no more."""
        self._runs.pop(run_id, None)

    def acknowledge(self, run_id: str, stream: str, offset: int) -> None:
        """The client has processed everything below `offset`. What nobody follows is none of ours."""
        paced = self._runs.get(run_id)
        if paced is not None and stream in paced.windows:
            paced.windows[stream].acknowledge(offset)
            paced.moved.set()

    async def send(self, run_id: str, stream: Stream, start: int, end: int) -> None:
        """Wait until bytes `start` to `end` may be sent, and count them."""
        if (size := self.size) is None:
            return
        paced, window = self._find(run_id, stream, size, start)
        while not window.has_room(end):
            paced.moved.clear()
            await paced.moved.wait()
        window.send(end)

    def skip(self, run_id: str, stream: Stream, start: int, end: int) -> None:
        """The client is told that bytes `start` to `end` are gone."""
        if self.size is not None:
            self._find(run_id, stream, self.size, start)[1].skip(end)

    def _find(self, run_id: str, stream: Stream, size: int, start: int) -> tuple[_Paced, Window]:
        paced = self._runs.setdefault(run_id, _Paced())
        return paced, paced.windows.setdefault(stream.value, Window(size, start))
