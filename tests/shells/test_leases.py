"""Runs that are to stop with their server, when that can't say that it goes: under every shell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import handlers.agent.channel
import handlers.pool
from handlers.api import Definition, LocalTarget, OutputChunk, Process, StartOptions, State, Status
from tests.shells.conftest import Recorder, make_supervisor
from tests.shells.test_agent import settled
from tests.shells.test_traps import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from handlers.supervisor import Supervisor
    from tests.shells.container import Container

pytestmark = [pytest.mark.shells, pytest.mark.slow]

TARGET = LocalTarget()
LEASE = 4
"""Seconds. A server that lives pings eight times as often, and may be that much slower on a loaded machine."""


@pytest.fixture
async def server(container: Container, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Supervisor]:
    """One with a short lease, that drops a channel which nobody uses after half a second."""
    monkeypatch.setattr(handlers.agent.channel, "PING_SECONDS", 0.5)
    monkeypatch.setattr(handlers.pool, "IDLE_SECONDS", 0.5)
    made = make_supervisor(container, Recorder(), monkeypatch, lease=LEASE)
    yield made
    await made.close()


@pytest.fixture
async def later(container: Container, server: Supervisor, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Supervisor]:
    """Another server, that outlives the first."""
    made = make_supervisor(container, Recorder(), monkeypatch, lease=LEASE)
    yield made
    await made.close()


async def start(container: Container, server: Supervisor, id: str, line: str, *, stop: bool, grace: float = 10) -> None:
    definition = Definition(id=id, cmd_line=line, pid_directory=str(container.base))
    options = StartOptions(follow=False, stop_on_disconnect=stop, grace_period_seconds=grace)
    await server.start(TARGET, definition, options)


async def wait(container: Container, server: Supervisor, id: str) -> Process:
    waited = await server.wait(TARGET, id, pid_directory=str(container.base), timeout_seconds=40)
    assert not waited.timed_out
    return waited.process


async def vanish(server: Supervisor) -> None:
    """Go without a word, as after kill -9: the streams end, and nobody says what is to become of any run."""
    await server._pool.close()


@pytest.mark.usual_tools
async def test_runs_of_a_server_that_vanished_are_stopped_when_their_lease_is_over(
    container: Container, server: Supervisor, later: Supervisor
) -> None:
    deaf = f"trap '' TERM; echo up >'{container.root}/up'; while :; do sleep 1; done"
    await start(container, server, "tree", "sleep 1000 & sh -c 'sleep 1000; :' & wait", stop=True)
    await start(container, server, "deaf", deaf, stop=True, grace=0.2)
    await start(container, server, "kept", "exec sleep 1000", stop=False)
    await until((container.root / "up").exists)
    await vanish(server)
    kept = await later.status(TARGET, "kept", str(container.base))
    assert kept[0].state is State.RUNNING
    for name, signal in (("tree", "TERM"), ("deaf", "KILL")):
        process = await wait(container, later, name)
        assert (process.state, process.signal) == (State.SIGNALED, signal)
        assert (process.status, process.reason) == (Status.STOPPED, "disconnect")
    kept = await later.status(TARGET, "kept", str(container.base))
    assert kept[0].state is State.RUNNING
    await later.stop(TARGET, "kept", pid_directory=str(container.base), signal="TERM", grace_period_seconds=5)
    await later.close()
    assert await settled(container) == {}


def outlives(container: Container) -> str:
    """A command that ends by itself well after a lease that nobody renews."""
    return f"sleep {2 * LEASE + 2}; echo survived >'{container.root}/survived'; exit 5"


async def check_survived(container: Container, server: Supervisor) -> None:
    """Nothing is asked of the server meanwhile: that would open a channel."""
    await until(lambda: "x 5 " in end_record(container) or "x 143 " in end_record(container), 40)
    assert (container.root / "survived").exists()
    process = await wait(container, server, "mine")
    assert (process.exit_code, process.reason) == (5, None)


def end_record(container: Container) -> str:
    return "".join(path.read_text() for path in container.base.glob("remotecmd-*/runs/*/end"))


@pytest.mark.usual_tools
async def test_a_lease_is_renewed_while_the_server_lives_though_nobody_follows(
    container: Container, server: Supervisor
) -> None:
    await start(container, server, "mine", outlives(container), stop=True)
    await check_survived(container, server)


@pytest.mark.one_shell
async def test_a_lease_is_renewed_after_a_short_cut_though_nobody_follows(
    container: Container, server: Supervisor
) -> None:
    await start(container, server, "mine", outlives(container), stop=True)
    (agent,) = container.base.glob("remotecmd-*/agents/*/pid")
    container.run("/bin/dash", "-c", f"kill -KILL -{agent.read_text().split()[0]}")
    await check_survived(container, server)


class Stubborn(Recorder):
    """A listener that can't be interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()

    async def output(self, chunk: OutputChunk) -> None:
        await super().output(chunk)
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            await self.let_go.wait()
            raise


@pytest.mark.one_shell
async def test_stops_are_handed_over_before_anything_else_at_the_end(
    container: Container, later: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process gives its handler a tenth of a second to close, and a loaded machine may need that for anything."""
    listener = Stubborn()
    server = make_supervisor(container, listener, monkeypatch)
    definition = Definition(id="mine", cmd_line="echo up; exec sleep 1000", pid_directory=str(container.base))
    started = await server.start(TARGET, definition, StartOptions(stop_on_disconnect=True))
    assert started.begin is not None
    started.begin()
    await listener.until_output(b"up\n")
    closing = asyncio.create_task(server.close())
    process = await wait(container, later, "mine")
    assert (process.signal, process.reason) == ("TERM", "disconnect")
    listener.let_go.set()
    await closing
