"""What the client is told of the way to a container: once a change, however many of its runs are followed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.api import ConnectionState

if TYPE_CHECKING:
    from handlers.api import Listener, ResolvedTarget


class Connections:
    """Tells a listener of changes; a container counts as connected until something else is said."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._states: dict[ResolvedTarget, ConnectionState] = {}

    async def tell(self, target: ResolvedTarget, state: ConnectionState, detail: str) -> None:
        """Tell the state, unless it is the one that was told last."""
        if self._states.get(target, ConnectionState.CONNECTED) is state:
            return
        if state is ConnectionState.CONNECTED:
            del self._states[target]
        else:
            self._states[target] = state
        await self._listener.connection(target, state, detail)
