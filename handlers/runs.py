"""Runs at one place, in the agent's terms: launch, look, stop, read, remove.

The place between the domain (`handlers.supervisor`) and the wire to the agent (`handlers.agent`): it knows the agent's
operations and what to do when the channel is lost in the middle of one. What may be repeated is, for some time; a
launch is asked for again by its run id, which gives the same run and never a second process, and a stop by the name of
its job. A signal is not sent twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import secrets
import time
from typing import TYPE_CHECKING

from handlers import explain
from handlers.agent import codec
from handlers.agent.channel import Channel, ChannelLost
from handlers.agent.listing import Listing
from handlers.api import Verdict
from handlers.errors import RemoteCommandError
from handlers.lifecycle import MISSING, START_SECONDS, state_of
from handlers.retry import Retry, is_passing
from handlers.spool import Spool
from handlers.stdin import Stdin
from handlers.transitions import LIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.agent.codec import Reply, Snapshot
    from handlers.orders import Order
    from handlers.pool import Place, Pool

RECORD_SECONDS = 2.0
"""A spawner that started nothing for this long after it was asked may have died: ask again through a new channel."""

LAUNCHES = 3
"""So often a run that gets no record is handed to a spawner."""

SPEC_BYTES_PER_SECOND = 250_000
"""What a slow shell on a busy machine makes of a long definition."""

STOP_MARGIN_SECONDS = 15.0
"""For a stop's verdict, beyond the grace period."""

LOOK_SECONDS = 30.0
"""Who waits for news of a run looks at it himself this often: one whose supervisor was killed may end in silence."""


