"""Following one run: from the agent's notices to output, gaps and states for the client.

The agent says how far the streams are; this asks for the bytes, one round at a time, and only when the client has
taken the round before (`Listener` waits). So a slow client slows its own rounds and nothing else, and a broken
channel costs nothing: the next one continues at the next offset.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING

from handlers import explain
from handlers.agent import codec
from handlers.agent.channel import Channel, ChannelLost
from handlers.api import ConnectionState, Gap, Offsets, OutputChunk, Process, State, Status, Stream
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.lifecycle import ENDED, process_of, wall_time
from handlers.output import CharacterCutter, Journal
from handlers.runs import LOOK_SECONDS, Runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.agent.codec import Snapshot, StreamFacts
    from handlers.api import Listener
    from handlers.connections import Connections
    from handlers.spool import Segment

logger = logging.getLogger(__name__)

LINGER_SECONDS = 1.0
"""After the end record, how long streams may stay open (a daemon holds them) before the end is told."""

JOURNAL_BYTES = 256 * 1024
"""Read of the journal at once."""

SMALL_BYTES = 64 * 1024
"""Up to this, bytes of one stream come from one pump read: order and time are known without the journal."""

PROOFS = frozenset({ErrorKind.TARGET_NOT_FOUND, ErrorKind.CONTAINER_NOT_FOUND})
"""Failures that mean that the container of the run is no more; with any other the run may well be alive."""

BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)


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
        self._at = {Stream.STDOUT: offsets.stdout, Stream.STDERR: offsets.stderr}
        self._cutters = {stream: CharacterCutter(at) for stream, at in self._at.items()}
        self._journal = Journal()
        self._news = asyncio.Event()
        self._told: State | None = None
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
        if process.state not in ENDED and process.state is not State.LOST and process.state is not self._told:
            if self._told is not None:
                await self._listener.status_changed(process)
            self._told = process.state
        while await self._deliver(channel, facts):
            pass
        if facts.code is None and process.state is not State.LOST:
            await self._wait(LOOK_SECONDS)
            return False
        streams_ended = facts.stdout.ended and (facts.stderr.ended or facts.merged)
        ended_at = facts.ended_at
        if process.state is State.LOST:  # there is no record to count from, but its pumps may still have work
            if self._lost is None or self._lost[1] != process.offsets:
                self._lost = (channel.uptime(), process.offsets)
            ended_at = self._lost[0]
        left = 0.0
        if not streams_ended and ended_at is not None:
            left = ended_at + LINGER_SECONDS - channel.uptime()
        if left > 0:
            await self._wait(left)
            return False
        if self._news.is_set():
            return False
        for stream in Stream:
            for offset, data in self._cutters[stream].feed(b"", final=True):
                await self._listener.output(self._chunk(stream, offset, data, None))
        await self._listener.status_changed(process_of(facts, self._runs.place.target, channel.uptime()))
        return True

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _deliver(self, channel: Channel, facts: Snapshot) -> bool:
        """Push one round of what the facts promise; False when there is nothing."""
        until = dict(self._at)
        segments: dict[Stream, Segment] = {}
        for stream in Stream:
            segment = await self._runs.spool.locate(facts, stream, self._at[stream])
            if segment is None:
                continue
            if segment.start > self._at[stream]:
                await self._tell_gap(stream, segment.start)
                return True
            segments[stream] = segment
            until[stream] = min(segment.end, self._at[stream] + channel.window_bytes)
        if not segments:
            return False
        await self._read_journal(channel, facts, until)
        data = {}
        for stream, segment in segments.items():
            start, count = self._at[stream], until[stream] - self._at[stream]
            reply = await channel.request("window", facts.path, segment.file, start - segment.start, count)
            if reply.words[:1] != ("ok",) or len(reply.body) != count:
                await self._tell_gap(stream, segment.end)
                return True
            data[stream] = reply.body
        for piece in self._journal.plan(self._at, until):
            base = until[piece.stream] - len(data[piece.stream])
            view = data[piece.stream][piece.start - base : piece.end - base]
            self._at[piece.stream] = piece.end
            at = piece.at if piece.at is not None else self._time_of(facts, piece.stream, piece.end)
            for offset, cut in self._cutters[piece.stream].feed(view):
                await self._listener.output(self._chunk(piece.stream, offset, cut, at))
        self._journal.drop_before(self._at)
        return True

    async def _read_journal(self, channel: Channel, facts: Snapshot, until: dict[Stream, int]) -> None:
        """Read the journal as far as needed, unless order and time are plain without it."""
        pending = [stream for stream in Stream if until[stream] > self._at[stream]]
        if len(pending) == 1 and until[pending[0]] - self._at[pending[0]] <= SMALL_BYTES:
            facts_of = _facts_of(facts, pending[0])
            if until[pending[0]] == facts_of.size:
                return
        while not all(self._journal.covers(stream, until[stream]) for stream in pending):
            reply = await channel.request("journal", facts.path, self._journal.offset, JOURNAL_BYTES)
            if not reply.body:
                return
            self._journal.feed(reply.body)
            self._journal.drop_before(self._at)

    def _time_of(self, facts: Snapshot, stream: Stream, end: int) -> float | None:
        of_stream = _facts_of(facts, stream)
        return of_stream.at if end == of_stream.size else None

    def _chunk(self, stream: Stream, offset: int, data: bytes, at: float | None) -> OutputChunk:
        facts = self._facts
        time = None if at is None else wall_time(facts, at)
        return OutputChunk(facts.run_id, facts.command_id, stream, offset, data, time)

    async def _tell_gap(self, stream: Stream, until: int) -> None:
        for offset, data in self._cutters[stream].skip_to(until):
            await self._listener.output(self._chunk(stream, offset, data, None))
        facts = self._facts
        reason = "storageFull" if self._at[stream] > 0 else "expired"
        await self._listener.gap(Gap(facts.run_id, facts.command_id, stream, self._at[stream], until, reason))
        self._at[stream] = until

    async def _tell_connection(self, state: ConnectionState, detail: str) -> None:
        await self._connections.tell(self._runs.place.target, state, detail)

    async def _tell_lost(self, reason: str) -> None:
        facts = self._facts
        await self._listener.status_changed(
            Process(
                id=facts.command_id,
                target=self._runs.place.target,
                status=Status.UNKNOWN,
                state=State.LOST,
                run_id=facts.run_id,
                pid=facts.pid,
                reason=reason,
                spec_hash=facts.spec_hash,
                offsets=Offsets(self._at[Stream.STDOUT], self._at[Stream.STDERR]),
            )
        )


async def back_off(failures: int) -> None:
    """Pause after the nth failure in a row to reach a container."""
    delay = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1]
    await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311  # jitter, not a secret


def _facts_of(facts: Snapshot, stream: Stream) -> StreamFacts:
    return facts.stdout if stream is Stream.STDOUT else facts.stderr
