"""Each trap that was met while the agent was designed, sprung on purpose, under every shell where shells may differ."""

import asyncio
import collections
import contextlib
import dataclasses
import fcntl
import os
import re
import secrets
import shutil
import struct
import termios
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

import handlers.agent.channel
import handlers.follow
import handlers.runs
import handlers.supervisor
from handlers.agent import bootstrap, codec
from handlers.agent.channel import agent_text
from handlers.api import (
    ConnectionState,
    Definition,
    ExecRequest,
    Gap,
    IfExists,
    LocalTarget,
    Offsets,
    OutputChunk,
    Process,
    ResolvedTarget,
    StartOptions,
    State,
    Status,
    Stream,
)
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.supervisor import Supervisor
from tests.shells.conftest import Gate, Recorder, make_supervisor
from tests.shells.container import SHELLS, Container, make_tools
from tests.shells.limits import Disk, Limit, LimitedContainer
from tests.shells.test_agent import define, settled, stop

pytestmark = [pytest.mark.shells, pytest.mark.usual_tools]

TARGET = LocalTarget()


# ---------------------------------------------------------------- looking into the container, without a process in it


@dataclasses.dataclass(frozen=True)
class Row:
    """A process in the container, by its numbers there; `ticks` of CPU time are its own and its reaped children's."""

    pid: int
    name: str
    state: str
    parent: int
    group: int
    start: int
    ticks: int


def proc(container: Container) -> Path:
    return Path(f"/proc/{container.pid}/root/proc")


def table(container: Container) -> list[Row]:
    """Everything in the container but PID 1, zombies too."""
    rows = []
    for path in proc(container).glob("[0-9]*/stat"):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        head, _, tail = text.rpartition(")")
        pid, _, name = head.partition(" (")
        words = tail.split()
        ticks = sum(map(int, words[11:15]))
        rows.append(Row(int(pid), name, words[0], int(words[1]), int(words[2]), int(words[19]), ticks))
    return [row for row in rows if row.pid != 1]


def zombies(container: Container) -> list[str]:
    return sorted(row.name for row in table(container) if row.state == "Z")


def processes_started(container: Container) -> int:
    """How many processes the container has had; to ask costs a few, always as many."""
    return int(container.run("/bin/dash", "-c", "read -r line </proc/loadavg; echo ${line##* }"))


def waiting_dd(container: Container, fifo: Path) -> int | None:
    """The dd that a pump waits for."""
    for row in table(container):
        with contextlib.suppress(OSError):
            if row.name == "dd" and (proc(container) / f"{row.pid}/fd/0").readlink() == fifo:
                return row.pid
    return None


def signal_to(container: Container, signal: str, *pids: int) -> None:
    container.run("/bin/dash", "-c", f"kill -{signal} {' '.join(map(str, pids))}")


def command_processes(container: Container, word: str) -> list[int]:
    return [pid for pid, arguments in container.processes().items() if arguments.split()[-1] == word]


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    """For what tells nobody, as process tables and files: look until it is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(0.01)


# ---------------------------------------------------------------- leading the commands and the handler


class Tally:
    """A listener for many runs: counts what comes instead of keeping it in order."""

    def __init__(self) -> None:
        self.data: dict[str, bytearray] = collections.defaultdict(bytearray)
        self.finals: dict[str, Process] = {}
        self._news = asyncio.Condition()

    async def output(self, chunk: OutputChunk) -> None:
        assert len(self.data[chunk.id]) == chunk.offset
        self.data[chunk.id] += chunk.data

    async def gap(self, gap: Gap) -> None:
        pytest.fail(f"a gap in {gap.id}")

    async def connection(self, target: ResolvedTarget, state: ConnectionState, detail: str) -> None:
        pass

    async def status_changed(self, process: Process) -> None:
        if process.ended_at is not None:
            async with self._news:
                self.finals[process.id] = process
                self._news.notify_all()

    async def until_final(self, count: int, seconds: float = 50) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: len(self.finals) == count)


async def run(supervisor: Supervisor, definition: Definition, options: StartOptions | None = None) -> Process:
    """Start and follow."""
    started = await supervisor.start(TARGET, definition, options or StartOptions())
    if started.begin is not None:
        started.begin()
    return started.process


async def attach(supervisor: Supervisor, container: Container, id: str, follow_from: Offsets | str) -> Process:
    attached = await supervisor.attach(TARGET, id, pid_directory=str(container.base), follow_from=follow_from)  # type: ignore[arg-type]
    attached.begin()
    return attached.process


async def look(supervisor: Supervisor, container: Container, id: str) -> Process:
    (process,) = await supervisor.status(TARGET, id, str(container.base))
    return process


def run_directory(container: Container, id: str, generation: int = 1) -> Path:
    (base,) = container.base.glob("remotecmd-*")
    name = (base / "ids" / f"{codec.run_key(id)}.{generation}").read_text(encoding="ascii").split()[0]
    return base / "runs" / name


def record(container: Container, id: str) -> list[int]:
    """pid, start, uptime, pid of the supervising shell."""
    words = (run_directory(container, id) / "pid").read_text(encoding="ascii").split()
    assert words[0] == words[5] == "x"
    return [int(float(word)) for word in words[1:5]]


def agent_directories(container: Container) -> list[Path]:
    return [*container.base.glob("remotecmd-*/agents/*"), *container.base.glob("remotecmd-*/*.*")]


@pytest.fixture
def pings_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a watchdog of 1 s ends only agents that are really left alone."""
    monkeypatch.setattr(handlers.agent.channel, "PING_SECONDS", 0.2)