class Runs:
    """What can be done with the runs at a place."""

    def __init__(self, pool: Pool, place: Place) -> None:
        self._pool = pool
        self._clock: Channel | None = None
        self.place = place

    @property
    def spool(self) -> Spool:
        """What the runs have written."""
        return Spool(self._ask)

    def stdin(self, snapshot: Snapshot) -> Stdin:
        """The way to the stdin of a run."""
        return Stdin(snapshot.path, lambda: self._reach(Retry()), self._ask)

    async def channel(self) -> Channel:
        """The live channel of the place."""
        return await self._pool.channel(self.place)

    async def _reach(self, retry: Retry) -> Channel:
        """The live channel; where there was one before, its opening is tried again as long as that is worth it."""
        while True:
            try:
                self._clock = await self.channel()
            except RemoteCommandError as error:
                if not is_passing(error) or not self._pool.was_reached(self.place) or not await retry.pause():
                    raise
            else:
                return self._clock

    async def _may_go_on(self, retry: Retry) -> bool:
        """After the channel was lost in the middle of a request."""
        self._pool.forget(self.place)
        return await retry.pause()

    async def _ask(self, operation: str, *words: str | int) -> Reply:
        """Ask what may be asked twice."""
        retry = Retry()
        while True:
            channel = await self._reach(retry)
            try:
                return await channel.request(operation, *words)
            except ChannelLost:
                if not await self._may_go_on(retry):
                    raise explain.lost() from None

    async def uptime(self) -> float:
        """The container's clock; a channel that was lost meanwhile still tells it."""
        return (self._clock or await self._reach(Retry())).uptime()

    async def latest(self, command_id: str) -> Snapshot | None:
        """The newest run of a command."""
        return await self._look(codec.run_key(command_id))

    async def _look(self, key: str) -> Snapshot | None:
        return codec.read_snapshot((await self._ask("status", key)).body.strip())

    async def all(self) -> list[Snapshot]:
        """The newest run of every command."""
        namespace = (await self._reach(Retry())).hello.namespace
        facts = await self._ask("facts")
        if facts.words == ("none",):
            return await self._all_one_by_one()
        listing = Listing(facts.body, namespace)
        pids = listing.pids
        stats = (await self._ask("stats", *pids)).body if pids else b""
        found, unsure = listing.snapshots(stats)
        looked_at = [await self._look(key) for key in unsure]
        return [*found, *(snapshot for snapshot in looked_at if snapshot is not None)]

    async def _all_one_by_one(self) -> list[Snapshot]:
        newest: dict[str, Snapshot] = {}
        for line in (await self._ask("status")).body.splitlines():
            snapshot = codec.read_snapshot(line)
            if snapshot is not None and snapshot.generation > getattr(newest.get(snapshot.key), "generation", 0):
                newest[snapshot.key] = snapshot
        return list(newest.values())

    async def launch(self, order: Order) -> tuple[Snapshot, bool]:
        """Start a run and wait for its record (or its end), unless one is there already.

        Returns:
            The run's facts, and whether it was made by this call. A run that is there already may be of another
            definition: the caller compares hashes.

        Raises:
            RemoteCommandError: with a `run_id` if it is not known whether the run was made.
        """
        named, created, silent, retry = order.is_named, False, 0, Retry()
        asked = False
        while True:
            channel = await self._reach_for(order, retry, asked=asked)
            asked = True
            try:
                snapshot, is_new = await self._launch_on(channel, order, is_named=named)
            except ChannelLost:
                named = True  # whatever was begun has this run id
                if not await self._may_go_on(retry):
                    raise explain.start_unknown(order.run_id) from None
                continue
            retry.succeeded()
            created = created or is_new or (named and not order.is_named and snapshot.run_id == order.run_id)
            silent += 1
            if _has_record(snapshot) or not created or silent == LAUNCHES:
                return snapshot, created
            named = True
            await self._pool.drop(self.place, channel)

    async def _reach_for(self, order: Order, retry: Retry, *, asked: bool) -> Channel:
        """The channel for a launch: what was asked for through an earlier one may have started."""
        try:
            return await self._reach(retry)
        except RemoteCommandError as error:
            if asked and is_passing(error):
                raise explain.start_unknown(order.run_id) from error
            raise

    async def _launch_on(self, channel: Channel, order: Order, *, is_named: bool) -> tuple[Snapshot, bool]:
        key = codec.run_key(order.command_id)
        heard: asyncio.Queue[Snapshot | None] = asyncio.Queue()
        stop = channel.listen(key, heard.put_nowait)
        try:
            reply = await channel.request(
                "start",
                key,
                order.command_id,
                order.run_id,
                order.spec_hash,
                int(is_named),
                codec.MERGED * order.merged + codec.TAKES_INPUT * order.takes_input,
                _sleep_argument(order.timeout_seconds),
                round(order.grace_seconds * 1000),
                _epoch_ms(channel),
                "line" if order.is_line else "args",
                codec.title_word(order.title),
                int(order.stop_on_disconnect),
                order.spool_limit_kib,
                spec=order.spec,
            )
            snapshot = self._read_start(reply)
            created = reply.words[0] == "created"
            patience = RECORD_SECONDS + len(order.spec) / SPEC_BYTES_PER_SECOND
            return await _await_record(channel, snapshot, heard, patience), created
        finally:
            stop()

    def _read_start(self, reply: Reply) -> Snapshot:
        if reply.words[:2] == ("error", "full"):
            raise explain.storage_full()
        if reply.words[:1] == ("error",):
            raise explain.storage_gone()
        snapshot = codec.read_snapshot(reply.body.strip())
        if snapshot is None:
            raise explain.broken_record()
        return snapshot

    async def stop(self, snapshot: Snapshot, *, signal: str, grace_seconds: float) -> Verdict:
        """Stop a run's tree; what does it is in the container and goes on without us."""
        words = (snapshot.path, signal, round(grace_seconds * 1000), secrets.token_hex(4))
        retry = Retry()
        try:
            async with asyncio.timeout(grace_seconds + STOP_MARGIN_SECONDS):
                while True:
                    channel = await self._reach(retry)
                    try:
                        return await self._stop_on(channel, retry, *words)
                    except ChannelLost:
                        if not await self._may_go_on(retry):
                            raise explain.lost() from None
        except TimeoutError:
            raise explain.stop_not_over() from None

    async def _stop_on(
        self, channel: Channel, retry: Retry, path: str, signal: str, grace_ms: int, job: str
    ) -> Verdict:
        """Ask for a stop and await its verdict. Asking again for the same job begins nothing: the first one goes on."""
        changed = asyncio.Event()
        stop_listening = channel.listen(path, lambda _: changed.set())
        try:
            await channel.request("stop", path, signal, grace_ms, job, "request")
            retry.succeeded()
            while True:
                changed.clear()
                reply = await channel.request("lines", path, f"v.{job}")
                if (verdict := read_verdict(reply.body)) is not None:
                    return verdict
                await changed.wait()
        finally:
            stop_listening()

    async def release(self, snapshot: Snapshot) -> None:
        """Hear no more of a run that nobody here follows."""
        channel = await self.channel()
        if not channel.is_heard(snapshot):
            await self._ask("unhear", snapshot.path)

    async def leave(self, path: str, grace_seconds: float) -> None:
        """Have a run stopped and don't wait for it."""
        channel = await self.channel()
        words = (path, "TERM", round(grace_seconds * 1000), secrets.token_hex(4), "disconnect")
        with contextlib.suppress(ChannelLost):  # then its lease runs out
            await channel.tell("stop", *words)

    async def signal(self, snapshot: Snapshot, signal: str, *, leader_only: bool) -> None:
        """Signal what is alive of a run, once."""
        channel = await self._reach(Retry())
        try:
            await channel.request("signal", snapshot.path, signal, "leader" if leader_only else "group")
        except ChannelLost:
            raise explain.signal_unknown() from None

    async def until_ended(self, snapshot: Snapshot) -> Snapshot:
        """Wait until a run is no longer live."""
        channel = await self._reach(Retry())
        return await self.until_over(snapshot, lambda facts: state_of(facts, channel.uptime())[0] not in LIVE)

    async def until_over(self, snapshot: Snapshot, is_over: Callable[[Snapshot], bool]) -> Snapshot:
        """Wait until a run is over; a lost channel is replaced by the next."""
        retry = Retry()
        while True:
            channel = await self._reach(retry)
            news: asyncio.Queue[Snapshot | None] = asyncio.Queue()
            stop_listening = channel.listen(snapshot.path, news.put_nowait)
            try:
                reply = await channel.request("hear", snapshot.path)
                retry.succeeded()
                if reply.words == ("error", "full"):  # no bell can be hung, so nobody will tell when it is over
                    if is_over(snapshot):
                        return snapshot
                    raise explain.storage_full()
                heard = codec.read_snapshot(reply.body.strip())
                if heard is None and news.empty():
                    return dataclasses.replace(snapshot, life=MISSING)
                snapshot = heard or snapshot
                while not is_over(snapshot):
                    begins = snapshot.pid is None and snapshot.code is None
                    told = await _next_within(news, START_SECONDS + 1 if begins else LOOK_SECONDS)
                    if told is None:
                        break  # look again: what never gets its record tells nobody, and a lost channel tells nothing
                    snapshot = told
                else:
                    return snapshot
            except ChannelLost:
                if not await self._may_go_on(retry):
                    raise explain.lost() from None
            finally:
                stop_listening()

    async def forget(self, snapshot: Snapshot) -> None:
        """Remove an ended run: its records and its output."""
        await self._ask("forget", snapshot.path, snapshot.key, snapshot.generation)

    async def remove(self, command_id: str) -> bool:
        """Remove all runs of a command; False if one is live."""
        return (await self._ask("remove", codec.run_key(command_id))).words != ("live",)


