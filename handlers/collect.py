"""The listener of an exec: keeps the beginning of each stream and how it ended, or passes the output on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.api import Stream

if TYPE_CHECKING:
    from handlers.api import ConnectionState, Gap, Listener, OutputChunk, Process, ResolvedTarget


class Collector:
    """A `handlers.api.Listener` with a bound: at most `limit` bytes of each stream are kept."""

    def __init__(self, limit: int, listener: Listener | None) -> None:
        self._limit = limit
        self._listener = listener
        self._kept = {stream: bytearray() for stream in Stream}
        self.truncated = False
        """Whether bytes are missing from what was kept."""
        self.final: Process | None = None
        """The last state, once it was told."""

    def kept(self, stream: Stream) -> bytes:
        """The beginning of a stream; empty when output is passed on."""
        return bytes(self._kept[stream])

    async def output(self, chunk: OutputChunk) -> None:
        """Keep up to the limit, or pass on."""
        if self._listener is not None:
            await self._listener.output(chunk)
            return
        kept = self._kept[chunk.stream]
        room = self._limit - len(kept)
        kept += chunk.data[:room]
        self.truncated = self.truncated or len(chunk.data) > room

    async def gap(self, gap: Gap) -> None:
        """Bytes are gone, so the result is not whole."""
        self.truncated = True
        if self._listener is not None:
            await self._listener.gap(gap)

    async def connection(self, target: ResolvedTarget, state: ConnectionState, detail: str) -> None:
        """Pass on; who waits for a result learns nothing from it."""
        if self._listener is not None:
            await self._listener.connection(target, state, detail)

    async def status_changed(self, process: Process) -> None:
        """Keep the last; pass it on to whoever follows."""
        self.final = process
        if self._listener is not None:
            await self._listener.status_changed(process)
