"""The client's side of following: what a process handler tells becomes notifications.

Each call returns only when there is room for more, so that a slow client slows the reading of output and nothing
piles up here: room in the window, if the client asked for one, and then in the queue that all share.
Must not know: pygls, how frames are made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from handlers.transitions import LIVE
from rpc_server import results, translate

if TYPE_CHECKING:
    from handlers.api import ConnectionState, Gap, OutputChunk, Process, ResolvedTarget
    from rpc_server.session import Session

Push = Callable[[Any], Awaitable[None]]
"""Sends the notification that has such params (`rpc_server.notifications`) once there is room for it."""


class ClientListener:
    """A `handlers.api.Listener` that tells one client.

    Args:
        session: says which encoding and window the client wants, at the time of sending.
        push: sends a notification.
    """

    def __init__(self, session: Session, push: Push) -> None:
        self._session = session
        self._push = push

    async def output(self, chunk: OutputChunk) -> None:
        """Send bytes of a stream, once they fit into the client's window."""
        end = chunk.offset + len(chunk.data)
        await self._session.pacer.send(chunk.run_id, chunk.stream, chunk.offset, end)
        await self._push(translate.chunk_to_wire(chunk, self._session.output_encoding))

    async def status_changed(self, process: Process) -> None:
        """Send a new state. The final one ends the following, and waits for nothing to be acknowledged."""
        await self._push(results.StatusChanged(process=translate.process_to_wire(process)))
        if process.run_id is not None and process.state not in LIVE:
            self._session.pacer.restart(process.run_id)

    async def gap(self, gap: Gap) -> None:
        """Send the news that bytes are gone."""
        self._session.pacer.skip(gap.run_id, gap.stream, gap.start, gap.end)
        await self._push(translate.gap_to_wire(gap))

    async def connection(self, target: ResolvedTarget, state: ConnectionState, detail: str) -> None:
        """Send how a container is reached."""
        wire = translate.resolved_to_wire(target)
        await self._push(results.Connection(target=wire, state=state.value, detail=detail))
