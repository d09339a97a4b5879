"""The matrix: the agent under every shell with every set of tools that is here; the list is printed, not guessed."""

import asyncio
import functools
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import handlers.pool
from handlers.agent.channel import open_channel
from handlers.api import ConnectionState, Gap, LocalTarget, OutputChunk, Process, ResolvedTarget, Stream
from handlers.pool import Pool
from handlers.supervisor import Supervisor
from tests.shells.container import SHELLS, TOOLS, Container, ContainerTransport, make_tools, shells_here, tools_here
from tests.shells.limits import Disk, Limit

FULL = bool(os.environ.get("REMOTECMD_REQUIRE_SHELLS"))
"""Every shell with every set of tools, and a missing one is an error; else each shell that is here with one set."""

USUAL_TOOLS = {"dash": "gnu", "busybox": "busybox", "bash": "gnu", "mksh": "toybox"}

MATRIX = [
    pytest.param((shell, tools), id=f"{shell}-{tools}")
    for shell, usual in USUAL_TOOLS.items()
    if shell in shells_here()
    for tools in tools_here()
    if FULL or tools == usual or (usual not in tools_here() and tools == "gnu")
]


def pytest_report_header() -> list[str]:
    missing = sorted((set(SHELLS) - set(shells_here())) | (set(TOOLS) - set(tools_here())))
    lines = [f"shells: {' '.join(shells_here())}; tools: {' '.join(tools_here())}"]
    lines.append(
        "shells: each with " + ("every set of tools" if FULL else "one set of tools (make e2e runs all of them)")
    )
    if missing:
        lines.append(f"shells: MISSING AND NOT TESTED: {' '.join(missing)} (make e2e installs all)")
    if missing and FULL:
        raise pytest.UsageError(f"REMOTECMD_REQUIRE_SHELLS is set and these are missing: {' '.join(missing)}")
    return lines


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "combination" not in metafunc.fixturenames:
        return
    combinations = MATRIX
    if metafunc.definition.get_closest_marker("one_shell"):
        combinations = [pytest.param(("dash", "gnu"), id="dash-gnu")]
    elif metafunc.definition.get_closest_marker("usual_tools"):
        combinations = [one for one in MATRIX if one.values[0][1] == USUAL_TOOLS[one.values[0][0]]] or MATRIX[:1]
    metafunc.parametrize("combination", combinations)


@pytest.fixture
def container(combination: tuple[str, str], tmp_path: Path) -> Iterator[Container]:
    shell, tools = combination
    path = make_tools(tools, tmp_path / "bin")
    made = Container(tmp_path, shell=SHELLS[shell], path=path)
    yield made
    made.close()


class Recorder:
    """A listener that keeps everything; `until` waits for what a test is after, woken by each arrival."""

    def __init__(self) -> None:
        self.chunks: list[OutputChunk] = []
        self.gaps: list[Gap] = []
        self.connections: list[ConnectionState] = []
        self.states: list[Process] = []
        self._news = asyncio.Condition()

    async def output(self, chunk: OutputChunk) -> None:
        async with self._news:
            self.chunks.append(chunk)
            self._news.notify_all()

    async def gap(self, gap: Gap) -> None:
        async with self._news:
            self.gaps.append(gap)
            self._news.notify_all()

    async def connection(self, _: ResolvedTarget, state: ConnectionState, __: str) -> None:
        async with self._news:
            self.connections.append(state)
            self._news.notify_all()

    async def status_changed(self, process: Process) -> None:
        async with self._news:
            self.states.append(process)
            self._news.notify_all()

    def data(self, stream: Stream = Stream.STDOUT, run_id: str | None = None) -> bytes:
        """The bytes of a stream that came, in the order in which they came."""
        return b"".join(c.data for c in self.chunks if c.stream is stream and run_id in {None, c.run_id})

    async def until(self, is_so: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until something is so of what came."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(is_so)

    async def until_output(self, part: bytes, run_id: str | None = None, seconds: float = 20) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: part in self.data(run_id=run_id))

    async def until_final(self, run_id: str | None = None, seconds: float = 40) -> Process:
        """The state with which a run ended, once it was told."""

        def final() -> list[Process]:
            ended = {"exited", "signaled", "startFailed", "lost"}
            return [p for p in self.states if p.state in ended and run_id in {None, p.run_id}]

        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(final)
        return final()[0]


class Gate:
    """A FIFO by which a test leads a command: it waits with `read`, each `let` lets it go one step."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / f"gate-{secrets.token_hex(4)}"
        os.mkfifo(self._path)
        self._door = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
        self.wait = f"read x <'{self._path}'"

    def let(self, steps: int = 1, word: str = "on") -> None:
        os.write(self._door, f"{word}\n".encode() * steps)

    def close(self) -> None:
        os.close(self._door)


@pytest.fixture
def gate(container: Container) -> Iterator[Gate]:
    made = Gate(container.root)
    yield made
    made.close()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def supervisor(
    container: Container, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Supervisor]:
    """The handler over the container, with the shell of the combination for supervisors too."""
    made = make_supervisor(container, recorder, monkeypatch)
    yield made
    await made.close()


def make_supervisor(
    container: Container, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, **settings: int
) -> Supervisor:
    """A handler over a container; `settings` are the agent's (see `open_channel`)."""
    opened = functools.partial(open_channel, shell=container.shell, **settings)
    monkeypatch.setattr(handlers.pool, "open_channel", opened)
    return Supervisor(recorder, Pool({"local": lambda: ContainerTransport(container)}))


@pytest.fixture
def target() -> LocalTarget:
    return LocalTarget()


@pytest.fixture
def disk(container: Container) -> Disk:
    return Disk(container)


@pytest.fixture
def limit() -> Iterator[Limit]:
    made = Limit()
    yield made
    made.close()
