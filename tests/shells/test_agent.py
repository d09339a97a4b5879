"""What the agent does, under every shell with every set of tools."""

import asyncio
import os

import pytest

from handlers.api import Definition, ExecRequest, LocalTarget, StartOptions, State, Status, Stream
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.supervisor import Supervisor
from tests.shells.conftest import Recorder
from tests.shells.container import PYTHON, Container, signal_sets

pytestmark = pytest.mark.shells

EVERY_BYTE = "".join(map(chr, [*range(1, 128), 0xA9, 0xE9, 0x100, 0x141, 0x17F, 0x7FF, 0x800, 0x20AC, 0xFFFD, 0x1F600]))
"""Every ASCII character but NUL, and characters whose UTF-8 has every kind of byte, 0x80 to 0xBF among them."""

ALL_CONTINUATIONS = "".join(map(chr, range(0x80, 0x180)))


def define(container: Container, id: str, cmd_line: str, **more: object) -> Definition:
    return Definition(id=id, cmd_line=cmd_line, pid_directory=str(container.base), **more)  # type: ignore[arg-type]


async def test_output_of_both_streams_and_the_exit_code_arrive(
    container: Container, supervisor: Supervisor, recorder: Recorder, target: LocalTarget
) -> None:
    started = await supervisor.start(target, define(container, "web", "echo out; echo err >&2; exit 7"), StartOptions())
    assert started.created and started.begin is not None
    started.begin()
    final = await recorder.until_final()
    assert (recorder.data(), recorder.data(Stream.STDERR)) == (b"out\n", b"err\n")
    assert (final.state, final.status, final.exit_code, final.signal) == (State.EXITED, Status.ERRORED, 7, None)
    assert final.stdout_ended and final.stderr_ended


@pytest.mark.parametrize("value", [EVERY_BYTE, ALL_CONTINUATIONS, "x\n\n", "'\"$(id)`id`\\\\%s%b\\0101", "é" * 50_000])
async def test_values_arrive_exactly(
    container: Container, supervisor: Supervisor, target: LocalTarget, value: str
) -> None:
    request = ExecRequest(args=(PYTHON, "-c", ECHO_BACK, value), env_vars=(("VALUE", value),))
    result = await supervisor.exec(target, request)
    assert result.stderr == b""
    assert result.stdout.decode() == f"{value}\0{value}"


ECHO_BACK = (
    "import sys,os; sys.stdout.buffer.write(os.fsencode(sys.argv[1]) + b'\\0' + os.fsencode(os.environ['VALUE']))"
)


async def test_directory_names_and_command_lines_arrive_exactly(
    container: Container, supervisor: Supervisor, target: LocalTarget
) -> None:
    directory = container.root / 'it\'s a "$(dir)"\n\\ é -x'
    directory.mkdir()
    result = await supervisor.exec(
        target, ExecRequest(cmd_line="pwd; printf '%s' 'a\\b\"c'\"'\"'d\n$HOME é'", working_dir=str(directory))
    )
    assert result.stdout.decode() == f"{directory}\na\\b\"c'd\n$HOME é"


async def test_stdin_of_an_exec_arrives_exactly(
    container: Container, supervisor: Supervisor, target: LocalTarget
) -> None:
    sent = (EVERY_BYTE + "\0\\0101\\n%s\n" + "x" * 100_000).encode()
    result = await supervisor.exec(target, ExecRequest(args=("cat",), stdin=sent))
    assert result.stdout == sent


