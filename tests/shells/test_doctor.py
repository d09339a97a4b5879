"""The probe under every shell with every set of tools, and what it finds in containers that lack something."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import handlers.doctor.examine
import tests.shells.container
from handlers.api import LocalTarget, StartOptions, State
from handlers.checkup import Check, Checkup, Finding, Level, Mode
from handlers.doctor.facts import NEEDED, USEFUL
from handlers.errors import ErrorKind, RemoteCommandError
from tests.shells import test_traps
from tests.shells.conftest import Recorder, make_supervisor
from tests.shells.container import SHELLS, Container
from tests.shells.limits import Disk, Limit, LimitedContainer
from tests.shells.test_agent import define, settled
from tests.shells.test_traps import zombies

if TYPE_CHECKING:
    from handlers.supervisor import Supervisor

pytestmark = [pytest.mark.shells, pytest.mark.slow]

TARGET = LocalTarget()


def one(found: Checkup, check: Check) -> Finding:
    [finding] = [finding for finding in found.findings if finding.check is check]
    return finding


def is_error(found: Checkup, check: Check, *parts: str) -> None:
    """That, and nothing else, is why commands are refused."""
    assert found.mode is Mode.REFUSED
    assert {f.check for f in found.findings if f.level is Level.ERROR} == {check, Check.MODE}
    finding = one(found, check)
    assert all(part in finding.detail for part in parts), finding
    assert finding.remedy


def files(container: Container) -> set[str]:
    """What a probe has left where it tries to write."""
    listing = "for d in /tmp /var/tmp /dev/shm ''; do echo $d/*remotecmd* $d/.remotecmd*; done"
    return set(container.run("/bin/dash", "-c", listing).splitlines())


# ---------------------------------------------------------------- in general


async def test_usual_container_is_well_and_nothing_stays(
    container: Container, supervisor: Supervisor, combination: tuple[str, str]
) -> None:
    before = files(container)
    found = await supervisor.checkup(TARGET)
    assert found.mode is Mode.SUPERVISED, found
    shell, tools = combination
    assert {finding.check for finding in found.findings} == {*Check} - {Check.PERMISSIONS, Check.WEB_SOCKET}
    assert SHELLS[shell] in one(found, Check.SHELL).detail or shell == "dash"
    if shell != "busybox":  # Debian's prefers its own applets to what is on the PATH
        assert {"gnu": "GNU"}.get(tools, tools) in one(found, Check.TOOLS).detail
    assert one(found, Check.TOOLS).level is Level.OK
    for check in (Check.CLOCK, Check.ROUND_TRIP, Check.PROC, Check.ROOT_FILESYSTEM, Check.USER):
        assert one(found, check).level is Level.OK, one(found, check)
    storage = one(found, Check.STORAGE)
    assert "/tmp/remotecmd-0" in storage.detail
    assert "unknown" not in storage.detail
    assert "took no note within 1 s" in one(found, Check.REAPING).detail
    assert await settled(container) == {}
    assert files(container) == before
    assert len(zombies(container)) <= 1, "only the orphan that was tried"


@pytest.mark.usual_tools
async def test_zombies_that_are_there_are_enough(container: Container, supervisor: Supervisor) -> None:
    for _ in range(3):
        await supervisor.checkup(TARGET)
        assert await settled(container) == {}
    assert len(zombies(container)) == 1


@pytest.mark.usual_tools
async def test_commands_that_run_are_left_alone(container: Container, supervisor: Supervisor) -> None:
    definition = define(container, "live", "exec sleep 1000")
    started = await supervisor.start(TARGET, definition, StartOptions(follow=False))
    assert (await supervisor.checkup(TARGET)).mode is Mode.SUPERVISED
    [now] = await supervisor.status(TARGET, "live", str(container.base))
    assert (now.state, now.pid) == (State.RUNNING, started.process.pid)
    await supervisor.stop(TARGET, "live", pid_directory=str(container.base), signal="KILL", grace_period_seconds=0)


@pytest.mark.one_shell
@pytest.mark.parametrize(
    ("beginning", "part"),
    [
        ("exec env --ignore-signal=CHLD ", "ignores SIGCHLD"),
        ("while :; do sleep 0.02; done\n", "takes note of orphans"),
    ],
)
async def test_pid_1_that_has_no_zombies_is_known(
    tmp_path: Path, combination: tuple[str, str], monkeypatch: pytest.MonkeyPatch, beginning: str, part: str
) -> None:
    script = tests.shells.container._PID_1.replace("exec sleep", f"{beginning}sleep")
    monkeypatch.setattr(tests.shells.container, "_PID_1", script)
    container = Container(tmp_path, shell=SHELLS["dash"], path="/usr/bin:/bin")
    supervisor = make_supervisor(container, Recorder(), monkeypatch)
    finding = one(await supervisor.checkup(TARGET), Check.REAPING)
    assert finding.level is Level.OK
    assert part in finding.detail
    await supervisor.close()
    assert zombies(container) == []
    container.close()


# ---------------------------------------------------------------- shells and tools


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.skipif(shutil.which(n) is None, reason=f"{n} is not installed"))
        for n in test_traps.REFUSED
    ],
)
async def test_shell_that_is_refused_is_named(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    container = Container(tmp_path, shell=str(shutil.which(name)), path="/usr/bin:/bin")
    supervisor = make_supervisor(container, Recorder(), monkeypatch)
    is_error(await supervisor.checkup(TARGET), Check.SHELL, "/bin/sh")
    await supervisor.close()
    assert await settled(container) == {}
    container.close()


@pytest.mark.parametrize("program", ["/bin/true", "/bin/false", "/bin/cat"])
async def test_program_that_is_no_shell_is_named(tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    container = Container(tmp_path, shell=program, path="/usr/bin:/bin")
    supervisor = make_supervisor(container, Recorder(), monkeypatch)
    is_error(await supervisor.checkup(TARGET), Check.SHELL, "/bin/sh")
    await supervisor.close()
    container.close()


def only(container: Container, directory: Path, *tools: str) -> None:
    """Leave the container just these tools."""
    directory.mkdir()
    for tool in tools:
        (directory / tool).symlink_to(str(shutil.which(tool)))
    container.environment["PATH"] = str(directory)


@pytest.mark.one_shell
@pytest.mark.parametrize("missing", NEEDED)
async def test_tool_that_the_agent_misses_is_named(
    container: Container, supervisor: Supervisor, tmp_path: Path, missing: str
) -> None:
    before = files(container)
    only(container, tmp_path / "tools", *({*NEEDED, *USEFUL} - {missing}))
    is_error(await supervisor.checkup(TARGET), Check.TOOLS, f"no {missing},")
    assert files(container) == before
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.status(TARGET, None, str(container.base))
    assert caught.value.kind is ErrorKind.TOOL_MISSING


@pytest.mark.one_shell
async def test_with_no_tool_but_those_that_are_needed_commands_run(
    container: Container, supervisor: Supervisor, recorder: Recorder, tmp_path: Path
) -> None:
    assert NEEDED == test_traps.NEEDED
    only(container, tmp_path / "tools", *NEEDED)
    found = await supervisor.checkup(TARGET)
    assert found.mode is Mode.SUPERVISED
    tools = one(found, Check.TOOLS)
    assert tools.level is Level.INFO
    assert all(f"{name} (" in tools.detail for name in USEFUL)
    assert one(found, Check.CLOCK).level is Level.INFO
    assert "free space unknown" in one(found, Check.STORAGE).detail
    await test_traps.run(supervisor, define(container, "runs", "exit 3"))
    assert (await recorder.until_final()).exit_code == 3


# ---------------------------------------------------------------- storage


def small(container: Container, path: str) -> None:
    """Give a path a file system with room for a few directories and no byte."""
    container.run("/bin/mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", path)
    container.run("/bin/dash", "-c", f"dd if=/dev/zero of={path}/filler bs=4096 2>/dev/null", check=False)


@pytest.mark.usual_tools
async def test_full_disk_everywhere_is_an_error(container: Container, supervisor: Supervisor) -> None:
    container.environment["HOME"] = "/proc"
    small(container, "/var/tmp")
    small(container, "/dev/shm")
    container.run("/bin/mount", "-o", "remount,size=4k", "/tmp")
    container.run("/bin/dash", "-c", "dd if=/dev/zero of=/tmp/filler bs=4096 2>/dev/null", check=False)
    found = await supervisor.checkup(TARGET)
    is_error(found, Check.STORAGE, "/tmp is full; /var/tmp is full; /dev/shm is full; /proc can't be written")
    assert (one(found, Check.STORAGE).remedy or "").startswith("Free some space in /tmp or /var/tmp or /dev/shm")
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.status(TARGET, None, "")
    assert caught.value.kind is ErrorKind.STORAGE_FULL


@pytest.mark.usual_tools
async def test_full_disk_is_a_warning_where_another_directory_serves(
    container: Container, supervisor: Supervisor
) -> None:
    small(container, "/var/tmp")
    found = await supervisor.checkup(TARGET)
    storage = one(found, Check.STORAGE)
    assert (found.mode, storage.level) == (Mode.SUPERVISED, Level.WARNING)
    assert storage.detail.startswith("/var/tmp is full. Records and output go to /tmp/remotecmd-0 (tmpfs, ")
    assert "/var/tmp" in (storage.remedy or "")


@pytest.mark.usual_tools
async def test_little_room_is_told(container: Container, supervisor: Supervisor) -> None:
    container.run("/bin/mount", "-o", "remount,size=2m", "/tmp")
    storage = one(await supervisor.checkup(TARGET), Check.STORAGE)
    assert storage.level is Level.WARNING
    assert "of 2.0 MiB free" in storage.detail


@pytest.mark.usual_tools
async def test_read_only_root_is_told(container: Container, supervisor: Supervisor) -> None:
    container.run("/bin/mount", "-o", "remount,bind,ro", "/")
    found = await supervisor.checkup(TARGET)
    root = one(found, Check.ROOT_FILESYSTEM)
    assert (found.mode, root.level) == (Mode.SUPERVISED, Level.INFO)
    assert "read-only" in root.detail
    assert "emptyDir" in (root.remedy or "")


@pytest.mark.usual_tools
async def test_nothing_that_can_be_written_is_an_error(container: Container, supervisor: Supervisor) -> None:
    container.environment["HOME"] = "/proc"
    for path in ("/tmp", "/var/tmp", "/dev/shm"):
        if path != "/tmp":
            container.run("/bin/mount", "-t", "tmpfs", "tmpfs", path)
        container.run("/bin/mount", "-o", "remount,ro", path)
    found = await supervisor.checkup(TARGET)
    is_error(found, Check.STORAGE, "/tmp can't be written; /var/tmp can't be written; /dev/shm can't be written")
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.status(TARGET, None, "")
    assert caught.value.kind is ErrorKind.STORAGE_UNAVAILABLE


@pytest.mark.one_shell
@pytest.mark.parametrize(
    "make", ["ln -s /var/tmp /tmp/remotecmd-0", "mkdir /tmp/remotecmd-0 && chown 7 /tmp/remotecmd-0"]
)
async def test_directory_of_somebody_else_is_not_used(container: Container, supervisor: Supervisor, make: str) -> None:
    container.run("/bin/dash", "-c", make)
    storage = one(await supervisor.checkup(TARGET), Check.STORAGE)
    assert "go to /var/tmp/remotecmd-0" in storage.detail


@pytest.mark.one_shell
async def test_disk_without_an_inode_left_is_full(container: Container, supervisor: Supervisor) -> None:
    container.environment["HOME"] = str(Disk(container, "nr_inodes=1").path)
    storage = one(await supervisor.checkup(TARGET), Check.STORAGE)
    assert storage.level is Level.WARNING
    assert storage.detail.startswith(f"{container.root}/disk is full.")


# ---------------------------------------------------------------- limits


@pytest.fixture
def limited(limit: Limit, tmp_path: Path) -> Iterator[LimitedContainer]:
    made = LimitedContainer(tmp_path, limit, shell=SHELLS["dash"], path="/usr/bin:/bin")
    yield made
    made.close()


async def test_limit_of_processes_is_told(
    limited: LimitedContainer, limit: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = make_supervisor(limited, Recorder(), monkeypatch)
    limit.allow(30)
    processes = one(await supervisor.checkup(TARGET), Check.PROCESSES)
    assert processes.level is Level.WARNING
    assert "30 processes are permitted" in processes.detail
    limit.allow(0)
    is_error(await supervisor.checkup(TARGET), Check.PROCESSES, "No process can be started")
    await supervisor.close()


@pytest.mark.usual_tools
async def test_limits_of_version_2_are_read(container: Container, supervisor: Supervisor) -> None:
    container.run("/bin/mount", "-t", "tmpfs", "tmpfs", "/sys/fs/cgroup")
    files_of = {
        "memory.max": f"{64 << 20}",
        "memory.current": f"{40 << 20}",
        "memory.stat": f"anon 1\ninactive_file {8 << 20}\nactive_file 5",
        "pids.max": "500",
        "pids.current": "100",
    }
    for name, text in files_of.items():
        container.run("/bin/dash", "-c", 'printf "%s\\n" "$1" >/sys/fs/cgroup/$0', name, text)
    found = await supervisor.checkup(TARGET)
    assert one(found, Check.MEMORY).detail == "32 MiB of the limit of 64 MiB are left."
    assert "500 processes are permitted and 400 of them left" in one(found, Check.PROCESSES).detail
    assert one(found, Check.REAPING).level is Level.WARNING


# ---------------------------------------------------------------- what hangs or floods


def script(container: Container, text: str) -> None:
    """Have the container's /bin/sh be something else."""
    path = container.root / "odd-shell"
    path.write_text(f"#!/bin/dash\n{text}\n", encoding="ascii")
    path.chmod(0o755)
    container.shell = str(path)


