"""Following one run: from the agent's notices to output, gaps and states for the client.

The agent says how far the streams are; this asks for the bytes, one round at a time, and only when the client has
taken the round before (`Listener` waits). So a slow client slows its own rounds and nothing else, and a broken
channel costs nothing: the next one continues at the next offset.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from handlers import explain
from handlers.agent import codec
from handlers.agent.channel import Channel, ChannelLost
from handlers.api import ConnectionState, Offsets, State
from handlers.delivery import Delivery
from handlers.errors import RemoteCommandError
from handlers.lifecycle import lost, process_of
from handlers.pool import PROOFS
from handlers.retry import back_off
from handlers.runs import LOOK_SECONDS, Runs
from handlers.spool import Spool
from handlers.transitions import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.agent.codec import Snapshot
    from handlers.api import Listener
    from handlers.connections import Connections

logger = logging.getLogger(__name__)

LINGER_SECONDS = 1.0
"""After the end record, how long streams may stay open (a daemon holds them) before the end is told."""


class Follower:
    """Pushes one run to a listener until its end. `begin` once, `stop` any time."""

    def __init__(
        self,
        runs: Runs,
        snapshot: Snapshot,
        offsets: Offsets,
        listener: Listener,
        on_end: Callable[[Follower], None],
        connections: Connections,
    ) -> None:
        self._runs = runs
        self._facts = snapshot
        self._listener = listener
        self._on_end = on_end
        self._connections = connections
        self._delivery = Delivery(offsets, listener)
        self._was_idle = False
        self._news = asyncio.Event()
        self._told: tuple[State, str | None] | None = None
        self._lost: tuple[float, Offsets | None] | None = None
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start pushing; whoever asked for it has its answer by now."""
        self._task = asyncio.create_task(self._run(), name="follow")

    async def stop(self) -> None:
        """Push nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def ended(self) -> None:
        """Wait until the end was told."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def release(self) -> None:
        """Hear no more of the run in the container."""
        await self._runs.release(self._facts)

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._follow_on(await self._runs.channel())
                except ChannelLost:
                    await self._tell_connection(ConnectionState.RECONNECTING, "the connection broke")
                except RemoteCommandError as error:
                    # A refusal proves nothing: an API server that has just come up may forbid for a moment.
                    if error.kind in PROOFS:
                        await self._tell_connection(ConnectionState.LOST, error.message)
                        await self._tell_lost(error.reason or error.kind.value)
                        return
                    await self._tell_connection(ConnectionState.RECONNECTING, error.message)
                else:
                    return
                self._failures += 1
                await back_off(self._failures)
        except asyncio.CancelledError:
            raise
        except Exception:  # a guarded task: nobody awaits it, so it must say that it failed
            logger.exception("following a run failed")
        finally:
            self._on_end(self)

    def _hear(self, snapshot: Snapshot | None) -> None:
        if snapshot is not None:
            self._facts = snapshot
        self._news.set()

    async def _follow_on(self, channel: Channel) -> None:
        stop_listening = channel.listen(self._facts.path, self._hear)
        try:
            if not await self._look(channel):
                return
            while not await self._round(channel):
                if channel.lost.is_set():
                    raise ChannelLost
                if not self._news.is_set() and not await self._look(channel):
                    return
        finally:
            stop_listening()
        if not channel.is_heard(self._facts):
            with contextlib.suppress(ChannelLost):  # its bells are gone, too, and the end has been told
                await channel.request("unhear", self._facts.path)

    async def _look(self, channel: Channel) -> bool:
        """Have a bell hang, and see how things are; False if the record is gone, and that was told."""
        self._news.clear()
        self._was_idle = False  # what a look finds may have come any time
        reply = await channel.request("hear", self._facts.path)
        if reply.words == ("error", "full"):
            raise explain.storage_full()  # no bell can be hung, on a full disk or by an agent on its way out
        self._failures = 0
        await self._tell_connection(ConnectionState.CONNECTED, "output goes on")
        snapshot = codec.read_snapshot(reply.body.strip())
        if snapshot is None or snapshot.run_id != self._facts.run_id:
            await self._tell_lost("recordMissing")
            return False
        if not self._news.is_set():  # a notice that overtook this reply is newer, or is followed by one that is
            self._facts = snapshot
        return True

    async def _round(self, channel: Channel) -> bool:
        """Tell what is new, wait for more; True when the end was told."""
        self._news.clear()
        facts = self._facts
        process = process_of(facts, self._runs.place.target, channel.uptime())
        told = (process.state, process.reason)
        if process.state not in ENDED and process.state is not State.LOST and told != self._told:
            if self._told is not None:
                await self._listener.status_changed(process)
            self._told = told
        spool, is_news = Spool(channel.request), self._was_idle
        while await self._delivery.round(spool, facts, most_bytes=channel.download.size, is_news=is_news):
            is_news = False
        is_lost = process.state is State.LOST
        if facts.code is None and not is_lost:
            await self._wait(LOOK_SECONDS)
            return False
        streams_ended = facts.stdout.ended and (facts.stderr.ended or facts.merged)
        ended_at = facts.ended_at
        if is_lost:  # there is no record to count from; its pumps may still have work, and a zombie may yet be reaped
            if self._lost is None or self._lost[1] != process.offsets:
                self._lost = (channel.uptime(), process.offsets)
            ended_at = self._lost[0]
        left = 0.0
        if (is_lost or not streams_ended) and ended_at is not None:
            left = ended_at + LINGER_SECONDS - channel.uptime()
        if left > 0:
            await self._wait(left)
            return False
        if self._news.is_set():
            return False
        await self._delivery.finish(facts)
        await self._listener.status_changed(process_of(facts, self._runs.place.target, channel.uptime()))
        return True

    async def _wait(self, seconds: float) -> None:
        self._was_idle = not self._news.is_set()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _tell_connection(self, state: ConnectionState, detail: str) -> None:
        await self._connections.tell(self._runs.place.target, state, detail)

    async def _tell_lost(self, reason: str) -> None:
        process = lost(self._facts, self._runs.place.target, reason, self._delivery.offsets)
        await self._listener.status_changed(process)