async def test_command_finds_what_a_plain_exec_gives_it(
    container: Container, supervisor: Supervisor, target: LocalTarget
) -> None:
    script = (
        "import os; print(open('/proc/self/status').read()); print('umask', oct(os.umask(0)));"
        "print('fds', sorted(os.listdir('/proc/self/fd'))[:-1]); print('cwd', os.getcwd());"
        "print('leader', os.getsid(0) == os.getpid() == os.getpgid(0));"
        "print('env', sorted((k, v) for k, v in os.environ.items() if k not in ('REMOTECMD_RUN_ID', '_', 'SHLVL')))"
    )
    plain = container.run(PYTHON, "-c", script)
    ours = (await supervisor.exec(target, ExecRequest(args=(PYTHON, "-c", script)))).stdout.decode()
    assert signal_sets(ours) == signal_sets(plain)
    for key in ("umask", "fds", "cwd", "leader", "env"):
        (expected,) = [line for line in plain.splitlines() if line.startswith(key)]
        assert [line for line in ours.splitlines() if line.startswith(key)] == [expected]


@pytest.mark.parametrize(
    ("request_of", "reason"),
    [
        ({"args": ("no-such-program",)}, "executableNotFound"),
        ({"args": ("/no/such/program",)}, "executableNotFound"),
        ({"args": ("/etc/passwd",)}, "permissionDenied"),
        ({"args": ("true",), "working_dir": "/no/such/directory"}, "workingDirNotFound"),
        ({"args": ("true",), "working_dir": "/etc/passwd"}, "workingDirNotADirectory"),
        ({"args": ("echo", *["x" * 130_000] * 17)}, "argumentListTooLong"),
    ],
    ids=["name", "path", "not-executable", "no-directory", "file-as-directory", "too-long"],
)
async def test_what_can_not_start_says_why(
    supervisor: Supervisor, target: LocalTarget, request_of: dict[str, object], reason: str
) -> None:
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.exec(target, ExecRequest(**request_of))  # type: ignore[arg-type]
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.START_FAILED, reason)


async def test_program_of_any_name_is_really_executed(
    container: Container, supervisor: Supervisor, target: LocalTarget
) -> None:
    # busybox would run its own sleep in the launcher's process: with its arguments, and never seen as started.
    definition = Definition(id="nap", args=("sleep", "1000"), pid_directory=str(container.base))
    started = await supervisor.start(target, definition, StartOptions(follow=False))
    assert started.process.state is State.RUNNING
    (nap,) = [line.split() for line in container.processes().values() if line.split()[-1] == "1000"]
    assert nap[-2].endswith("sleep")


TREE = "sleep 1000 & sh -c 'sleep 1000 & sleep 1000' & wait"


async def test_stop_ends_a_tree_that_honours_term(
    container: Container, supervisor: Supervisor, target: LocalTarget
) -> None:
    before = container.processes()
    await supervisor.start(target, define(container, "tree", TREE), StartOptions(follow=False))
    stopped = await stop(container, supervisor, "tree", grace=10)
    assert stopped.verdict.signalled and not stopped.verdict.escalated and stopped.verdict.survivors == ()
    assert (stopped.process.state, stopped.process.status) == (State.SIGNALED, Status.STOPPED)
    assert (stopped.process.signal, stopped.process.exit_code) == ("TERM", 143)
    await supervisor.close()
    assert await settled(container) == before


async def test_stop_kills_what_ignores_term_and_what_left_the_group(
    container: Container, supervisor: Supervisor, recorder: Recorder, target: LocalTarget
) -> None:
    escaped = "setsid sleep 1000 & (setsid sh -c 'trap \"\" TERM; sleep 1000; :' &)"
    line = f"trap '' TERM; {escaped}; echo up; while :; do sleep 1; done"
    started = await supervisor.start(target, define(container, "deaf", line), StartOptions())
    assert started.begin is not None
    started.begin()
    await recorder.until_output(b"up")
    stopped = await stop(container, supervisor, "deaf", grace=0.3)
    assert stopped.verdict.escalated and stopped.verdict.survivors == ()
    assert (stopped.process.state, stopped.process.signal) == (State.SIGNALED, "KILL")
    await supervisor.close()
    assert await settled(container) == {}