async def _next_within(news: asyncio.Queue[Snapshot | None], seconds: float) -> Snapshot | None:
    try:
        async with asyncio.timeout(seconds):
            return await news.get()
    except TimeoutError:
        return None


async def _await_record(
    channel: Channel, snapshot: Snapshot, heard: asyncio.Queue[Snapshot | None], silence: float
) -> Snapshot:
    """Wait until the run has its record or its end; gives up when the spawner does nothing any more."""
    begun = time.monotonic()
    while not _has_record(snapshot):
        now = time.monotonic()
        patience = min(begun + START_SECONDS, max(begun, channel.last_record) + silence) - now
        if patience <= 0:
            return snapshot
        try:
            async with asyncio.timeout(patience):
                news = await heard.get()
        except TimeoutError:
            continue
        if news is None:
            raise ChannelLost
        if news.path == snapshot.path:
            snapshot = news
            if _has_record(snapshot):
                channel.last_record = time.monotonic()
    return snapshot


def _has_record(snapshot: Snapshot) -> bool:
    return snapshot.code is not None or (snapshot.pid is not None and snapshot.life not in {"L", "E"})


def _sleep_argument(seconds: float | None) -> str:
    """For sleep(1) in the container: "0" is no limit; a fraction only if there is one, for not every sleep takes it."""
    return "0" if seconds is None else f"{max(seconds, 0.001):.3f}".rstrip("0").rstrip(".")


def _epoch_ms(channel: Channel) -> int:
    return round((time.time() - channel.uptime()) * 1000)


def read_verdict(body: bytes) -> Verdict | None:
    """Read a verdict file; None while it is not whole."""
    words = body.decode("ascii", "replace").split()
    if len(words) != 6 or words[5] != ".":
        return None
    try:
        survivors = tuple(int(pid) for pid in words[4].split(",") if pid not in {"", "-"})
        return Verdict(words[0] == "1", words[1] == "1", survivors, int(words[2]), int(words[3]))
    except ValueError:
        return None