Patience = Callable[[float], None]


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    def be(seconds: float) -> None:
        monkeypatch.setattr(handlers.doctor.examine, "OPEN_SECONDS", 0)
        monkeypatch.setattr(handlers.doctor.examine, "PROBE_SECONDS", seconds)

    return be


@pytest.mark.one_shell
async def test_shell_that_says_nothing_is_not_waited_for_for_ever(
    container: Container, supervisor: Supervisor, patience: Patience
) -> None:
    script(container, "exec sleep 1000")
    patience(0.3)
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.checkup(TARGET)
    assert caught.value.kind is ErrorKind.TIMEOUT


@pytest.mark.one_shell
@pytest.mark.parametrize("redirection", ["", ">&2"])
async def test_shell_that_never_stops_talking_is_not_listened_to_for_ever(
    container: Container, supervisor: Supervisor, redirection: str
) -> None:
    script(container, f"while :; do echo 0123456789abcdef ready; done {redirection}")
    with pytest.raises(RemoteCommandError) as caught:
        await supervisor.checkup(TARGET)
    assert caught.value.kind is ErrorKind.UNREACHABLE


@pytest.mark.one_shell
async def test_df_that_hangs_costs_only_what_it_would_have_said(
    container: Container, supervisor: Supervisor, patience: Patience, tmp_path: Path
) -> None:
    only(container, tmp_path / "tools", *({*NEEDED, *USEFUL} - {"df"}))
    (tmp_path / "tools" / "df").write_text("#!/bin/dash\nexec sleep 1000\n", encoding="ascii")
    (tmp_path / "tools" / "df").chmod(0o755)
    patience(5)
    found = await supervisor.checkup(TARGET)
    assert found.mode is Mode.SUPERVISED
    assert "free space unknown" in one(found, Check.STORAGE).detail