async def test_stopping_what_has_ended_is_no_error(
    container: Container, supervisor: Supervisor, recorder: Recorder, target: LocalTarget
) -> None:
    started = await supervisor.start(target, define(container, "short", "exit 0"), StartOptions())
    assert started.begin is not None
    started.begin()
    await recorder.until_final()
    stopped = await stop(container, supervisor, "short", grace=1)
    assert not stopped.verdict.signalled
    assert (stopped.process.state, stopped.process.status, stopped.process.exit_code) == (
        State.EXITED,
        Status.STOPPED,
        0,
    )


async def test_exit_143_by_itself_is_no_signal(
    container: Container, supervisor: Supervisor, recorder: Recorder, target: LocalTarget
) -> None:
    started = await supervisor.start(target, define(container, "own", "exit 143"), StartOptions())
    assert started.begin is not None
    started.begin()
    final = await recorder.until_final()
    assert (final.state, final.status, final.exit_code, final.signal) == (State.EXITED, Status.ERRORED, 143, None)


async def test_interrupting_the_group_ends_a_python_sleep(
    container: Container, supervisor: Supervisor, recorder: Recorder, target: LocalTarget
) -> None:
    line = f"exec {PYTHON} -c 'import time; print(1, flush=True); time.sleep(1000)'"
    started = await supervisor.start(target, define(container, "py", line), StartOptions())
    assert started.begin is not None and started.process.pid is not None
    started.begin()
    await recorder.until_output(b"1")
    container.run("/bin/dash", "-c", f"kill -INT -{started.process.pid}")
    final = await recorder.until_final()
    assert b"KeyboardInterrupt" in recorder.data(Stream.STDERR)
    assert final.exit_code == 130


async def test_lines_after_a_burst_come_one_by_one(
    container: Container, supervisor: Supervisor, recorder: Recorder, target: LocalTarget
) -> None:
    # The command goes on only when the test has seen its line: a pump that waits for more would block it for good.
    go = container.root / "go"
    os.mkfifo(go)
    door = os.open(go, os.O_RDWR | os.O_NONBLOCK)
    line = f"head -c 3000000 /dev/zero; for i in 1 2 3 4 5; do echo line $i; read x <'{go}'; done"
    started = await supervisor.start(target, define(container, "burst", line), StartOptions())
    assert started.begin is not None
    started.begin()
    for i in range(1, 6):
        await recorder.until_output(f"line {i}\n".encode())
        os.write(door, b"on\n")
    os.close(door)
    await recorder.until_final()
    assert len(recorder.data()) == 3_000_000 + 5 * 7


async def test_output_is_replayed_in_the_order_in_which_it_was_written(
    container: Container, supervisor: Supervisor, recorder: Recorder, target: LocalTarget
) -> None:
    line = "for i in 1 2 3 4 5; do echo o$i; sleep 0.06; echo e$i >&2; sleep 0.06; done"
    definition = define(container, "mixed", line)
    started = await supervisor.start(target, definition, StartOptions())
    assert started.begin is not None
    started.begin()
    await recorder.until_final()
    expected = b"".join(b"o%d\ne%d\n" % (i, i) for i in range(1, 6))
    assert b"".join(chunk.data for chunk in recorder.chunks) == expected
    live = [(chunk.stream, chunk.offset, chunk.time) for chunk in recorder.chunks]
    recorder.chunks.clear()
    recorder.states.clear()
    attached = await supervisor.attach(target, "mixed", pid_directory=str(container.base), follow_from="start")
    attached.begin()
    await recorder.until_final()
    assert b"".join(chunk.data for chunk in recorder.chunks) == expected
    assert [(chunk.stream, chunk.offset, chunk.time) for chunk in recorder.chunks] == live


async def test_timeout_is_kept_by_the_container(
    container: Container, supervisor: Supervisor, recorder: Recorder, target: LocalTarget
) -> None:
    definition = define(container, "slow", "trap '' TERM; sleep 1000; sleep 1000")
    options = StartOptions(timeout_seconds=0.5, grace_period_seconds=0.2, follow=False)
    await supervisor.start(target, definition, options)
    await supervisor.close()  # no agent is left to do it
    assert await settled(container, 20) == {}
    (path,) = container.base.glob("remotecmd-*/runs/*/end")
    assert path.read_text().split()[1] == "137"
    assert (path.parent / "stop").read_text().split()[::2][:2] == ["KILL", "timeout"]


