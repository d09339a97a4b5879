"""Runs that are to stop with their client (`onDisconnect: "stop"`): what keeps them alive, and what stops them.

In the container such a run has a lease, which the pings of this server renew (see `lease` in agent.sh). So a channel to
it must be there as long as the run lives, also while nobody follows it and after a cut: that is what a keeper is for.
When the client leaves in order, the agent is told to stop the runs, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from handlers.agent.channel import ChannelLost
from handlers.errors import RemoteCommandError

if TYPE_CHECKING:
    from handlers.agent.codec import Snapshot
    from handlers.runs import Runs

logger = logging.getLogger(__name__)

KEEP_SECONDS = 20.0
"""Between looks at what has a lease. Below the time after which an unused channel is closed, and well below a lease."""

RETRY_SECONDS = 2.0
"""Between attempts to reach the container again."""


class Leases:
    """The leased runs of one client."""

    def __init__(self) -> None:
        self._keepers: dict[str, tuple[Runs, float, asyncio.Task[None]]] = {}

    def add(self, runs: Runs, snapshot: Snapshot, grace_seconds: float) -> None:
        """Keep a run alive from now on, until it ends."""
        task = asyncio.create_task(self._keep(runs, snapshot), name="lease")
        self._keepers[snapshot.path] = (runs, grace_seconds, task)

    async def _keep(self, runs: Runs, snapshot: Snapshot) -> None:
        try:
            while await self._is_live(runs, snapshot):
                pass
        except asyncio.CancelledError:
            raise
        except Exception:  # a guarded task: nobody awaits it, so it must say that it failed
            logger.exception("keeping a run's lease failed")
        self._keepers.pop(snapshot.path, None)

    async def _is_live(self, runs: Runs, snapshot: Snapshot) -> bool:
        """Look, which is a use of the channel; then rest until the next look is due or the channel is lost."""
        try:
            channel = await runs.channel()
            if not await runs.is_live(snapshot):
                return False
            async with asyncio.timeout(KEEP_SECONDS):
                await channel.lost.wait()
        except TimeoutError:
            return True
        except (RemoteCommandError, ChannelLost):
            await asyncio.sleep(RETRY_SECONDS)
        return True

    async def leave(self) -> None:
        """Have all of them stopped, without waiting for it."""
        keepers, self._keepers = self._keepers, {}
        for _, _, task in keepers.values():
            task.cancel()
        await asyncio.gather(*(runs.leave(path, grace) for path, (runs, grace, _) in keepers.items()))
