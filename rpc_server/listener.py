"""The client's side of following: what a process handler tells becomes notifications.

Each call returns only when there is room for more, so that a slow client slows the reading of output and nothing
piles up here. Must not know: pygls, how frames are made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from rpc_server import results, translate

if TYPE_CHECKING:
    from handlers.api import ConnectionState, Gap, OutputChunk, Process, ResolvedTarget
    from rpc_server.session import Session

Push = Callable[[Any], Awaitable[None]]
"""Sends the notification that has such params (`rpc_server.notifications`) once there is room for it."""


class ClientListener:
    """A `handlers.api.Listener` that tells one client.

    Args:
        session: says which encoding the client wants, at the time of sending.
        push: sends a notification.
    """

    def __init__(self, session: Session, push: Push) -> None:
        self._session = session
        self._push = push

    async def output(self, chunk: OutputChunk) -> None:
        """Send bytes of a stream."""
        await self._push(translate.chunk_to_wire(chunk, self._session.output_encoding))

    async def status_changed(self, process: Process) -> None:
        """Send a new state."""
        await self._push(results.StatusChanged(process=translate.process_to_wire(process)))

    async def gap(self, gap: Gap) -> None:
        """Send the news that bytes are gone."""
        await self._push(translate.gap_to_wire(gap))

    async def connection(self, target: ResolvedTarget, state: ConnectionState, detail: str) -> None:
        """Send how a container is reached."""
        wire = translate.resolved_to_wire(target)
        await self._push(results.Connection(target=wire, state=state.value, detail=detail))