async def test_merged_output_keeps_exact_order(
    container: Container, supervisor: Supervisor, recorder: Recorder, target: LocalTarget
) -> None:
    line = "i=0; while [ $i -lt 300 ]; do echo o$i; echo e$i >&2; i=$((i + 1)); done"
    started = await supervisor.start(target, define(container, "merged", line, merge_output=True), StartOptions())
    assert started.begin is not None
    started.begin()
    final = await recorder.until_final()
    assert recorder.data() == b"".join(b"o%d\ne%d\n" % (i, i) for i in range(300))
    assert final.stderr_ended and recorder.data(Stream.STDERR) == b""


async def test_agent_leaves_nothing_when_its_stream_closes(
    container: Container, supervisor: Supervisor, target: LocalTarget
) -> None:
    await supervisor.status(target, None, str(container.base))
    await supervisor.close()
    assert await settled(container) == {}
    assert list(container.base.glob("remotecmd-*/agents/*")) == []
    assert list(container.base.glob("remotecmd-*/*.*")) == []


async def test_listing_says_what_a_look_at_each_says(
    container: Container, supervisor: Supervisor, recorder: Recorder, target: LocalTarget
) -> None:
    base = str(container.base)
    lines = {"runs": "echo up; sleep 1000", "ended": "echo out; echo err >&2; exit 3", "stopped": "sleep 1000"}
    for name, line in lines.items():
        started = await supervisor.start(target, define(container, name, line), StartOptions())
        assert started.begin is not None
        started.begin()
    missing = Definition(id="failed", args=("/no/such/program", "a b"), pid_directory=base)
    with pytest.raises(RemoteCommandError):
        await supervisor.start(target, missing, StartOptions())
    for _ in range(2):  # the newest counts
        again = await supervisor.start(target, define(container, "twice", "exit 5"), StartOptions())
        assert again.begin is not None
        again.begin()
        await recorder.until_final(again.process.run_id)
    await stop(container, supervisor, "stopped", grace=5)
    await recorder.until_output(b"up\n")
    for name in ("ended", "stopped", "failed"):  # an end may be on record before its pumps are done
        waited = await supervisor.wait(target, name, pid_directory=base, timeout_seconds=20)
        assert (waited.timed_out, waited.process.stdout_ended, waited.process.stderr_ended) == (False, True, True)
    listed = {process.id: process for process in await supervisor.status(target, None, base)}
    assert set(listed) == {*lines, "failed", "twice"}
    looks = {name: (await supervisor.status(target, name, base))[0] for name in listed}
    assert listed == looks
    assert {name: process.state.value for name, process in listed.items()} == {
        "runs": "running", "ended": "exited", "stopped": "signaled", "failed": "startFailed", "twice": "exited"
    }  # fmt: skip
    assert listed["failed"].command == "/no/such/program 'a b'"
    for name in ("ended", "twice", "failed"):
        await supervisor.remove(target, name, pid_directory=base)
    assert {process.id for process in await supervisor.status(target, None, base)} == {"runs", "stopped"}
    await stop(container, supervisor, "runs", grace=5)


async def stop(container: Container, supervisor: Supervisor, id: str, *, grace: float):  # noqa: ANN201  # Stopped
    return await supervisor.stop(
        LocalTarget(), id, pid_directory=str(container.base), signal="TERM", grace_period_seconds=grace
    )


async def settled(container: Container, seconds: float = 5) -> dict[int, str]:
    """What is alive in the container once everything that is on its way out is gone."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    # There is no event for the end of somebody else's process.
    while (left := container.processes()) and loop.time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return left
