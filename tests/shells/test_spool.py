"""What is kept of output and of ended runs, and what goes when there is too much: under every shell."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from handlers.api import Definition, ExecRequest, LocalTarget, Since, StartOptions, Stream
from tests.shells.conftest import Recorder, make_supervisor
from tests.shells.container import PYTHON
from tests.shells.test_traps import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from handlers.api import From, Process
    from handlers.supervisor import Supervisor
    from tests.shells.conftest import Gate
    from tests.shells.container import Container

pytestmark = pytest.mark.shells

TARGET = LocalTarget()
MIB = 1 << 20


def pattern(stream: Stream, start: int, end: int) -> bytes:
    """What `writer` writes between two offsets: eight bytes tell the stream and the offset."""
    first, letter = start // 8, stream.value[3]
    text = b"".join(b"%s%07d" % (letter.encode(), n) for n in range(first, end // 8 + 1))
    return text[start - first * 8 : end - first * 8]


def writer(*sizes: tuple[Stream, int]) -> str:
    """A command line that writes that many bytes of the patterns, one after the other, from 0 on in each stream."""
    lines = ["import sys"]
    for stream, size in sizes:
        begin = f"''.join('{stream.value[3]}%07d' % n for n in range({size // 8}))"
        lines.append(f"sys.{stream.value}.write({begin}); sys.{stream.value}.flush()")
    return f'exec {PYTHON} -c "{"; ".join(lines)}"'


def runs_of(container: Container) -> Path:
    (base,) = container.base.glob("remotecmd-*")
    return base / "runs"


def run_of(container: Container, process: Process) -> Path:
    (run,) = (m.parent for m in runs_of(container).glob("*/meta") if m.read_text().split()[1] == process.run_id)
    return run


def kept(run: Path, stream: Stream) -> int:
    return sum(file.stat().st_size for file in run.glob(f"{stream.value[3]}.[0-9]*"))


def define(container: Container, id: str, line: str) -> Definition:
    return Definition(id=id, cmd_line=line, pid_directory=str(container.base))


async def finish(container: Container, server: Supervisor, id: str, line: str, options: StartOptions) -> Process:
    """Run a command to its end; nobody follows it."""
    await server.start(TARGET, define(container, id, line), options)
    waited = await server.wait(TARGET, id, pid_directory=str(container.base), timeout_seconds=60)
    assert waited.process.stdout_ended and waited.process.stderr_ended
    return waited.process


async def replay(container: Container, server: Supervisor, recorder: Recorder, id: str, begin: From) -> Process:
    attached = await server.attach(TARGET, id, pid_directory=str(container.base), follow_from=begin)
    attached.begin()
    assert attached.process.run_id is not None
    return await recorder.until_final(attached.process.run_id)


async def test_of_more_than_the_limit_the_newest_is_kept_and_the_gap_is_exact(
    container: Container, supervisor: Supervisor, recorder: Recorder
) -> None:
    size = 3 * MIB
    process = await finish(
        container, supervisor, "big", writer((Stream.STDOUT, size)), StartOptions(follow=False, spool_limit_bytes=MIB)
    )
    run = run_of(container, process)
    assert MIB * 15 // 16 - 65536 <= kept(run, Stream.STDOUT) <= MIB * 17 // 16 + 65536
    first = size - kept(run, Stream.STDOUT)
    await replay(container, supervisor, recorder, "big", "start")
    assert [(g.stream, g.start, g.end, g.reason) for g in recorder.gaps] == [(Stream.STDOUT, 0, first, "spoolLimit")]
    assert recorder.chunks[0].offset == first
    assert recorder.data() == pattern(Stream.STDOUT, first, size)
    window = await supervisor.read(
        TARGET, "big", pid_directory=str(container.base), stream=Stream.STDOUT, begin=first, length=100
    )
    assert (window.data, window.first_offset, window.size) == (pattern(Stream.STDOUT, first, first + 100), first, size)


@pytest.mark.usual_tools
async def test_no_byte_is_dropped_before_there_is_more_than_the_limit(
    container: Container, supervisor: Supervisor, recorder: Recorder
) -> None:
    sizes = {Stream.STDOUT: MIB * 3 // 4, Stream.STDERR: MIB // 4}
    options = StartOptions(follow=False, spool_limit_bytes=MIB)
    await finish(container, supervisor, "just", writer(*sizes.items()), options)
    await replay(container, supervisor, recorder, "just", "start")
    assert recorder.gaps == []
    assert all(recorder.data(stream) == pattern(stream, 0, size) for stream, size in sizes.items())


@pytest.mark.usual_tools
async def test_a_stream_that_floods_drops_nothing_of_one_that_does_not(
    container: Container, supervisor: Supervisor, recorder: Recorder
) -> None:
    line = writer((Stream.STDERR, MIB // 2), (Stream.STDOUT, 3 * MIB))
    await finish(container, supervisor, "flood", line, StartOptions(follow=False, spool_limit_bytes=MIB))
    await replay(container, supervisor, recorder, "flood", "start")
    assert {gap.stream for gap in recorder.gaps} == {Stream.STDOUT}
    assert recorder.data(Stream.STDERR) == pattern(Stream.STDERR, 0, MIB // 2)
    (gap,) = recorder.gaps
    assert recorder.data() == pattern(Stream.STDOUT, gap.end, 3 * MIB)


@pytest.mark.usual_tools
async def test_who_follows_slowly_is_told_what_went_meanwhile(
    container: Container, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    server = make_supervisor(container, slow, monkeypatch)
    line, size = writer((Stream.STDOUT, 6 * MIB)), 6 * MIB
    started = await server.start(TARGET, define(container, "slow", line), StartOptions(spool_limit_bytes=MIB))
    assert started.begin is not None
    started.begin()
    base = str(container.base)
    assert not (await supervisor.wait(TARGET, "slow", pid_directory=base, timeout_seconds=60)).timed_out
    assert 0 < len(slow.chunks) <= slow.patience
    slow.gate.set()
    await slow.until_final()
    assert slow.gaps
    told = [(c.offset, c.offset + len(c.data), c.data) for c in slow.chunks] + [
        (g.start, g.end, b"") for g in slow.gaps
    ]
    told.sort()
    assert [start for start, _, _ in told] + [size] == [0] + [end for _, end, _ in told]
    assert all(data in {b"", pattern(Stream.STDOUT, start, end)} for start, end, data in told)
    await server.close()


class Slow(Recorder):
    """Takes a few chunks, and the rest once the gate is open."""

    patience = 3

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def output(self, chunk: object) -> None:
        if len(self.chunks) >= self.patience:
            await self.gate.wait()
        await super().output(chunk)  # type: ignore[arg-type]


@pytest.fixture
async def short_journal(
    container: Container, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Supervisor]:
    """A handler whose agents cut the journal after every ten lines."""
    container.environment["RC_JOURNAL"] = "10"
    made = make_supervisor(container, recorder, monkeypatch)
    yield made
    await made.close()


async def test_both_streams_are_replayed_in_their_order_also_by_a_journal_that_was_cut(
    container: Container, short_journal: Supervisor, recorder: Recorder, gate: Gate
) -> None:
    line = f"i=0; while [ $i -lt 50 ]; do i=$((i + 1)); {gate.wait}; echo $i; {gate.wait}; echo $i >&2; done"
    started = await short_journal.start(TARGET, define(container, "turns", line), StartOptions())
    assert started.begin is not None
    started.begin()
    for turn in range(100):
        gate.let()
        await recorder.until(lambda turn=turn: len(recorder.chunks) == turn + 1)
    await recorder.until_final()
    live = list(recorder.chunks)
    recorder.states.clear()
    assert len(list(run_of(container, started.process).glob("j.*"))) == 4
    await replay(container, short_journal, recorder, "turns", "start")
    again = recorder.chunks[100:]
    timed = [chunk for chunk in again if chunk.time is not None]
    assert len(timed) >= 30
    assert timed == live[-len(timed) :]
    untimed = [chunk for chunk in again if chunk.time is None]  # of which the journal is gone
    for stream in Stream:
        early = [chunk.data for chunk in live[: 100 - len(timed)] if chunk.stream is stream]
        assert b"".join(chunk.data for chunk in untimed if chunk.stream is stream) == b"".join(early)


@pytest.mark.usual_tools
async def test_following_and_reading_begin_at_a_time(
    container: Container, supervisor: Supervisor, recorder: Recorder
) -> None:
    line = "echo old; echo old >&2; sleep 0.5; echo new; sleep 0.2; echo newer >&2"
    base = str(container.base)
    await finish(container, supervisor, "times", line, StartOptions(follow=False))
    await replay(container, supervisor, recorder, "times", "start")
    (new,) = [chunk.time for chunk in recorder.chunks if chunk.data == b"new\n"]
    assert new is not None
    recorder.chunks.clear()
    recorder.states.clear()
    for begin, stdout, stderr in [
        (Since(new), b"new\n", b"newer\n"),
        (Since(new - 100), b"new\n", b"newer\n"),
        (Since(new + 20), b"", b"newer\n"),
        (Since(0), b"old\nnew\n", b"old\nnewer\n"),
        (Since(new + 10_000), b"", b""),
    ]:
        await replay(container, supervisor, recorder, "times", begin)
        assert (recorder.data(), recorder.data(Stream.STDERR)) == (stdout, stderr)
        recorder.chunks.clear()
        recorder.states.clear()
        window = await supervisor.read(
            TARGET, "times", pid_directory=base, stream=Stream.STDOUT, begin=begin, length=100
        )
        assert window.data == stdout


# ---- ended runs, and the whole container


def age(run: Path, seconds: int) -> None:
    """Make a run one that ended long ago."""
    words = (run / "end").read_text().split()
    words[2] = f"{float(words[2]) - seconds:.2f}"
    (run / "end").write_text(" ".join(words) + "\n")
    then = time.time() - seconds
    os.utime(run / "end", (then, then))


async def tidied(container: Container, server: Supervisor, is_done: Callable[[], bool]) -> None:
    """A start lets the agent look for what is old: the first, and then each 64th."""
    await server.start(TARGET, define(container, "wake", "exit 0"), StartOptions(follow=False))
    await until(is_done)


@pytest.mark.usual_tools
async def test_runs_that_nobody_asks_for_go_and_others_stay(
    container: Container, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = StartOptions(follow=False)
    runs: dict[str, Path] = {}
    for name, command in {"replaced": "web", "newest": "web", "young": "db", "newer": "db"}.items():
        runs[name] = run_of(container, await finish(container, supervisor, command, "echo hello", quiet))
    age(runs["replaced"], 10_000)
    up = int(float(Path("/proc/uptime").read_text().split()[0]))
    age(runs["newest"], min(10_000, up - 1))  # it is read below, and nobody believes an end before the machine began
    await supervisor.close()
    server = make_supervisor(container, Recorder(), monkeypatch)
    await tidied(container, server, lambda: not runs["replaced"].exists())
    assert [name for name, run in runs.items() if run.exists()] == ["newest", "young", "newer"]
    window = await server.read(
        TARGET, "web", pid_directory=str(container.base), stream=Stream.STDOUT, begin=0, length=9
    )
    assert window.data == b"hello\n"
    await server.close()


@pytest.mark.usual_tools
async def test_an_exec_whose_server_was_killed_is_removed(
    container: Container, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await supervisor.exec(TARGET, ExecRequest(cmd_line="true"))
    await finish(container, supervisor, "left", "echo of an exec", StartOptions(follow=False))
    (meta,) = [m for m in runs_of(container).glob("*/meta") if m.read_text().startswith("left ")]
    meta.write_text("_" + meta.read_text())  # white-box: an exec is a run under such an id
    age(meta.parent, 10_000)
    await supervisor.close()
    server = make_supervisor(container, Recorder(), monkeypatch)
    await tidied(container, server, lambda: not meta.exists())
    await server.close()


async def test_when_all_is_too_much_the_oldest_ended_runs_go_first_but_not_from_under_a_reader(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    server = make_supervisor(container, slow, monkeypatch, spool_kib=5000)
    runs = []
    for number in range(5):
        line = writer((Stream.STDOUT, MIB))
        process = await finish(container, server, f"old{number}", line, StartOptions(follow=False))
        runs.append(run_of(container, process))
        age(runs[-1], 1000 - number)
    attached = await server.attach(TARGET, "old0", pid_directory=str(container.base), follow_from="start")
    attached.begin()
    await slow.until_output(pattern(Stream.STDOUT, 0, 1000))
    other = make_supervisor(container, Recorder(), monkeypatch, spool_kib=5000)
    await tidied(container, other, lambda: not runs[1].exists())
    assert [run.exists() for run in runs] == [True, False, True, True, True]
    slow.gate.set()
    await slow.until_final()
    assert (slow.data(), slow.gaps) == (pattern(Stream.STDOUT, 0, MIB), [])
    await other.close()
    await server.close()


async def test_a_live_run_loses_its_oldest_output_when_all_is_too_much(
    container: Container, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_supervisor(container, recorder, monkeypatch, spool_kib=2048)
    options = StartOptions(follow=False, spool_limit_bytes=8 * MIB)
    process = await finish(container, server, "big", writer((Stream.STDOUT, 6 * MIB)), options)
    run = run_of(container, process)
    assert MIB < kept(run, Stream.STDOUT) < 3 * MIB
    await replay(container, server, recorder, "big", "start")
    (gap,) = recorder.gaps
    assert (gap.start, gap.reason) == (0, "spoolLimit")
    assert recorder.data() == pattern(Stream.STDOUT, gap.end, 6 * MIB)
    await server.close()
