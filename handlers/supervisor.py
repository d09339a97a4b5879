"""The process handler: start, watch and stop commands in any target, over whatever transport reaches it.

It keeps no record of its own. What runs, ran and was written is in the container; every answer is read from there, so
that any later server gives the same one.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import TYPE_CHECKING

from handlers import explain, orders
from handlers.api import (
    NO_WAIT,
    Attached,
    Begin,
    Definition,
    ExecRequest,
    ExecResult,
    From,
    IfExists,
    Offsets,
    Process,
    Recipient,
    Since,
    Started,
    StartOptions,
    State,
    Stopped,
    Stream,
    Target,
    Verdict,
    Wait,
    Waited,
    Window,
    Written,
)
from handlers.collect import Collector
from handlers.connections import Connections
from handlers.doctor.examine import examine
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.follow import LINGER_SECONDS, Follower
from handlers.leases import Leases
from handlers.lifecycle import absent, process_of, uptime_at
from handlers.orders import EXEC_PREFIX, Order
from handlers.pins import Pins
from handlers.pool import Place, Pool
from handlers.retry import back_off, is_passing
from handlers.runs import Runs
from handlers.stdin import Turns
from handlers.transitions import ENDED, LIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from handlers.agent.codec import Snapshot
    from handlers.api import Listener
    from handlers.checkup import Checkup
    from handlers.inventory import Inquiry, Inventory

logger = logging.getLogger(__name__)

UNDO_TRIES = 4
"""How often it is tried to stop what may have been started, when it could not be found out: for about a minute."""

CLEAN_UP_SECONDS = 0.3
"""How long `close` waits for what is being cleaned up; the server has a second to be gone."""


class Supervisor:
    """A `handlers.api.ProcessHandler` for one client."""

    def __init__(self, listener: Listener, pool: Pool | None = None) -> None:
        self._listener = listener
        self._pool = pool if pool is not None else Pool()
        self._followers: dict[str, Follower] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._connections = Connections(listener)
        self._leases = Leases()
        self._pins = Pins()
        self._turns = Turns()
        self._open_execs: dict[str, asyncio.Future[tuple[Runs, Snapshot]]] = {}

    async def inventory(self, inquiry: Inquiry) -> Inventory:
        """What there is to run commands in."""
        return await self._pool.inventory(inquiry)

    async def checkup(self, target: Target) -> Checkup:
        """What a target has and lacks for commands to be supervised there."""
        return await examine(self._pool, target)

    # ------------------------------------------------------------ start

    async def start(
        self, target: Target, definition: Definition, options: StartOptions, wait: Wait = NO_WAIT
    ) -> Started:
        """Start a run, or attach to the live one; returns once its pid record is seen."""
        runs = await self._runs(target, definition.pid_directory, definition.id, wait)
        order = orders.from_definition(definition, options)
        snapshot, created = await self._launch(runs, order, options)
        process = await self._process(runs, snapshot)
        self._pins.keep(target, definition.pid_directory, definition.id, runs.place.target)
        if process.state is State.START_FAILED:
            raise explain.start_failed(process)
        if created and options.stop_on_disconnect:
            self._leases.take(runs, snapshot, options.grace_period_seconds)
        begin = await self._begin(runs, snapshot, options, created=created)
        if begin is None:
            self._in_background(functools.partial(runs.release, snapshot))
        return Started(process, created, begin)

    async def _launch(self, runs: Runs, order: Order, options: StartOptions) -> tuple[Snapshot, bool]:
        """Launch; whatever a cancelled launch began is stopped."""
        while True:
            launching = asyncio.create_task(runs.launch(order), name="launch")
            try:
                snapshot, created = await asyncio.shield(launching)
            except asyncio.CancelledError:
                self._in_background(functools.partial(self._undo, runs, launching, order))
                raise
            if created:
                return snapshot, True
            named_twice = order.is_named and snapshot.run_id == order.run_id
            same = snapshot.spec_hash == order.spec_hash and snapshot.command_id == order.command_id
            if same and (named_twice or options.if_exists is IfExists.ATTACH):
                return snapshot, False
            if named_twice or options.if_exists is not IfExists.REPLACE:
                raise explain.conflict(await self._process(runs, snapshot), is_same=same, named_twice=named_twice)
            await runs.stop(snapshot, signal="TERM", grace_seconds=options.grace_period_seconds)

    async def _undo(self, runs: Runs, launching: asyncio.Task[tuple[Snapshot, bool]], order: Order) -> None:
        try:
            snapshot, created = await launching
        except RemoteCommandError as error:
            if error.run_id is None:
                raise
            await self._undo_unknown(runs, order)
        else:
            if created:
                await runs.stop(snapshot, signal="KILL", grace_seconds=0)

    async def _undo_unknown(self, runs: Runs, order: Order) -> None:
        """Stop a run that may have been started before the container was out of reach; it may be in reach again."""
        for failures in range(1, UNDO_TRIES + 1):
            try:
                snapshot = await runs.latest(order.command_id)
            except RemoteCommandError as error:
                if not is_passing(error):
                    raise
                await back_off(failures)
                continue
            if snapshot is not None and snapshot.run_id == order.run_id:
                await runs.stop(snapshot, signal="KILL", grace_seconds=0)
                if order.command_id.startswith(EXEC_PREFIX):
                    await runs.forget(snapshot)
            return

    async def _begin(self, runs: Runs, snapshot: Snapshot, options: StartOptions, *, created: bool) -> Begin | None:
        if not options.follow or snapshot.run_id in self._followers:
            return None
        offsets = Offsets() if created else await offsets_from(runs, snapshot, options.follow_from)
        return self._follow(runs, snapshot, offsets)

    def _follow(self, runs: Runs, snapshot: Snapshot, offsets: Offsets) -> Begin:
        follower = Follower(runs, snapshot, offsets, self._listener, self._forget, self._connections)
        self._followers[snapshot.run_id] = follower
        return follower.begin

    def _forget(self, follower: Follower) -> None:
        self._followers = {run: other for run, other in self._followers.items() if other is not follower}

    # ------------------------------------------------------------ watch

    async def status(self, target: Target, id: str | None, pid_directory: str) -> list[Process]:
        """The newest run of `id` (absent if there is none), or of every id."""
        runs = await self._runs(target, pid_directory, id)
        if id is not None:
            snapshot = await runs.latest(id)
            return [await self._process(runs, snapshot) if snapshot else absent(id, runs.place.target)]
        found = await runs.all()
        uptime = await runs.uptime()
        listed = [s for s in found if not s.command_id.startswith(EXEC_PREFIX)]
        processes = [process_of(s, runs.place.target, uptime) for s in listed]
        return sorted(processes, key=lambda process: process.id)

    async def attach(
        self, target: Target, id: str, *, pid_directory: str, follow_from: From, wait: Wait = NO_WAIT
    ) -> Attached:
        """Follow the newest run of `id`, live or ended, from `follow_from`."""
        runs = await self._runs(target, pid_directory, id, wait)
        snapshot = await self._find(runs, id)
        self._pins.keep(target, pid_directory, id, runs.place.target)
        follower = self._followers.pop(snapshot.run_id, None)
        if follower is not None:
            await follower.stop()
        offsets = await offsets_from(runs, snapshot, follow_from)
        return Attached(await self._process(runs, snapshot), offsets, self._follow(runs, snapshot, offsets))

    async def detach(self, run_id: str) -> None:
        """Push nothing more of a run."""
        follower = self._followers.pop(run_id, None)
        if follower is not None:
            await follower.stop()
            self._in_background(follower.release)

    async def read(
        self, target: Target, id: str, *, pid_directory: str, stream: Stream, begin: int | Since, length: int
    ) -> Window:
        """Bytes of a stream of the newest run of `id`."""
        runs = await self._runs(target, pid_directory, id)
        snapshot = await self._find(runs, id)
        if isinstance(begin, Since):
            since = await offsets_from(runs, snapshot, begin)
            begin = since.stdout if stream is Stream.STDOUT else since.stderr
        return await runs.spool.read(snapshot, stream, begin, length)

    async def wait(self, target: Target, id: str, *, pid_directory: str, timeout_seconds: float | None) -> Waited:
        """Wait for the end record (or the loss) of the newest run of `id`."""
        runs = await self._runs(target, pid_directory, id)
        snapshot = await self._find(runs, id)
        try:
            async with asyncio.timeout(timeout_seconds):
                snapshot = await runs.until_ended(snapshot)
                snapshot = await self._until_written(runs, snapshot)
        except TimeoutError:
            snapshot = await self._find(runs, id)
        finally:
            self._in_background(functools.partial(runs.release, snapshot))
        process = await self._process(runs, snapshot)
        return Waited(process, timed_out=process.state in LIVE)

    async def _until_written(self, runs: Runs, snapshot: Snapshot) -> Snapshot:
        """Give the pumps of an ended run the time to write what they have; a daemon may hold the streams."""
        newest = snapshot

        def is_written(facts: Snapshot) -> bool:
            nonlocal newest
            newest = facts
            return facts.stdout.ended and (facts.stderr.ended or facts.merged)

        try:
            async with asyncio.timeout(LINGER_SECONDS):
                return await runs.until_over(snapshot, is_written)
        except (TimeoutError, RemoteCommandError):  # the end is known all the same
            return newest

    # ------------------------------------------------------------ stop

    async def signal(self, target: Target, id: str, *, pid_directory: str, signal: str, leader_only: bool) -> Process:
        """Signal what is alive of the newest run of `id`."""
        runs = await self._runs(target, pid_directory, id)
        await runs.signal(await self._find(runs, id), signal, leader_only=leader_only)
        return await self._process(runs, await self._find(runs, id))

    async def remove(self, target: Target, id: str, *, pid_directory: str) -> None:
        """Remove the records and the output of all runs of `id`."""
        runs = await self._runs(target, pid_directory, id)
        snapshot = await self._find(runs, id)
        follower = self._followers.get(snapshot.run_id)
        if follower is not None and snapshot.code is not None:
            await follower.ended()  # whoever follows is told the rest and the end first
        if not await runs.remove(id):
            raise explain.still_live(await self._process(runs, snapshot))
        self._pins.drop(target, pid_directory, id)

    async def stop(
        self, target: Target, id: str, *, pid_directory: str, signal: str, grace_period_seconds: float
    ) -> Stopped:
        """Signal the whole tree, wait, kill what is left; once begun it is carried through even if cancelled."""
        runs = await self._runs(target, pid_directory, id)
        snapshot = await self._find(runs, id)
        before = await self._process(runs, snapshot)
        if before.state is State.LOST or snapshot.life == "F":  # of another container: nothing of it is here
            return Stopped(before, Verdict(signalled=False, escalated=False, survivors=(), processes=0, elapsed_ms=0))
        verdict = await runs.stop(snapshot, signal=signal, grace_seconds=grace_period_seconds)
        self._in_background(functools.partial(runs.release, snapshot))
        return Stopped(await self._process(runs, await self._find(runs, id)), verdict)

    # ------------------------------------------------------------ feed

    async def write(self, recipient: Recipient, data: bytes, written: Written) -> None:
        """Send to the stdin of the newest run of a command, or to that of an exec; first come, first served."""
        async with self._turns.turn(recipient):
            runs, snapshot = await self._fed(recipient)
            stdin = runs.stdin(snapshot)
            try:
                await stdin.write(data, written)
            finally:
                if stdin.has_waited:
                    self._in_background(functools.partial(runs.release, snapshot))

    async def close_stdin(self, recipient: Recipient) -> None:
        """Let a command read the end of its stdin, after all that was written before."""
        async with self._turns.turn(recipient):
            runs, snapshot = await self._fed(recipient)
            await runs.stdin(snapshot).close()

    async def _fed(self, recipient: Recipient) -> tuple[Runs, Snapshot]:
        if recipient.run_id:
            launched = self._open_execs.get(recipient.run_id)
            if launched is None:
                raise explain.no_open_exec(recipient.run_id)
            return await asyncio.shield(launched)
        runs = await self._runs(recipient.target, recipient.pid_directory, recipient.id)
        return runs, await self._find(runs, recipient.id)

    # ------------------------------------------------------------ exec

    async def exec(self, target: Target, request: ExecRequest, wait: Wait = NO_WAIT) -> ExecResult:
        """Run a command to its end as a run of its own that nobody else sees; nothing of it stays."""
        if not request.open_stdin or request.run_id is None:
            return await self._exec(target, request, wait)
        if request.run_id in self._open_execs:
            raise explain.exec_under_way(request.run_id)
        launched: asyncio.Future[tuple[Runs, Snapshot]] = asyncio.get_running_loop().create_future()
        self._open_execs[request.run_id] = launched
        try:
            return await self._exec(target, request, wait, launched)
        finally:
            del self._open_execs[request.run_id]
            if not launched.done():
                launched.set_exception(explain.no_open_exec(request.run_id))
                launched.exception()  # perhaps nobody waits for it

    async def _exec(
        self,
        target: Target,
        request: ExecRequest,
        wait: Wait,
        launched: asyncio.Future[tuple[Runs, Snapshot]] | None = None,
    ) -> ExecResult:
        runs = await self._runs(target, "", None, wait)
        order = orders.from_exec(request)
        options = StartOptions(run_id=request.run_id)
        try:
            snapshot, created = await self._launch(runs, order, options)
        except RemoteCommandError as error:
            if error.run_id is None:
                raise
            self._in_background(functools.partial(self._undo_unknown, runs, order))
            raise explain.exec_unknown() from error
        if not created:
            raise explain.conflict(await self._process(runs, snapshot), is_same=False, named_twice=True)
        if launched is not None:
            launched.set_result((runs, snapshot))
        collector = Collector(request.max_output_bytes, self._listener if request.stream else None)
        is_over = False
        feeding = asyncio.create_task(_quietly(functools.partial(_feed, runs, snapshot, request.stdin)), name="feed")
        try:
            process = await self._collect(runs, snapshot, collector)
            is_over = process.state in ENDED
        finally:
            feeding.cancel()
            self._in_background(lambda: runs.forget(snapshot) if is_over else self._discard(runs, snapshot))
        return exec_result(process, collector, request)

    async def _collect(self, runs: Runs, snapshot: Snapshot, collector: Collector) -> Process:
        """Follow to the end."""
        ended = asyncio.Event()
        follower = Follower(runs, snapshot, Offsets(), collector, lambda _: ended.set(), self._connections)
        follower.begin()
        try:
            await ended.wait()
        finally:
            await follower.stop()
        if collector.final is None:
            raise explain.end_unknown()
        return collector.final

    async def _discard(self, runs: Runs, snapshot: Snapshot) -> None:
        await runs.stop(snapshot, signal="KILL", grace_seconds=0)
        await runs.forget(snapshot)

    # ------------------------------------------------------------ shared

    async def close(self) -> None:
        """Close every channel at once; commands go on untouched, but those that are to stop with their client."""
        for lease in self._leases.give_up():  # first of all, since nobody waits long for us
            self._in_background(functools.partial(lease.runs.leave, lease.path, lease.grace_seconds))
        for follower in list(self._followers.values()):
            await follower.stop()
        if self._background:
            _, late = await asyncio.wait(self._background, timeout=CLEAN_UP_SECONDS)
            for task in late:
                task.cancel()
        await self._pool.close()

    async def _runs(self, target: Target, pid_directory: str, id: str | None = None, wait: Wait = NO_WAIT) -> Runs:
        """Where a command is, or where the target is if the command is not known here."""
        if id is not None and (pinned := self._pins.of(target, pid_directory, id)) is not None:
            place = Place(pinned, pid_directory)
            if await self._pool.is_there(place):
                return Runs(self._pool, place)
            self._pins.drop(target, pid_directory, id)
        return Runs(self._pool, await self._pool.place(target, pid_directory, wait))

    async def _find(self, runs: Runs, id: str) -> Snapshot:
        snapshot = await runs.latest(id)
        if snapshot is None:
            raise explain.not_found(id)
        return snapshot

    async def _process(self, runs: Runs, snapshot: Snapshot) -> Process:
        return process_of(snapshot, runs.place.target, await runs.uptime())

    def _in_background(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        task = asyncio.create_task(_quietly(work), name="clean-up")
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _quietly(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """A guarded task: nobody awaits it, so it says itself when it fails."""
    try:
        await work()
    except RemoteCommandError as error:
        if error.kind is not ErrorKind.SHUTTING_DOWN:  # then there is nothing to be tidy for
            logger.warning("cleaning up after a command failed: %s", error.kind.value)


async def _feed(runs: Runs, snapshot: Snapshot, data: bytes | None) -> None:
    """Give an exec its stdin. The rest after a break is not sent twice: what has arrived is known."""
    if data is None:
        return
    stdin = runs.stdin(snapshot)
    try:
        while data:
            written = Written()
            await stdin.write(data, written)
            data = data[written.size :]
        await stdin.close()
    except RemoteCommandError as error:
        if error.kind is not ErrorKind.STDIN_CLOSED:  # a command need not read all of it
            raise


def exec_result(process: Process, collector: Collector, request: ExecRequest) -> ExecResult:
    """What an exec answers; raises when there was no proper end."""
    if process.state is State.START_FAILED:
        raise explain.start_failed(process)
    if process.exit_code is None:
        raise explain.end_unknown()
    if process.reason == "timeout":
        raise explain.exec_timeout(request.timeout_seconds or 0)
    return ExecResult(
        exit_code=process.exit_code,
        signal=process.signal,
        stdout=collector.kept(Stream.STDOUT),
        stderr=collector.kept(Stream.STDERR),
        truncated=collector.truncated,
    )


async def offsets_from(runs: Runs, snapshot: Snapshot, follow_from: From) -> Offsets:
    """Where following begins."""
    if isinstance(follow_from, Since):
        return await runs.spool.since(snapshot, uptime_at(snapshot, follow_from.time))
    if isinstance(follow_from, Offsets):
        return follow_from
    return Offsets(snapshot.stdout.size, snapshot.stderr.size) if follow_from == "end" else Offsets()
