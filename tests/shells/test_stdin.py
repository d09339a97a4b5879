"""What is written to a command arrives as it is, in order, and waits while nobody reads: under every shell."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from handlers.api import Definition, ExecRequest, LocalTarget, Recipient, StartOptions, Written
from handlers.errors import ErrorKind, RemoteCommandError
from tests.shells.test_spool import run_of, runs_of
from tests.shells.test_traps import until

if TYPE_CHECKING:
    from handlers.api import Process
    from handlers.supervisor import Supervisor
    from tests.shells.conftest import Gate, Recorder
    from tests.shells.container import Container

pytestmark = pytest.mark.shells

TARGET = LocalTarget()
BYTES = random.Random(7).randbytes(400_000)  # noqa: S311  # to be repeated
"""More than a pipe and the pieces that lie ready at first."""


class Fed:
    """A command with a stdin that can be written."""

    def __init__(self, container: Container, server: Supervisor, id: str = "fed") -> None:
        self._container, self._server = container, server
        self.id = id
        self.recipient = Recipient(TARGET, id, str(container.base))

    async def start(self, line: str, **more: bool) -> Process:
        definition = Definition(
            id=self.id, cmd_line=line, pid_directory=str(self._container.base), **{"stdin": True, **more}
        )
        started = await self._server.start(TARGET, definition, StartOptions())
        if started.begin is not None:
            started.begin()
        return started.process

    async def write(self, data: bytes) -> int:
        written = Written()
        await self._server.write(self.recipient, data, written)
        return written.size

    async def close(self) -> None:
        await self._server.close_stdin(self.recipient)

    async def refused(self, data: bytes = b"x") -> tuple[str | None, int | None]:
        """Why a write is refused, and how much had arrived."""
        with pytest.raises(RemoteCommandError) as caught:
            await self.write(data)
        assert caught.value.kind is ErrorKind.STDIN_CLOSED
        return caught.value.reason, caught.value.written

    async def stop(self) -> None:
        await self._server.stop(
            TARGET, self.id, pid_directory=str(self._container.base), signal="KILL", grace_period_seconds=0
        )


@pytest.fixture
def fed(container: Container, supervisor: Supervisor) -> Fed:
    return Fed(container, supervisor)


@pytest.mark.parametrize("merge", [False, True])
async def test_every_byte_arrives_once_and_then_the_end(fed: Fed, recorder: Recorder, merge: bool) -> None:
    process = await fed.start("exec cat", merge_output=merge)
    assert process.takes_input
    assert await fed.write(b"line\n") == 5
    await recorder.until_output(b"line\n")
    assert await fed.write(b"\0\377\\0 '$x`\n") == 10
    assert await fed.write(BYTES) == len(BYTES)
    assert await fed.write(b"") == 0
    await fed.close()
    await fed.close()
    final = await recorder.until_final()
    assert (final.exit_code, final.takes_input) == (0, True)
    assert recorder.data() == b"line\n\0\377\\0 '$x`\n" + BYTES


async def test_a_command_without_stdin_reads_its_end_at_once(fed: Fed, recorder: Recorder) -> None:
    process = await fed.start("cat; echo end", stdin=False)
    assert not process.takes_input
    assert (await recorder.until_final()).exit_code == 0
    assert recorder.data() == b"end\n"
    assert await fed.refused() == ("none", 0)
    with pytest.raises(RemoteCommandError) as caught:
        await fed.close()
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.STDIN_CLOSED, "none")


async def test_writes_wait_for_a_command_that_does_not_read_and_can_be_cancelled(
    fed: Fed, recorder: Recorder, gate: Gate
) -> None:
    await fed.start(f"{gate.wait}; exec cat")
    written = Written()
    waiting = asyncio.create_task(fed._server.write(fed.recipient, BYTES * 40, written))
    await until(lambda: written.size > 100_000)
    done, _ = await asyncio.wait({waiting}, timeout=1.0)
    assert not done
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    arrived = written.size
    assert 0 < arrived < 40 * len(BYTES)
    rest = asyncio.create_task(fed.write(b"the rest"))
    gate.let()
    assert await rest == 8
    await fed.close()
    await recorder.until_final()
    assert recorder.data() == (BYTES * 40)[:arrived] + b"the rest"


async def test_writes_of_one_client_arrive_in_their_order(fed: Fed, recorder: Recorder) -> None:
    await fed.start("exec cat")
    writes = [asyncio.create_task(fed.write(b"%05d" % n)) for n in range(50)]
    closing = asyncio.create_task(fed.close())
    assert [await write for write in writes] == [5] * 50
    await closing
    await recorder.until_final()
    assert recorder.data() == b"".join(b"%05d" % n for n in range(50))


async def test_after_the_end_nothing_can_be_written(fed: Fed, recorder: Recorder) -> None:
    await fed.start("exec cat")
    await fed.close()
    assert await fed.refused() in {("closed", 0), ("ended", 0)}
    await recorder.until_final()
    assert await fed.refused(b"") == ("ended", 0)
    await fed.close()  # no error


async def test_a_command_that_closes_its_stdin_is_told(fed: Fed, container: Container, recorder: Recorder) -> None:
    process = await fed.start("exec </dev/null; echo closed; exec sleep 1000")
    await recorder.until_output(b"closed\n")
    await fed.write(b"nobody reads this")
    flag = run_of(container, process) / "i.c"
    await until(lambda: flag.read_text().startswith("1"))
    assert await fed.refused() == ("closed", 0)
    await fed.stop()


async def test_a_write_that_waits_hears_of_the_end(fed: Fed, recorder: Recorder, gate: Gate) -> None:
    await fed.start(f"{gate.wait}; exit 3")
    written = Written()
    waiting = asyncio.create_task(fed._server.write(fed.recipient, BYTES * 40, written))
    await until(lambda: written.size > 100_000)
    gate.let()
    with pytest.raises(RemoteCommandError) as caught:
        await waiting
    assert caught.value.kind is ErrorKind.STDIN_CLOSED
    assert (caught.value.reason in {"closed", "ended"}, caught.value.written) == (True, written.size)
    assert (await recorder.until_final()).exit_code == 3


async def test_nothing_is_left_of_what_fed_it(fed: Fed, container: Container, recorder: Recorder, gate: Gate) -> None:
    await fed.start("true", stdin=False)
    await recorder.until_final()
    before = set(container.processes())
    process = await fed.start(f"(exec sleep 1000) & {gate.wait}")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(fed.write(BYTES * 40), 1.0)
    gate.let()
    await recorder.until_final(process.run_id)
    await fed.stop()  # the sleep has the other end of stdin
    directory = run_of(container, process)
    await until(lambda: not [f for f in directory.iterdir() if f.is_fifo() or f.name.startswith("w.")])
    await until(lambda: not set(container.processes()) - before)


async def test_an_exec_gets_its_stdin_whole(container: Container, supervisor: Supervisor) -> None:
    result = await supervisor.exec(TARGET, ExecRequest(args=("cat",), stdin=BYTES))
    assert (result.exit_code, result.stdout) == (0, BYTES)
    result = await supervisor.exec(TARGET, ExecRequest(args=("true",), stdin=BYTES))  # it need not read it
    assert result.exit_code == 0
    result = await supervisor.exec(TARGET, ExecRequest(args=("cat",), stdin=b""))
    assert (result.exit_code, result.stdout) == (0, b"")
    del container


async def test_an_open_exec_is_written_by_its_run_id(supervisor: Supervisor) -> None:
    request = ExecRequest(args=("cat",), open_stdin=True, run_id="open-1")
    running = asyncio.create_task(supervisor.exec(TARGET, request))
    recipient = Recipient(TARGET, run_id="open-1")
    await asyncio.sleep(0)  # the exec is there from its first step on
    written = Written()
    await supervisor.write(recipient, BYTES, written)
    assert written.size == len(BYTES)
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.exec(TARGET, request)
    assert caught.value.kind is ErrorKind.COMMAND_CONFLICT
    await supervisor.close_stdin(recipient)
    assert (await running).stdout == BYTES
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.write(recipient, b"x", Written())
    assert caught.value.kind is ErrorKind.COMMAND_NOT_FOUND


async def test_a_supervisor_that_is_killed_closes_stdin(fed: Fed, container: Container) -> None:
    process = await fed.start("cat; exec sleep 1000")
    directory = run_of(container, process)
    pid = (directory / "pid").read_text().split()[4]
    container.run("kill", "-KILL", pid)
    flag = directory / "i.c"
    await until(lambda: flag.read_text().startswith("1"))
    assert await fed.refused() == ("closed", 0)


@pytest.mark.usual_tools
async def test_without_fullblock_it_is_slower_and_as_exact(fed: Fed, container: Container, recorder: Recorder) -> None:
    """A dd that does not know the flag, as in a busybox without its larger options."""
    real = container.run("/bin/sh", "-c", "command -v dd").strip()
    directory = container.root / "old"
    directory.mkdir()
    script = directory / "dd"
    script.write_text(
        f'#!/bin/sh\nfor a; do case $a in *fullblock*) echo "dd: bad flag" >&2; exit 1;; esac; done\nexec {real} "$@"\n'
    )
    script.chmod(0o755)
    container.environment["PATH"] = f"{directory}:{container.environment['PATH']}"
    await fed.start("exec cat")
    assert await fed.write(BYTES[:50_000]) == 50_000
    await fed.close()
    await recorder.until_final()
    assert recorder.data() == BYTES[:50_000]
    assert runs_of(container).exists()