@pytest.fixture
def pings_never(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is silent."""
    monkeypatch.setattr(handlers.agent.channel, "PING_SECONDS", 1000)


@pytest.fixture
def asks_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long the handler believes in a spawner that does nothing."""
    monkeypatch.setattr(handlers.runs, "RECORD_SECONDS", 0.5)


class Serve(Protocol):
    """Makes another server, an owner of its own; the `supervisor` fixture is a first one."""

    def __call__(self, listener: Recorder | Tally, watchdog: int = 30) -> Supervisor: ...


@pytest.fixture
async def serve(container: Container, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    made: list[Supervisor] = []

    def make(listener: Recorder | Tally, watchdog: int = 30) -> Supervisor:
        made.append(make_supervisor(container, listener, monkeypatch, watchdog=watchdog))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for supervisor in made:
        await supervisor.close()


class RawAgent:
    """An agent whose server is the test: nobody reads what the test does not read, and nobody pings."""

    def __init__(self, process: asyncio.subprocess.Process, nonce: str, notices: int) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._nonce = nonce
        self._notices = notices
        self._asked = 0
        self.pid = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, container: Container, *, owner: str = "raw-0", watchdog: int = 30, directory: Path | None = None
    ) -> AsyncIterator["RawAgent"]:
        notices, notices_end = os.pipe()
        fcntl.fcntl(notices, fcntl.F_SETPIPE_SZ, 4096)
        process = await asyncio.create_subprocess_exec(
            *container.enter(container.shell, *bootstrap.ARGV[1:]),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=notices_end,
            limit=4096, start_new_session=True,
        )  # fmt: skip
        os.close(notices_end)
        made = cls(process, secrets.token_hex(8), notices)
        line = bootstrap.bootstrap_line(
            agent_text(), nonce=made._nonce, owner=owner, directory=str(directory or container.base),
            watchdog_seconds=watchdog, shell=container.shell,
        )  # fmt: skip
        try:
            await made._send(line)
            nonce, greeting, _, pid, *_ = (await made._stdout.readline()).decode().split()
            assert (nonce, greeting) == (made._nonce, "hello")
            made.pid = int(pid)
            yield made
        finally:
            made._stdin.close()
            process._transport.close()  # type: ignore[attr-defined]  # asyncio has no other way to drop unread pipes
            await process.wait()
            os.close(notices)

    def is_blocked(self) -> bool:
        """Whether there is no room for another notice; of one run, each comes by itself and has less than 250 bytes."""
        return struct.unpack("i", fcntl.ioctl(self._notices, termios.FIONREAD, bytes(4)))[0] > 4096 - 250

    async def _send(self, line: bytes) -> None:
        self._stdin.write(line)
        await self._stdin.drain()

    async def tell(self, operation: str, *words: str | int) -> None:
        """Send a request and leave its reply unread."""
        self._asked += 1
        await self._send(codec.request_line(operation, self._asked, *words))

    async def ask(self, operation: str, *words: str | int) -> bytes:
        """Send a request and read its reply."""
        await self.tell(operation, *words)
        async with asyncio.timeout(20):
            nonce, asked, count, *_ = (await self._stdout.readline()).decode().split()
            assert (nonce, asked) == (self._nonce, str(self._asked))
            return await self._stdout.readexactly(int(count))

    async def start(self, id: str, cmd_line: str) -> None:
        """Start a command by this very agent, so that it and its spawner belong together."""
        spec = codec.spec_text(("/bin/sh", "-c", cmd_line), working_dir="", env_vars=(("REMOTECMD_RUN_ID", id),))
        self._asked += 1
        await self._send(codec.request_line("put", self._asked, spec))
        self._asked -= 1
        await self.ask("start", codec.run_key(id), id, id, "0" * 16, 0, 0, 0, 1000, 0, "line", "-", 0, 131_072)

    async def until_gone(self) -> None:
        """Wait for the end of its stdout, as a server that reads sees it."""
        async with asyncio.timeout(20):
            while await self._stdout.read(65536):
                pass

    def processes(self, container: Container) -> list[Row]:
        """Its process group: all of it but the spawner."""
        return [row for row in table(container) if row.group == self.pid and row.state != "Z"]

    def directories(self, container: Container) -> list[Path]:
        return [path for path in agent_directories(container) if path.name.endswith(f".{self.pid}")]


# ---------------------------------------------------------------- agents come while pumps ring


@pytest.mark.one_shell
async def test_agents_that_come_while_commands_print_all_hear_and_leave_clean(
    container: Container, supervisor: Supervisor, serve: Serve
) -> None:
    # A pump that rang an agent whose FIFO was not made yet made a file of that name: the agent was deaf for good.
    over = container.root / "over"
    line = f"i=0; until [ -e '{over}' ]; do echo $((i += 1)); sleep 0.1; done"
    definitions = [define(container, f"printer-{i}", line) for i in range(40)]
    await asyncio.gather(*(supervisor.start(TARGET, d, StartOptions(follow=False)) for d in definitions))
    (resident,) = agent_directories(container)
    for i in range(15):
        recorder = Recorder()
        other = serve(recorder)
        await attach(other, container, f"printer-{i}", "end")
        # The first chunk may be what was there when it came; every later one came because it was rung.
        await heard(recorder, chunks=4)
        (newcomer,) = set(agent_directories(container)) - {resident}
        assert (newcomer / "wake").is_fifo()
        await other.close()
        await until(lambda: agent_directories(container) == [resident])
    over.touch()
    await supervisor.close()
    assert await settled(container, 20) == {}
    assert agent_directories(container) == []


async def heard(recorder: Recorder, chunks: int) -> None:
    async with asyncio.timeout(20), recorder._news:
        await recorder._news.wait_for(lambda: len(recorder.chunks) >= chunks)


@pytest.mark.one_shell
@pytest.mark.timeout(120)
async def test_blocked_agent_holds_up_no_pump_of_600_commands(
    container: Container, gate: Gate, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Names in the FIFO filled it: 263 of 600 pumps stood still, and their commands with them.
    count, lines = 600, 6
    line = f"{gate.wait}; for i in 1 2 3 4 5 {lines}; do echo $i; sleep 0.1; done"
    tally = Tally()
    supervisor = serve(tally)
    monkeypatch.setattr(handlers.follow, "LINGER_SECONDS", 60)  # the machine is busy, no daemon holds the streams
    ids = [f"many-{i}" for i in range(count)]
    async with RawAgent.open(container, watchdog=1000) as blocked:
        await asyncio.gather(*(run(supervisor, define(container, name, line)) for name in ids))
        for name in ids:
            assert await blocked.ask("hear", run_directory(container, name).name)
        gate.let(count)  # from now on, nobody reads the notices of the blocked agent
        await tally.until_final(count)
        assert {bytes(tally.data[name]) for name in ids} == {b"1\n2\n3\n4\n5\n6\n"}
        (directory,) = blocked.directories(container)
        await supervisor.close()
        await calm(container)  # if it were not blocked, it would have taken the byte that rang it
        assert (directory / "rung").read_text(encoding="ascii") == "1\n"
    assert await settled(container) == {}


# ---------------------------------------------------------------- what is killed with -9


async def test_command_outlives_its_supervising_shell_and_ends_as_lost(
    container: Container, supervisor: Supervisor, recorder: Recorder, gate: Gate, asks_again_soon: None
) -> None:
    line = f"echo one; {gate.wait}; echo two; {gate.wait}; /usr/bin/seq 100000 >&2; /usr/bin/seq 100000; exit 3"
    process = await run(supervisor, define(container, "orphan", line))
    await recorder.until_output(b"one\n")
    pid, _, _, shell = record(container, "orphan")
    signal_to(container, "KILL", shell)
    await until(lambda: shell not in {row.pid for row in table(container) if row.state != "Z"})
    gate.let()
    await recorder.until_output(b"two\n")
    assert (await look(supervisor, container, "orphan")).state is State.RUNNING
    assert process.pid == pid

    # xargs reads no further once a child of its died of a signal: the next start needs, and gets, another spawner.
    after = await run(supervisor, define(container, "after", "echo after"))
    final = await recorder.until_final(after.run_id)
    assert (final.exit_code, recorder.data(run_id=after.run_id)) == (0, b"after\n")

    gate.let()
    lost = await recorder.until_final(process.run_id)  # PID 1 of this container reaps nothing
    assert (lost.state, lost.status, lost.reason) == (State.LOST, Status.UNKNOWN, "zombie")
    assert (lost.exit_code, lost.signal) == (None, None)
    numbers = b"".join(b"%d\n" % i for i in range(1, 100_001))
    assert recorder.data(run_id=process.run_id) == b"one\ntwo\n" + numbers
    assert recorder.data(Stream.STDERR, process.run_id) == numbers


@pytest.mark.one_shell
async def test_start_goes_round_a_spawner_that_stands_still_while_another_command_prints(
    container: Container, supervisor: Supervisor, recorder: Recorder, asks_again_soon: None
) -> None:
    # What the other one wrote was taken for a sign of the spawner's life, until the start had failed.
    over = container.root / "over"
    printing = f"i=0; until [ -e '{over}' ]; do echo $((i += 1)); sleep 0.05; done"
    await run(supervisor, define(container, "printer", printing))
    await recorder.until_output(b"1\n2\n")
    (spawner,) = [row.pid for row in table(container) if row.name == "xargs"]
    signal_to(container, "STOP", spawner)
    after = await run(supervisor, define(container, "after", "echo after"))
    final = await recorder.until_final(after.run_id)
    assert (final.exit_code, recorder.data(run_id=after.run_id)) == (0, b"after\n")
    signal_to(container, "CONT", spawner)
    over.touch()


async def test_killing_the_dd_of_a_silent_stream_loses_nothing(
    container: Container, supervisor: Supervisor, recorder: Recorder, gate: Gate
) -> None:
    line = f"for i in 1 2 3 4 5; do echo line $i; {gate.wait}; done"
    await run(supervisor, define(container, "cut", line))
    fifo = run_directory(container, "cut") / "o"
    for i in range(1, 6):
        await recorder.until_output(b"line %d\n" % i)
        await until(lambda: waiting_dd(container, fifo))
        waiting = waiting_dd(container, fifo)
        assert waiting is not None
        signal_to(container, "KILL", waiting)
        await until(lambda gone=waiting: waiting_dd(container, fifo) not in {gone, None})
        gate.let()
    final = await recorder.until_final()
    assert (final.exit_code, recorder.gaps) == (0, [])
    assert recorder.data() == b"".join(b"line %d\n" % i for i in range(1, 6))


async def test_agent_whose_first_process_is_killed_leaves_nothing_and_another_goes_on(
    container: Container,
    recorder: Recorder,
    gate: Gate,
    pings_often: None,
    serve: Serve,
) -> None:
    supervisor = serve(recorder, watchdog=1)
    line = f"echo 1; for i in 2 3; do {gate.wait}; echo $i; done"
    await run(supervisor, define(container, "on", line))
    await recorder.until_output(b"1\n")
    (first,) = agent_directories(container)
    signal_to(container, "KILL", int(first.name.rpartition(".")[2]))
    gate.let()
    await recorder.until_output(b"2\n")
    await until(lambda: not first.exists())
    gate.let()
    final = await recorder.until_final()
    assert (final.exit_code, recorder.data(), recorder.gaps) == (0, b"1\n2\n3\n", [])
    (second,) = agent_directories(container)
    assert second != first
    await supervisor.close()
    assert await settled(container) == {}
    assert agent_directories(container) == []


# ---------------------------------------------------------------- no room


def pieces(recorder: Recorder) -> list[tuple[int, int, bytes | None]]:
    """Chunks and gaps of stdout as they follow one another: start, end, bytes."""
    found: list[tuple[int, int, bytes | None]] = [
        (c.offset, c.offset + len(c.data), c.data) for c in recorder.chunks if c.stream is Stream.STDOUT
    ]
    found += [(g.start, g.end, None) for g in recorder.gaps if g.stream is Stream.STDOUT]
    found.sort(key=lambda piece: piece[:2])
    assert [start for start, _, _ in found] == [0, *(end for _, end, _ in found[:-1])], "they do not join"
    assert all(end > start for start, end, _ in found)
    return found


def whole_lines(found: list[tuple[int, int, bytes | None]]) -> list[bytes]:
    """The lines of which neither end is at a gap."""
    stretches = b"".join(b"\0" if data is None else data for _, _, data in found)
    return [line for line in re.split(rb"\n", stretches) if b"\0" not in line and line]


async def test_full_disk_costs_output_and_nothing_else(
    container: Container, supervisor: Supervisor, recorder: Recorder, gate: Gate, disk: Disk
) -> None:
    written = container.root / "written"
    line = (
        f"/usr/bin/seq -f 'line %07.0f' 1000000 1000300; {gate.wait}; /usr/bin/seq -f 'line %07.0f' 2000000 2300000;"
        f">'{written}'; i=3000000; while {gate.wait} && [ $x = on ]; do echo line $i; i=$((i + 1)); done; exit 7"
    )
    definition = Definition(id="big", cmd_line=line, pid_directory=str(disk.path))
    process = await run(supervisor, definition)
    await recorder.until_output(b"line 1000300\n")
    disk.fill()
    gate.let()
    await until(written.exists)  # 3.9 MB went somewhere: it is not blocked
    assert process.pid in {row.pid for row in table(container) if row.state != "Z"}
    disk.make_room()
    while not re.search(rb"line 3\d{6}\n", recorder.data()):
        gate.let()
        await asyncio.sleep(0.02)
    gate.let(20)
    gate.let(word="off")
    final = await recorder.until_final()
    assert (final.state, final.status, final.exit_code) == (State.EXITED, Status.ERRORED, 7)
    assert final.stdout_ended and final.offsets is not None

    assert recorder.gaps and {gap.reason for gap in recorder.gaps} == {"storageFull"}
    assert [p.reason for p in recorder.states if p.state is State.RUNNING] == ["storageFull", None]
    found = pieces(recorder)
    assert found[-1][1] == final.offsets.stdout and found[-1][2] is not None
    numbers = [int(text) for text in re.findall(rb"^line (\d{7})$", b"\n".join(whole_lines(found)), re.MULTILINE)]
    assert len(numbers) >= len(whole_lines(found)) - 2 * len(recorder.gaps)
    assert numbers == sorted(set(numbers))
    assert numbers[:301] == [*range(1_000_000, 1_000_301)]
    assert all(1_000_300 < n <= 2_300_000 or n >= 3_000_000 for n in numbers[301:])
    resumed = [n for n in numbers if n >= 3_000_000]
    assert resumed == [*range(resumed[0], resumed[-1] + 1)], "after the gap nothing is missing"

    # Who comes later finds the same.
    live = (recorder.data(), list(recorder.gaps))
    recorder.chunks.clear()
    recorder.gaps.clear()
    recorder.states.clear()
    attached = await supervisor.attach(TARGET, "big", pid_directory=str(disk.path), follow_from="start")
    attached.begin()
    await recorder.until_final()
    assert (recorder.data(), recorder.gaps) == live


async def test_what_is_lost_at_the_very_end_on_a_full_disk_is_told(
    container: Container, supervisor: Supervisor, recorder: Recorder, gate: Gate, disk: Disk
) -> None:
    line = f"echo first; {gate.wait}; /usr/bin/head -c 6000 /dev/zero; exit 5"
    await run(supervisor, Definition(id="late", cmd_line=line, pid_directory=str(disk.path)))
    await recorder.until_output(b"first\n")
    disk.fill()
    gate.let()
    final = await recorder.until_final()
    assert (final.state, final.exit_code) == (State.EXITED, 5)
    assert pieces(recorder)[-1][2] is None, "the last thing told of the stream must be that bytes are gone"
    assert len(recorder.data()) < 6006


async def test_stop_on_a_full_disk_is_done_and_answered(
    container: Container, supervisor: Supervisor, recorder: Recorder, disk: Disk
) -> None:
    await run(supervisor, Definition(id="noisy", cmd_line="exec yes", pid_directory=str(disk.path)))
    await until(lambda: " F " in container.run("/bin/dash", "-c", f"cat '{disk.path}'/*/runs/*/o.n"))
    stopped = await supervisor.stop(
        TARGET, "noisy", pid_directory=str(disk.path), signal="TERM", grace_period_seconds=5
    )
    assert stopped.verdict.signalled and not stopped.verdict.escalated and stopped.verdict.survivors == ()
    assert (stopped.process.state, stopped.process.signal) == (State.SIGNALED, "TERM")


@pytest.mark.parametrize("options", ["size=1m", "size=1m,nr_inodes=200"], ids=["no-blocks", "no-inodes"])
@pytest.mark.covers("storageFull")
async def test_start_on_a_full_disk_says_so_and_leaves_nothing(
    container: Container, serve: Serve, options: str
) -> None:
    disk = Disk(container, options)
    definition = Definition(id="none", cmd_line="exit 0", pid_directory=str(disk.path))
    resident, newcomer = (serve(Recorder()) for _ in range(2))
    await resident.status(TARGET, None, str(disk.path))
    disk.fill()
    before = disk.files()
    for supervisor in (resident, newcomer):
        with pytest.raises(RemoteCommandError) as caught:
            await supervisor.start(TARGET, definition, StartOptions())
        assert caught.value.kind is ErrorKind.STORAGE_FULL
        assert disk.files() == before
    assert (await resident.status(TARGET, None, str(disk.path))) == []
    disk.make_room()
    for supervisor in (resident, newcomer):
        await supervisor.start(TARGET, definition, StartOptions(follow=False, if_exists=IfExists.REPLACE))
        await supervisor.close()
    assert await settled(container) == {}


@pytest.mark.usual_tools
async def test_wait_on_a_full_disk_tells_an_end_and_never_guesses_one(
    container: Container, serve: Serve, gate: Gate, disk: Disk
) -> None:
    starter, waiter = (serve(Recorder()) for _ in range(2))
    await starter.start(TARGET, Definition(id="ended", cmd_line="exit 5", pid_directory=str(disk.path)), StartOptions())
    live = Definition(id="live", cmd_line=f"{gate.wait}; exit 6", pid_directory=str(disk.path))
    await starter.start(TARGET, live, StartOptions(follow=False))
    base = {"pid_directory": str(disk.path), "timeout_seconds": None}
    assert (await starter.wait(TARGET, "ended", **base)).process.exit_code == 5
    assert len(await waiter.status(TARGET, None, str(disk.path))) == 2  # it has an agent, and no bell of either run
    disk.fill()
    assert (await waiter.wait(TARGET, "ended", **base)).process.exit_code == 5
    with pytest.raises(RemoteCommandError) as caught:
        await waiter.wait(TARGET, "live", **base)
    assert caught.value.kind is ErrorKind.STORAGE_FULL
    disk.make_room()
    gate.let()
    assert (await waiter.wait(TARGET, "live", **base)).process.exit_code == 6


@pytest.mark.slow
@pytest.mark.one_shell
async def test_wait_tells_how_far_the_streams_are_that_a_daemon_holds(
    container: Container, supervisor: Supervisor, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers.supervisor, "LINGER_SECONDS", 5)
    definition = define(container, "web", f"({gate.wait}; echo late; exec sleep 1000) & echo early")
    await supervisor.start(TARGET, definition, StartOptions(follow=False))
    base = str(container.base)
    waiting = asyncio.create_task(supervisor.wait(TARGET, "web", pid_directory=base, timeout_seconds=None))
    await until_state(supervisor, container, "web", State.EXITED)
    gate.let()
    process = (await waiting).process
    assert (process.state, process.stdout_ended, process.offsets) == (State.EXITED, False, Offsets(11, 0))


# ---------------------------------------------------------------- what costs nothing


@pytest.mark.one_shell
async def test_100_silent_commands_cost_nothing(
    container: Container, gate: Gate, pings_never: None, serve: Serve
) -> None:
    tally = Tally()
    supervisor = serve(tally)
    definitions = [define(container, f"silent-{i}", f"echo up; {gate.wait}") for i in range(100)]
    await asyncio.gather(*(run(supervisor, definition) for definition in definitions))
    await until(lambda: sum(len(data) for data in tally.data.values()) == 300)
    await calm(container)
    first, second = processes_started(container), processes_started(container)
    before = table(container)
    # A look at the clock would say nothing here: what is counted is the work that is done meanwhile.
    await asyncio.sleep(3)
    after = table(container)
    assert processes_started(container) - second == second - first, "a process was started"
    assert [dataclasses.replace(row, ticks=0) for row in after] == [dataclasses.replace(row, ticks=0) for row in before]
    # Processes that wait use no tick (10 ms) at all. A poll of 20 ms used 291 in 3 s with 200 commands.
    assert sum(row.ticks for row in after) - sum(row.ticks for row in before) <= 2
    assert [row.name for row in after if row.name == "sleep"] == ["sleep"], "the watchdog's is the only timer"
    gate.let(100)
    await tally.until_final(100)
    await supervisor.close()


async def calm(container: Container) -> None:
    """Until no process is started any more: then each pump waits in its dd."""
    before: list[Row] = []
    while before != table(container):
        before = table(container)
        await asyncio.sleep(0.3)


# ---------------------------------------------------------------- a server that is silent


@pytest.mark.parametrize("blocked", ["idle", "in-a-notice", "in-a-window"])
async def test_agent_of_a_silent_server_goes_and_its_commands_stay(
    container: Container, supervisor: Supervisor, gate: Gate, blocked: str
) -> None:
    async with RawAgent.open(container, watchdog=1) as agent:
        line = f"{gate.wait}; while {gate.wait} && [ $x = on ]; do echo $x; done; exit 4"
        if blocked == "in-a-window":
            line = f"/usr/bin/head -c 1000000 /dev/zero; {line}"
        if blocked == "in-a-notice":
            line = f"i=0; while [ $i -lt 50 ]; do echo $i; i=$((i + 1)); sleep 0.03; done; {line}"
        await agent.start("stays", line)
        assert len(agent.directories(container)) == 1
        if blocked == "in-a-window":
            size = run_directory(container, "stays") / "o.0"
            await until(lambda: size.exists() and size.stat().st_size == 1_000_000)
            await agent.tell("window", run_directory(container, "stays").name, "o.0", 0, 1_000_000)
        if blocked == "in-a-notice":
            while not agent.is_blocked():
                await agent.ask("ping")
                await asyncio.sleep(0.02)
        await until(lambda: not agent.processes(container))
        assert agent_directories(container) == []
    process = await look(supervisor, container, "stays")
    assert process.state is State.RUNNING
    gate.let()
    gate.let(word="off")
    await until_state(supervisor, container, "stays", State.EXITED)
    await supervisor.close()
    assert await settled(container) == {}


async def until_state(supervisor: Supervisor, container: Container, id: str, state: State) -> Process:
    async with asyncio.timeout(15):
        while (process := await look(supervisor, container, id)).state is not state:  # noqa: ASYNC110  # not followed
            await asyncio.sleep(0.02)
    return process


async def test_supervisor_that_comes_too_late_starts_nothing(container: Container, supervisor: Supervisor) -> None:
    """All was frozen for so long that the run was told to have failed, and another one was started."""
    async with RawAgent.open(container) as agent:
        await until(lambda: [row for row in table(container) if row.name == "xargs"])
        (spawner,) = [row.pid for row in table(container) if row.name == "xargs"]
        container.run("/bin/dash", "-c", f"kill -STOP {spawner}")
        await agent.start("late", "exec sleep 1000")
        run = run_directory(container, "late")
        for name, place in (("go", 6), ("meta", 5)):  # white-box: it was made a minute ago
            words = (run / name).read_text(encoding="ascii").split()
            words[place] = f"{float(words[place]) - 60:.2f}"
            (run / name).write_text(" ".join(words) + "\n", encoding="ascii")
        process = await look(supervisor, container, "late")
        assert (process.state, process.reason) == (State.START_FAILED, "noRecord")
        definition = Definition(id="late", cmd_line="exec sleep 1000", pid_directory=str(container.base))
        second = await supervisor.start(TARGET, definition, StartOptions(follow=False))
        container.run("/bin/dash", "-c", f"kill -CONT {spawner}")
        await until(lambda: (run / "end").read_text(encoding="ascii") != "\n")
        assert "noRecord" in (run / "end").read_text(encoding="ascii")
        assert [text for text in container.processes().values() if text.startswith("sleep 1000")] == ["sleep 1000 "]
        assert (await look(supervisor, container, "late")).run_id == second.process.run_id


def test_agent_leaves_alone_what_one_with_its_pid_made_before(container: Container) -> None:
    functions, _, _ = agent_text().rpartition("\nagent")
    script = container.root / "twice"
    script.write_text(
        f"{functions}\nmkdir -p runs agents/me/b\necho >agents/me/spare\nRC_OWNER=owner RC_ME=agents/me\n"
        "RC_MAIN_START=1\nprepare\nrc_prepared=0 RC_MAIN_START=2\nprepare\n"
    )
    container.run("/bin/sh", "-c", 'cd "$1" && exec "$2" "$3"', "sh", str(container.base), container.shell, str(script))
    assert len(list((container.base / "runs").iterdir())) == 8


@pytest.mark.parametrize("helper", ["watchdog", "limit run 1000 0"])
def test_helper_that_sleeps_ends_whenever_it_is_told(container: Container, helper: str) -> None:
    """TERM comes at another moment of its beginning in each round; whoever misses it is still there at the end."""
    functions, _, _ = agent_text().rpartition("\nagent")
    script = container.root / "rounds"
    script.write_text(
        f"{functions}\nRC_WATCHDOG=1000 i=0\nwhile [ $i -lt 300 ]; do\n{helper} &\npid=$! n=0\n"
        "while [ $n -lt $((i % 60 * 10)) ]; do n=$((n + 1)); done\ndismiss $pid\ni=$((i + 1))\ndone\n"
    )
    container.run(container.shell, str(script), check=False)
    left = list(container.processes().values())
    if (
        Path(container.shell).name == "mksh"
    ):  # it may die before it knows its sleep; the agent's `end_group` is for that
        left = [arguments for arguments in left if not arguments.startswith("sleep")]
    assert left == []


async def test_new_agent_ends_its_predecessor_and_nobody_else(container: Container) -> None:
    async with RawAgent.open(container, owner="a-1") as old, RawAgent.open(container, owner="a-11") as other:
        assert len(agent_directories(container)) == 2
        async with RawAgent.open(container, owner="a-1") as new:
            await old.until_gone()
            await until(lambda: not old.processes(container))
            assert old.directories(container) == []
            assert await other.ask("ping") == await new.ask("ping") == b""
            assert len(agent_directories(container)) == 2


# ---------------------------------------------------------------- what others can see


SECRETS = {
    "id": "seen-id", "run_id": "seen-run", "line": "seen-line", "argument": "seen-argument", "key": "seen_key",
    "value": "seen-value", "directory": "seen-directory", "stdin": "seen-stdin",
}  # fmt: skip


def wrap_tools(container: Container, directory: Path) -> Path:
    """Put a script before each tool on the PATH that writes its arguments to a log."""
    directory.mkdir()
    log = container.root / "log"
    for place in reversed(container.environment["PATH"].split(":")):
        for tool in Path(place).iterdir():
            script = directory / tool.name
            text = f'#!/bin/dash\nprintf "%s\\n" "$0 $*" >>{log}\nexec {place}/{tool.name} "$@"\n'
            script.write_text(text, encoding="ascii")
            script.chmod(0o755)
    container.environment["PATH"] = str(directory)
    return log


def told(text: str) -> list[str]:
    return [name for name, secret in SECRETS.items() if secret in text]


async def test_no_argument_and_no_file_tells_of_a_definition(
    container: Container, supervisor: Supervisor, recorder: Recorder, gate: Gate
) -> None:
    log = wrap_tools(container, container.root / "wrapped")
    directory = container.root / SECRETS["directory"]
    directory.mkdir()
    env_vars = ((SECRETS["key"], SECRETS["value"]),)
    common = {"working_dir": str(directory), "env_vars": env_vars, "pid_directory": str(container.base)}
    line = f"echo up; {gate.wait}; : {SECRETS['line']}"
    lined = Definition(id=SECRETS["id"], cmd_line=line, merge_output=True, **common)  # type: ignore[arg-type]
    words = ("/bin/sh", "-c", f"{gate.wait}; :", SECRETS["argument"])
    argued = Definition(id=f"{SECRETS['id']}-2", args=words, **common)  # type: ignore[arg-type]
    options = StartOptions(run_id=SECRETS["run_id"], timeout_seconds=1000)
    processes = [await run(supervisor, lined, options), await run(supervisor, argued)]
    await recorder.until_output(b"up\n")
    await attach(supervisor, container, SECRETS["id"], "start")

    pids = {process.pid for process in processes}
    telling = {pid for pid, arguments in container.processes().items() if told(arguments)}
    assert telling == pids, "the commands' own arguments, and no others"
    # These are on record, and so is the beginning of what runs, for those who ask what does.
    recorded = {"id", "run_id"}
    files = [path for path in container.base.rglob("*") if path.is_file()]
    tell = {(path.name, word) for path in files for word in told(path.read_text("utf-8", "replace"))}
    assert {(name, word) for name, word in tell if word not in recorded} == {("meta", "argument"), ("meta", "line")}

    await stop(container, supervisor, SECRETS["id"], grace=5)
    request = ExecRequest(cmd_line=f"cat; : {SECRETS['line']}", stdin=SECRETS["stdin"].encode(), env_vars=env_vars)
    assert (await supervisor.exec(TARGET, request)).stdout == SECRETS["stdin"].encode()
    gate.let()
    await supervisor.close()
    assert await settled(container) == {}
    used = log.read_text(encoding="utf-8").splitlines()
    # setsid becomes the command: it is the same process, and what follows in its arguments is the command's own.
    lines = [f"/bin/sh -c {lined.cmd_line}", " ".join(words), f"/bin/sh -c {request.cmd_line}"]
    own = {f"{log.parent}/wrapped/setsid {line}" for line in lines}
    assert own & set(used), "the log does not show what is started"
    assert [entry for entry in used if told(entry) and entry not in own] == []


# ---------------------------------------------------------------- no more processes


@pytest.fixture
def limited(limit: Limit, combination: tuple[str, str], tmp_path: Path) -> Iterator[LimitedContainer]:
    shell, tools = combination
    made = LimitedContainer(tmp_path, limit, shell=SHELLS[shell], path=make_tools(tools, tmp_path / "bin"))
    yield made
    made.close()


def arguments(container: Container, word: bytes) -> list[int]:
    """The pids of those that have `word` among their arguments."""
    found = []
    for row in table(container):
        with contextlib.suppress(OSError):
            if word in (proc(container) / str(row.pid) / "cmdline").read_bytes():
                found.append(row.pid)
    return found


@pytest.mark.one_shell
@pytest.mark.parametrize("more", range(8))
async def test_start_at_the_limit_of_processes_is_whole_or_says_so(
    limited: LimitedContainer,
    limit: Limit,
    monkeypatch: pytest.MonkeyPatch,
    recorder: Recorder,
    asks_again_soon: None,
    pings_often: None,
    more: int,
) -> None:
    gate = Gate(limited.root)
    supervisor = make_supervisor(limited, recorder, monkeypatch, watchdog=1)
    await supervisor.status(TARGET, None, str(limited.base))
    limit.allow(more)
    try:
        process = await run(supervisor, define(limited, "one", f"{gate.wait}; echo whole; exit 3"))
    except RemoteCommandError as error:
        # Where the agent itself was what could not fork, again and again, what became of the start is not known.
        known = {(ErrorKind.PROCESS_LIMIT, None), (ErrorKind.START_FAILED, "processLimit")}
        assert (error.kind, error.reason) in known | {(ErrorKind.UNREACHABLE, None)}
        limit.allow(None)
        after = await look(supervisor, limited, "one")
        assert error.kind is not ErrorKind.START_FAILED or (after.state, after.reason) == (
            State.START_FAILED,
            "processLimit",
        )
        if after.state is not State.ABSENT:
            await stop(limited, supervisor, "one", grace=5)
    else:
        limit.allow(None)
        gate.let()
        final = await recorder.until_final(process.run_id)
        assert (final.state, final.exit_code, recorder.data()) == (State.EXITED, 3, b"whole\n")
        assert final.stdout_ended
    another = await run(supervisor, define(limited, "two", "exit 4"))
    assert (await recorder.until_final(another.run_id)).exit_code == 4
    await supervisor.close()
    assert await settled(limited, 10) == {}
    gate.close()


@pytest.mark.one_shell
@pytest.mark.covers("processLimit")
async def test_container_without_a_process_to_be_had_says_so(
    limited: LimitedContainer, limit: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = make_supervisor(limited, Recorder(), monkeypatch)
    limit.allow(0)
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.status(TARGET, None, str(limited.base))
    assert (caught.value.kind, caught.value.retryable) == (ErrorKind.PROCESS_LIMIT, True)
    limit.allow(None)
    assert await supervisor.status(TARGET, None, str(limited.base)) == []
    await supervisor.close()


@pytest.mark.one_shell
@pytest.mark.parametrize("more", range(8))
async def test_agent_at_the_limit_of_processes_comes_or_says_so(
    limited: LimitedContainer, limit: Limit, monkeypatch: pytest.MonkeyPatch, more: int, pings_often: None
) -> None:
    supervisor = make_supervisor(limited, Recorder(), monkeypatch, watchdog=1)
    limit.allow(more)
    try:
        await supervisor.status(TARGET, None, str(limited.base))
    except RemoteCommandError as error:
        assert error.kind in {ErrorKind.PROCESS_LIMIT, ErrorKind.UNREACHABLE}
    limit.allow(None)
    await supervisor.status(TARGET, None, str(limited.base))
    await supervisor.close()
    assert await settled(limited, 10) == {}
    assert agent_directories(limited) == []


@pytest.mark.one_shell
async def test_command_outlives_a_time_without_processes(
    limited: LimitedContainer, limit: Limit, monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    # A shell that can't fork leaves. If that is a pump, the command would die of SIGPIPE.
    gate = Gate(limited.root)
    supervisor = make_supervisor(limited, recorder, monkeypatch)
    line = f"echo up; {gate.wait}; i=0; until [ $((i += 1)) = 20000 ]; do echo $i; done; {gate.wait}; echo end; exit 3"
    await run(supervisor, define(limited, "one", line))
    await recorder.until_output(b"up\n")
    limit.allow(-5)
    gate.let()
    await until(lambda: arguments(limited, b'pump "$1"'))
    limit.allow(None)
    gate.let()
    final = await recorder.until_final()
    assert (final.state, final.exit_code) == (State.EXITED, 3)
    assert recorder.data() == b"up\n" + b"".join(b"%d\n" % i for i in range(1, 20_000)) + b"end\n"
    assert recorder.gaps == []
    await supervisor.close()
    assert await settled(limited) == {}
    gate.close()


# ---------------------------------------------------------------- who belongs to what


async def test_daemon_that_holds_the_streams_does_not_hold_up_the_end(
    container: Container, supervisor: Supervisor, recorder: Recorder, gate: Gate
) -> None:
    line = f"(trap '' HUP; {gate.wait}; echo late; {gate.wait}; :) & echo early; exit 3"
    await run(supervisor, define(container, "parent", line))
    final = await recorder.until_final()
    assert (final.state, final.exit_code) == (State.EXITED, 3)
    assert (final.stdout_ended, final.stderr_ended) == (False, False)
    assert recorder.data() == b"early\n" and final.offsets is not None

    gate.let()
    size = run_directory(container, "parent") / "o.n"
    await until(lambda: size.read_text(encoding="ascii").split()[1:3] == ["0", "11"])
    await attach(supervisor, container, "parent", final.offsets)
    await recorder.until_output(b"late\n")

    stopped = await stop(container, supervisor, "parent", grace=5)
    assert stopped.verdict.signalled and stopped.verdict.processes == 1 and stopped.verdict.survivors == ()
    assert (stopped.process.state, stopped.process.exit_code, stopped.process.signal) == (State.EXITED, 3, None)
    assert stopped.process.status is Status.ERRORED
    await supervisor.close()
    assert await settled(container) == {}


@pytest.mark.parametrize(("stopped", "other"), [("a", "ab"), ("ab", "a"), ("r.1-x", "r.1"), ("r.1", "rx1")])
async def test_stop_takes_what_escaped_of_one_run_and_nothing_of_another(
    container: Container, supervisor: Supervisor, recorder: Recorder, stopped: str, other: str
) -> None:
    # What left the session and is nobody's child any more is known by its environment only.
    line = "(setsid sh -c 'exec sleep 1000' &); (setsid sleep 1000 &); echo up; exec sleep 1000"
    for run_id in (stopped, other):
        process = await run(supervisor, define(container, f"{run_id}.cmd-", line), StartOptions(run_id=run_id))
        await recorder.until_output(b"up\n", process.run_id)
    await until(lambda: len(command_processes(container, "1000")) == 6)
    await stop(container, supervisor, f"{stopped}.cmd-", grace=5)
    left = command_processes(container, "1000")
    environments = [(proc(container) / f"{pid}/environ").read_bytes().split(b"\0") for pid in left]
    assert len(left) == 3
    assert all(f"REMOTECMD_RUN_ID={other}".encode() in words for words in environments)
    assert (await look(supervisor, container, f"{other}.cmd-")).state is State.RUNNING
    await stop(container, supervisor, f"{other}.cmd-", grace=5)
    assert command_processes(container, "1000") == []


async def test_two_starts_at_once_of_one_id_are_one_process(container: Container, serve: Serve) -> None:
    servers = [serve(Recorder()) for _ in range(2)]
    for i in range(4):
        definition = define(container, f"both-{i}", "exec sleep 1000")
        begun = await asyncio.gather(*(s.start(TARGET, definition, StartOptions(follow=False)) for s in servers))
        assert sorted(started.created for started in begun) == [False, True]
        assert begun[0].process.pid == begun[1].process.pid
        assert begun[0].process.run_id == begun[1].process.run_id
        pid = begun[0].process.pid
        await until(lambda pid=pid: pid in command_processes(container, "1000"))
        assert len(command_processes(container, "1000")) == i + 1
    for server in servers:
        await server.close()


async def test_generations_of_one_id_never_live_together(container: Container, serve: Serve) -> None:
    held, clash = container.root / "held", container.root / "clash"
    servers = [serve(Recorder()) for _ in range(2)]
    options = StartOptions(follow=False, if_exists=IfExists.REPLACE)
    for i in range(3):
        lines = [
            f"sleep 1000 & trap 'rmdir {held}; exit' TERM; [ ! -d {held} ] || : >{clash}; mkdir {held}; wait; : {i} {j}"
            for j in range(2)
        ]
        await asyncio.gather(
            *(s.start(TARGET, define(container, "one", line), options) for s, line in zip(servers, lines, strict=True))
        )
        # A start is answered at its record, and a line has yet to be read by its shell then.
        await until(lambda: len(command_processes(container, "1000")) == 1)
    assert not clash.exists()
    for server in servers:
        await server.close()


# ---------------------------------------------------------------- zombies


async def test_zombies_do_not_grow_with_the_number_of_commands(container: Container, serve: Serve) -> None:
    left = []
    for count in (1, 5):
        before = len(zombies(container))
        recorder = Recorder()
        supervisor = serve(recorder)
        for i in range(count):
            await run(supervisor, define(container, f"stopped-{count}-{i}", "echo up; exec sleep 1000"))
            ended = await run(supervisor, define(container, f"ended-{count}-{i}", "exit 0"))
            await recorder.until_final(ended.run_id)
            await stop(container, supervisor, f"stopped-{count}-{i}", grace=5)
        await until(lambda: not arguments(container, b"remotecmd\0run:") + arguments(container, b"remotecmd\0stop:"))
        await supervisor.close()
        assert await settled(container) == {}
        left.append(len(zombies(container)) - before)
    assert left == [0, 0]


async def test_agent_that_its_commands_outlive_leaves_one_zombie(
    container: Container, gate: Gate, serve: Serve
) -> None:
    left = []
    for count in (1, 5):
        before = len(zombies(container))
        supervisor = serve(Recorder())
        for i in range(count):
            definition = define(container, f"outlives-{count}-{i}", gate.wait)
            await supervisor.start(TARGET, definition, StartOptions(follow=False))
        await supervisor.close()
        gate.let(count)
        assert await settled(container) == {}
        left.append(len(zombies(container)) - before)
    assert left == [1, 1]


# ---------------------------------------------------------------- where it can't work


REFUSED = ("ksh93", "posh", "yash")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.skipif(shutil.which(n) is None, reason=f"{n} is not installed"))
        for n in REFUSED
    ],
)
async def test_shell_that_can_not_do_it_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    container = Container(tmp_path, shell=str(shutil.which(name)), path="/usr/bin:/bin")
    supervisor = make_supervisor(container, Recorder(), monkeypatch)
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.start(TARGET, define(container, "never", "exit 0"), StartOptions())
    assert caught.value.kind is ErrorKind.SHELL_MISSING
    assert "/bin/sh" in caught.value.message
    assert await settled(container) == {}
    assert list(container.base.glob("remotecmd-*/*/*")) == []
    await supervisor.close()
    container.close()


@pytest.mark.covers("shellMissing")
@pytest.mark.parametrize("program", ["/bin/true", "/bin/false", "/bin/cat"])
async def test_program_that_is_no_shell_is_refused(
    tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = Container(tmp_path, shell=program, path="/usr/bin:/bin")
    supervisor = make_supervisor(container, Recorder(), monkeypatch)
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.status(TARGET, None, str(container.base))
    assert (caught.value.kind, caught.value.retryable) == (ErrorKind.SHELL_MISSING, False)
    await supervisor.close()
    container.close()


NEEDED = ("cat", "dd", "env", "ls", "mkdir", "mkfifo", "mv", "rm", "setsid", "sleep", "xargs")
"""What the README says that a container needs."""


@pytest.mark.one_shell
@pytest.mark.covers("toolMissing")
@pytest.mark.parametrize("missing", NEEDED)
async def test_tool_that_is_missing_is_named(
    container: Container, supervisor: Supervisor, tmp_path: Path, missing: str
) -> None:
    directory = tmp_path / "tools"
    directory.mkdir()
    for tool in {*NEEDED} - {missing}:
        (directory / tool).symlink_to(str(shutil.which(tool)))
    container.environment["PATH"] = str(directory)
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.start(TARGET, define(container, "never", "exit 0"), StartOptions())
    assert caught.value.kind is ErrorKind.TOOL_MISSING, caught.value.message
    assert f"no {missing} in" in caught.value.message
    assert await settled(container) == {}
    assert list(container.base.glob("remotecmd-*")) == []
