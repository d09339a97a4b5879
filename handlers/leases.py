"""Runs that are to stop when their client goes: their leases are renewed for as long as runs and client live.

The pings of a channel renew them in the container. So there has to be a channel, also where nobody follows the run, and
another one soon after it broke: whoever waits for the end of a run sees to both.
Must not know: how a run is stopped.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import TYPE_CHECKING

from handlers.errors import RemoteCommandError
from handlers.pool import PROOFS
from handlers.retry import back_off

if TYPE_CHECKING:
    from handlers.agent.codec import Snapshot
    from handlers.runs import Runs

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Lease:
    """A live run that stops with its client."""

    runs: Runs
    path: str
    grace_seconds: float
    keeper: asyncio.Task[None]


class Leases:
    """Those of one client."""

    def __init__(self) -> None:
        self._held: dict[str, Lease] = {}

    def take(self, runs: Runs, snapshot: Snapshot, grace_seconds: float) -> None:
        """Keep a run alive until it ends by itself or `give_up` is called."""
        keeper = asyncio.create_task(self._keep(runs, snapshot), name="lease")
        self._held[snapshot.path] = Lease(runs, snapshot.path, grace_seconds, keeper)

    def give_up(self) -> list[Lease]:
        """Renew nothing any more, and return the leases of what is live."""
        leases, self._held = list(self._held.values()), {}
        for lease in leases:
            lease.keeper.cancel()
        return leases

    async def _keep(self, runs: Runs, snapshot: Snapshot) -> None:
        try:
            await _until_ended(runs, snapshot)
        except Exception:  # a guarded task: nobody awaits it, so it must say that it failed
            logger.exception("keeping a lease failed")
        self._held.pop(snapshot.path, None)


async def _until_ended(runs: Runs, snapshot: Snapshot) -> None:
    failures = 0
    while True:
        try:
            snapshot = await runs.until_ended(snapshot)
            await runs.release(snapshot)
        except RemoteCommandError as error:
            if error.kind in PROOFS:
                return
            failures += 1
            await back_off(failures)
        else:
            return
