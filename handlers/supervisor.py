"""The process handler: start, watch and stop commands in any target, over whatever transport reaches it.

It keeps no record of its own. What runs, ran and was written is in the container; every answer is read from there, so that
any later server gives the same one.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import logging
import secrets
from typing import TYPE_CHECKING

from handlers.agent import codec
from handlers.api import (
    Attached,
    Begin,
    Definition,
    ExecRequest,
    ExecResult,
    From,
    IfExists,
    Offsets,
    Process,
    Started,
    State,
    StartOptions,
    Stopped,
    Stream,
    Target,
    Verdict,
)
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.follow import Follower
from handlers.lifecycle import absent, process_of
from handlers.pool import Pool
from handlers.runs import Order, Runs

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from handlers.agent.codec import Snapshot
    from handlers.api import Listener

logger = logging.getLogger(__name__)

EXEC_PREFIX = "_"
"""Begins the ids of exec's own runs; no user's id can, so they are never listed."""


class Supervisor:
    """A `handlers.api.ProcessHandler` for one client."""

    def __init__(self, listener: Listener, pool: Pool | None = None) -> None:
        self._listener = listener
        self._pool = pool if pool is not None else Pool()
        self._followers: dict[str, Follower] = {}
        self._background: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ start

    async def start(self, target: Target, definition: Definition, options: StartOptions) -> Started:
        """Start a run, or attach to the live one; returns once its pid record is seen."""
        runs = await self._runs(target, definition.pid_directory)
        order = make_order(definition, options)
        snapshot, created = await self._launch(runs, order, options)
        process = await self._process(runs, snapshot)
        if process.state is State.START_FAILED:
            raise start_failed_error(process)
        return Started(process, created, self._begin(runs, snapshot, options, created=created))

    async def _launch(self, runs: Runs, order: Order, options: StartOptions) -> tuple[Snapshot, bool]:
        """Launch; whatever a cancelled launch began is stopped."""
        while True:
            launching = asyncio.create_task(runs.launch(order), name="launch")
            try:
                snapshot, created = await asyncio.shield(launching)
            except asyncio.CancelledError:
                self._in_background(self._undo(runs, launching))
                raise
            if created:
                return snapshot, True
            named_twice = order.is_named and snapshot.run_id == order.run_id
            same = snapshot.spec_hash == order.spec_hash and snapshot.command_id == order.command_id
            if same and (named_twice or options.if_exists is IfExists.ATTACH):
                return snapshot, False
            if named_twice or options.if_exists is not IfExists.REPLACE:
                raise conflict_error(await self._process(runs, snapshot), is_same=same, named_twice=named_twice)
            await runs.stop(snapshot, signal="TERM", grace_seconds=options.grace_period_seconds)

    async def _undo(self, runs: Runs, launching: asyncio.Task[tuple[Snapshot, bool]]) -> None:
        snapshot, created = await launching
        if created:
            await runs.stop(snapshot, signal="KILL", grace_seconds=0)

    def _begin(self, runs: Runs, snapshot: Snapshot, options: StartOptions, *, created: bool) -> Begin | None:
        if not options.follow or snapshot.run_id in self._followers:
            return None
        offsets = offsets_from(Offsets() if created else sizes(snapshot), options.follow_from)
        return self._follow(runs, snapshot, offsets)

    def _follow(self, runs: Runs, snapshot: Snapshot, offsets: Offsets) -> Begin:
        follower = Follower(runs, snapshot, offsets, self._listener, self._forget)
        self._followers[snapshot.run_id] = follower
        return follower.begin

    def _forget(self, follower: Follower) -> None:
        self._followers = {run: other for run, other in self._followers.items() if other is not follower}

    # ------------------------------------------------------------ watch

    async def status(self, target: Target, id: str | None, pid_directory: str) -> list[Process]:
        """The newest run of `id` (absent if there is none), or of every id."""
        runs = await self._runs(target, pid_directory)
        if id is not None:
            snapshot = await runs.latest(id)
            return [await self._process(runs, snapshot) if snapshot else absent(id, runs.place.target)]
        found = await runs.all()
        uptime = await runs.uptime()
        listed = [s for s in found if not s.command_id.startswith(EXEC_PREFIX)]
        processes = [process_of(s, runs.place.target, uptime) for s in listed]
        return sorted(processes, key=lambda process: process.id)

    async def attach(self, target: Target, id: str, *, pid_directory: str, follow_from: From) -> Attached:
        """Follow the newest run of `id`, live or ended, from `follow_from`."""
        runs = await self._runs(target, pid_directory)
        snapshot = await self._find(runs, id)
        follower = self._followers.pop(snapshot.run_id, None)
        if follower is not None:
            await follower.stop()
        offsets = offsets_from(sizes(snapshot), follow_from)
        return Attached(await self._process(runs, snapshot), offsets, self._follow(runs, snapshot, offsets))

    # ------------------------------------------------------------ stop

    async def stop(
        self, target: Target, id: str, *, pid_directory: str, signal: str, grace_period_seconds: float
    ) -> Stopped:
        """Signal the whole tree, wait, kill what is left. A stop that was begun is carried through, cancelled or not."""
        runs = await self._runs(target, pid_directory)
        snapshot = await self._find(runs, id)
        before = await self._process(runs, snapshot)
        if before.state is State.LOST:
            return Stopped(before, Verdict(signalled=False, escalated=False, survivors=(), processes=0, elapsed_ms=0))
        verdict = await runs.stop(snapshot, signal=signal, grace_seconds=grace_period_seconds)
        return Stopped(await self._process(runs, await self._find(runs, id)), verdict)

    # ------------------------------------------------------------ exec

    async def exec(self, target: Target, request: ExecRequest) -> ExecResult:
        """Run a command to its end as a run of its own that nobody else sees; nothing of it stays."""
        runs = await self._runs(target, "")
        order = make_exec_order(request)
        options = StartOptions(run_id=request.run_id)
        snapshot, created = await self._launch(runs, order, options)
        if not created:
            raise conflict_error(await self._process(runs, snapshot), is_same=False, named_twice=True)
        try:
            result = await self._collect(runs, snapshot, request)
        except BaseException:
            self._in_background(self._discard(runs, snapshot))
            raise
        self._in_background(_quietly(runs.remove(snapshot)))
        return result

    async def _collect(self, runs: Runs, snapshot: Snapshot, request: ExecRequest) -> ExecResult:
        collector = Collector(self._listener if request.stream else None, request.max_output_bytes)
        ended = asyncio.Event()
        follower = Follower(runs, snapshot, Offsets(), collector, lambda _: ended.set())
        follower.begin()
        try:
            await ended.wait()
        finally:
            await follower.stop()
        process = collector.final
        if process is None or process.state is State.LOST:
            raise RemoteCommandError(
                ErrorKind.UNREACHABLE, "The command's end is not known: its container or its record is gone."
            )
        if process.state is State.START_FAILED:
            raise start_failed_error(process)
        if process.reason == "timeout":
            raise RemoteCommandError(
                ErrorKind.TIMEOUT, f"The command did not end within {request.timeout_seconds:g} s and was stopped."
            )
        return ExecResult(
            exit_code=process.exit_code if process.exit_code is not None else -1,
            signal=process.signal,
            stdout=bytes(collector.data[Stream.STDOUT]),
            stderr=bytes(collector.data[Stream.STDERR]),
            truncated=collector.truncated,
        )

    async def _discard(self, runs: Runs, snapshot: Snapshot) -> None:
        await runs.stop(snapshot, signal="KILL", grace_seconds=0)
        await runs.remove(snapshot)

    # ------------------------------------------------------------ shared

    async def close(self) -> None:
        """Close every channel at once; commands go on untouched."""
        for follower in list(self._followers.values()):
            await follower.stop()
        for task in list(self._background):
            task.cancel()
        await self._pool.close()

    async def _runs(self, target: Target, pid_directory: str) -> Runs:
        return Runs(self._pool, await self._pool.place(target, pid_directory))

    async def _find(self, runs: Runs, id: str) -> Snapshot:
        snapshot = await runs.latest(id)
        if snapshot is None:
            raise RemoteCommandError(
                ErrorKind.COMMAND_NOT_FOUND,
                f'No command "{id}" was started in this target. Ask for the status without an id to see what was.',
            )
        return snapshot

    async def _process(self, runs: Runs, snapshot: Snapshot) -> Process:
        return process_of(snapshot, runs.place.target, await runs.uptime())

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(_quietly(work), name="clean-up")
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _quietly(work: Coroutine[None, None, None]) -> None:
    """A guarded task: nobody awaits it, so it says itself when it fails."""
    try:
        await work
    except RemoteCommandError as error:
        logger.warning("cleaning up after a command failed: %s", error.kind.value)


@dataclasses.dataclass(slots=True)
class Collector:
    """A listener that keeps the beginning of the output and the end, or passes output on."""

    listener: Listener | None
    limit: int
    final: Process | None = None
    truncated: bool = False
    data: dict[Stream, bytearray] = dataclasses.field(default_factory=lambda: {s: bytearray() for s in Stream})

    async def output(self, chunk: object) -> None:
        """Keep up to the limit, or pass on."""
        from handlers.api import OutputChunk  # noqa: PLC0415

        assert isinstance(chunk, OutputChunk)
        if self.listener is not None:
            await self.listener.output(chunk)
            return
        kept = self.data[chunk.stream]
        room = self.limit - len(kept)
        kept += chunk.data[:room]
        self.truncated = self.truncated or len(chunk.data) > room

    async def gap(self, gap: object) -> None:
        """Bytes are gone: the result is not whole."""
        self.truncated = True

    async def status_changed(self, process: Process) -> None:
        """Keep the last."""
        self.final = process


def sizes(snapshot: Snapshot) -> Offsets:
    """Where both streams end now."""
    return Offsets(snapshot.stdout.size, snapshot.stderr.size)


def offsets_from(end: Offsets, follow_from: From) -> Offsets:
    """Where following begins."""
    if isinstance(follow_from, Offsets):
        return follow_from
    return end if follow_from == "end" else Offsets()


def spec_hash(definition: Definition) -> str:
    """The same for the same definition (but its id and directory): 16 hexadecimal digits."""
    digest = hashlib.sha256()
    kind = "cmdLine" if definition.args is None else "args"
    parts = [kind, definition.cmd_line or "", *(definition.args or ()), "\0", definition.working_dir]
    parts += [f"{key}={value}" for key, value in definition.env_vars] + [str(definition.merge_output)]
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


def make_order(definition: Definition, options: StartOptions) -> Order:
    """The launch that a definition asks for."""
    argv = definition.args if definition.args is not None else ("/bin/sh", "-c", definition.cmd_line or "")
    run_id = options.run_id or secrets.token_hex(6)
    env_vars = (*definition.env_vars, ("REMOTECMD_RUN_ID", run_id))
    return Order(
        command_id=definition.id,
        run_id=run_id,
        is_named=options.run_id is not None,
        spec_hash=spec_hash(definition),
        spec=codec.spec_text(argv, working_dir=definition.working_dir, env_vars=env_vars),
        merged=definition.merge_output,
        timeout_seconds=options.timeout_seconds,
        grace_seconds=options.grace_period_seconds,
    )


def make_exec_order(request: ExecRequest) -> Order:
    """The launch of an exec: like a start, under an id that no user can have."""
    definition = Definition(
        id=EXEC_PREFIX + secrets.token_hex(6),
        cmd_line=request.cmd_line,
        args=request.args,
        working_dir=request.working_dir,
        env_vars=request.env_vars,
    )
    options = StartOptions(run_id=request.run_id, timeout_seconds=request.timeout_seconds)
    order = make_order(definition, options)
    argv = request.args if request.args is not None else ("/bin/sh", "-c", request.cmd_line or "")
    env_vars = (*request.env_vars, ("REMOTECMD_RUN_ID", order.run_id))
    spec = codec.spec_text(argv, working_dir=request.working_dir, env_vars=env_vars, stdin=request.stdin)
    return dataclasses.replace(order, spec=spec)


_REASONS = {
    "workingDirNotFound": "its working directory does not exist",
    "workingDirNotADirectory": "its working directory is not a directory",
    "executableNotFound": "there is no such executable",
    "permissionDenied": "permission was denied",
    "argumentListTooLong": "its arguments and environment together are longer than the kernel takes",
    "processLimit": "the limit of processes is reached",
    "noRecord": "nothing was heard of it",
}


def start_failed_error(process: Process) -> RemoteCommandError:
    """A run that could not start; its record stays."""
    reason = process.reason or "unknown"
    return RemoteCommandError(
        ErrorKind.START_FAILED,
        f'Command "{process.id}" could not start: {_REASONS.get(reason, reason)}.'
        if not process.id.startswith(EXEC_PREFIX)
        else f"The command could not start: {_REASONS.get(reason, reason)}.",
        reason=reason,
        process=process,
    )


def conflict_error(process: Process, *, is_same: bool, named_twice: bool) -> RemoteCommandError:
    """Another run stands in the way."""
    if named_twice:
        message = f'The runId is taken: it names a run of command "{process.id}" with another definition or id.'
    elif is_same:
        message = f'Command "{process.id}" is live already (ifExists is "fail").'
    else:
        message = (
            f'Command "{process.id}" is live with another definition. Stop it first, or start with ifExists "replace".'
        )
    return RemoteCommandError(ErrorKind.COMMAND_CONFLICT, message, process=process)


