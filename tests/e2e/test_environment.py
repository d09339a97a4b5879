"""A command gets from remotecmd what it would get from kubectl exec: the same standing in the kernel, the same
environment but for one variable, the same descriptors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import LONG, Scene
from tests.e2e.following import Following
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(120)]

Run = Callable[..., str]

STATUS = re.compile(
    r"^(Umask|[UG]id|Groups|SigQ|SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt|Cap\w+|NoNewPrivs|Seccomp\w*|Cpus_allowed|CoreDumping)"
    r":\s*(.*)$",
    re.MULTILINE,
)
"""Lines of /proc/PID/status that a process has from whoever started it."""


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Client() as client:
        yield client


@pytest.fixture(params=["app", "debian"])
def pod(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["start", "exec"])
def run(request: pytest.FixtureRequest, client: Client, scene: Scene, pod: str) -> Run:
    """Runs a command through the server and returns its stdout; `cmdLine` or `args`."""

    def by_exec(**what: Any) -> str:
        result = client.result("remotecmd/exec", {"target": scene.target(pod), **what}, LONG)
        assert result["exitCode"] == 0, result
        stdout: str = result["stdout"]
        return stdout

    def by_start(**what: Any) -> str:
        params = {"target": scene.target(pod), "definition": {"id": scene.id(), **what}}
        following = Following(client, client.result("remotecmd/start", params, LONG)["process"]["runId"])
        assert following.to_end()["exitCode"] == 0, following.data
        return following.data["stdout"].decode()

    scene.container(pod)
    return by_start if request.param == "start" else by_exec


def both(scene: Scene, run: Run, pod: str, command: str | list[str]) -> tuple[str, str]:
    """What a command says through remotecmd, and through kubectl exec."""
    inside = scene.container(pod)
    if isinstance(command, str):
        return run(cmdLine=command), inside.run("/bin/sh", "-c", command)
    return run(args=command), inside.run(*command)


def standing(status: str) -> dict[str, str]:
    """The lines of /proc/PID/status that count here. SigQ's first number is how many signals the user has queued."""
    return {key: value.rpartition("/")[2] if key == "SigQ" else value for key, value in STATUS.findall(status)}


@pytest.mark.parametrize(
    "command",
    [["cat", "/proc/self/status"], 'while IFS= read -r l; do echo "$l"; done </proc/$$/status'],
    ids=["args", "cmdLine"],
)
def test_signals_umask_and_rights_are_those_of_kubectl_exec(
    scene: Scene, run: Run, pod: str, command: str | list[str]
) -> None:
    ours, theirs = (standing(text) for text in both(scene, run, pod, command))
    assert ours == theirs
    assert {"SigBlk", "SigIgn", "SigCgt", "Umask", "CapEff"} <= ours.keys()


@pytest.mark.parametrize(
    "command", [["cat", "/proc/self/stat"], 'read -r l </proc/$$/stat; echo "$l"'], ids=["args", "cmdLine"]
)
def test_it_leads_a_session_and_a_group_and_has_no_terminal(
    scene: Scene, run: Run, pod: str, command: str | list[str]
) -> None:
    def leadership(stat: str) -> dict[str, Any]:
        pid = stat.split(maxsplit=1)[0]
        fields = stat.rpartition(") ")[2].split()
        group, session, terminal, priority, nice = fields[2], fields[3], fields[4], fields[15], fields[16]
        return {
            "leads its group": group == pid, "leads its session": session == pid, "terminal": terminal,
            "priority": priority, "nice": nice, "policy": fields[38],
        }  # fmt: skip

    ours, theirs = (leadership(text) for text in both(scene, run, pod, command))
    assert ours == theirs
    assert ours["leads its session"]


@pytest.mark.parametrize("command", [["cat", "/proc/self/environ"], "cat /proc/$$/environ"], ids=["args", "cmdLine"])
def test_the_environment_is_that_of_kubectl_exec_and_one_variable_more(
    scene: Scene, run: Run, pod: str, command: str | list[str]
) -> None:
    ours, theirs = (sorted(text.removesuffix("\0").split("\0")) for text in both(scene, run, pod, command))
    added = [text for text in ours if text.startswith("REMOTECMD_RUN_ID=")]
    assert len(added) == 1
    assert [text for text in ours if text not in added] == theirs


def test_what_a_shell_exports_is_what_it_exports_under_kubectl_exec(scene: Scene, run: Run, pod: str) -> None:
    ours, theirs = (sorted(text.splitlines()) for text in both(scene, run, pod, "env; umask; pwd; set -o; ulimit -a"))
    assert [line for line in ours if not line.startswith("REMOTECMD_RUN_ID=")] == theirs


@pytest.mark.parametrize("command", [["pwd"], "pwd", ["readlink", "/proc/self/cwd"]], ids=["args", "cmdLine", "kernel"])
def test_the_working_directory_is_that_of_kubectl_exec(
    scene: Scene, run: Run, pod: str, command: str | list[str]
) -> None:
    ours, theirs = both(scene, run, pod, command)
    assert ours == theirs


@pytest.mark.parametrize("file", ["limits", "oom_score_adj", "cgroup", "personality", "timerslack_ns"])
def test_limits_are_those_of_kubectl_exec(scene: Scene, run: Run, pod: str, file: str) -> None:
    ours, theirs = both(scene, run, pod, ["cat", f"/proc/self/{file}"])
    assert ours == theirs


DESCRIPTORS = """
for f in /proc/$$/fd/*; do
  n=${f##*/}
  kind=other
  [ ! -p "$f" ] || kind=pipe
  [ ! -c "$f" ] || kind=$(readlink "$f")
  while read -r key value; do [ "$key" != flags: ] || flags=$value; done </proc/$$/fdinfo/$n
  echo "$n $kind $flags"
done
"""


def test_descriptors_of_a_shell_are_those_of_kubectl_exec(scene: Scene, run: Run, pod: str) -> None:
    ours, theirs = (kinds(text) for text in both(scene, run, pod, DESCRIPTORS))
    assert ours == theirs
    assert [line.split()[0] for line in ours][:3] == ["0", "1", "2"]


def test_descriptors_of_a_program_are_those_of_kubectl_exec(scene: Scene, run: Run, pod: str) -> None:
    ours, theirs = (text.split() for text in both(scene, run, pod, ["ls", "/proc/self/fd"]))
    assert ours == theirs == ["0", "1", "2", "3"]  # 3 is the directory that ls reads


def kinds(text: str) -> list[str]:
    """Number, kind and access mode (the last digit of the flags: read, write) of each descriptor."""
    return [f"{number} {kind} {flags[-1]}" for number, kind, flags in map(str.split, text.splitlines())]
