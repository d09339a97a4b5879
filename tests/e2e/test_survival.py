"""A command and its output outlive whoever watches it: its server, the API server, and one of two servers."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import BASE, LONG, Scene
from tests.e2e.container import Container, eventually
from tests.e2e.following import Following
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Kubectl, NodeServer

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(240)]

RECONNECTED = 90.0
"""Seconds for following to go on by itself; the pause between two attempts grows to 30 s."""


class Outage:
    """The API server, killed and started again."""

    def __init__(self, node_server: NodeServer, kubectl: Kubectl) -> None:
        self._node_server = node_server
        self._kubectl = kubectl

    def begin(self) -> None:
        self._node_server("kill", "apiserver")

    def end(self) -> None:
        self._node_server("start", "apiserver")
        assert eventually(self.is_over, bool, 60), "the API server does not get ready"

    def is_over(self) -> bool:
        try:
            return self._kubectl("get", "--raw", "/readyz", timeout=10) == "ok"
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False


@pytest.fixture
def outage(node_server: NodeServer, kubectl: Kubectl) -> Iterator[Outage]:
    outage = Outage(node_server, kubectl)
    yield outage
    outage.end()


class Numbered:
    """A command that writes numbered lines on both streams until it is told to end."""

    def __init__(self, scene: Scene, inside: Container) -> None:
        self._inside = inside
        self._file = f"/tmp/over-{scene.suffix}"
        self.line = (
            f"i=0; while [ ! -e {self._file} ]; do i=$((i+1)); "
            'echo "line $i"; echo "error $i" >&2; sleep 0.02; done; echo "last $i"'
        )

    def finish(self) -> None:
        self._inside.shell(f"true >{self._file}")

    @staticmethod
    def has_lines(count: int) -> Callable[[Following], bool]:
        """Whether there are so many lines on both streams."""
        return lambda following: all(data.count(b"\n") >= count for data in following.data.values())

    @staticmethod
    def check(stdout: bytes | bytearray, stderr: bytes | bytearray) -> None:
        count = stderr.count(b"\n")
        assert stderr == b"".join(b"error %d\n" % i for i in range(1, count + 1))
        assert stdout == b"".join(b"line %d\n" % i for i in range(1, count + 1)) + b"last %d\n" % count


class Flood:
    """A command that writes the same random bytes again and again until it is told to end.

    With `pause` seconds between, it stays below what is kept of its output while nobody can read it.
    """

    SIZE = 1 << 20

    def __init__(self, scene: Scene, inside: Container, pause: float = 0.05) -> None:
        self._inside = inside
        self._file = f"/tmp/over-{scene.suffix}"
        self._data = f"/tmp/data-{scene.suffix}"
        inside.shell(f"head -c {self.SIZE} /dev/urandom >{self._data}")
        self.line = f"while [ ! -e {self._file} ]; do cat {self._data}; sleep {pause}; done"

    def finish(self) -> None:
        self._inside.shell(f"true >{self._file}")

    def check(self, output: bytes | bytearray) -> None:
        times, rest = divmod(len(output), self.SIZE)
        assert (times > 1, rest) == (True, 0)
        script = f"i=0; while [ $i -lt {times} ]; do i=$((i+1)); cat {self._data}; done | sha256sum"
        assert hashlib.sha256(output).hexdigest() == self._inside.shell(script).split()[0]


@pytest.fixture(params=["app", "debian"])
def pod(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def inside(scene: Scene, pod: str) -> Container:
    return scene.container(pod)


@pytest.fixture
def second() -> Iterator[Client]:
    with Client() as client:
        yield client


def attach(client: Client, scene: Scene, target: dict[str, Any], **more: Any) -> dict[str, Any]:
    params = {"target": target, "id": scene.id(), **more}
    attached: dict[str, Any] = client.result("remotecmd/attach", params, LONG)
    return attached


def kill(client: Client) -> None:
    client.process.kill()
    client.wait()


def test_output_is_complete_over_three_killed_servers(scene: Scene, inside: Container, pod: str) -> None:
    command = Numbered(scene, inside)
    target = scene.target(pod)
    whole = {"stdout": bytearray(), "stderr": bytearray()}
    pid = None
    for i in range(3):
        with Client() as client:
            if i == 0:
                process = scene.start(client, target, command.line)
            else:
                attached = attach(client, scene, target, **{"from": {k: len(v) for k, v in whole.items()}})
                process = attached["process"]
                assert attached["offsets"] == {k: len(v) for k, v in whole.items()}
            assert process["pid"] == (pid or process["pid"])
            pid = process["pid"]
            following = Following(client, process["runId"], **{k: len(v) for k, v in whole.items()})
            following.until(Numbered.has_lines(30))
            kill(client)
        whole = {stream: whole[stream] + following.data[stream] for stream in whole}
    command.finish()
    with Client() as client:
        process = attach(client, scene, target, **{"from": {k: len(v) for k, v in whole.items()}})["process"]
        following = Following(client, process["runId"], **{k: len(v) for k, v in whole.items()})
        assert following.to_end()["exitCode"] == 0
        whole = {stream: whole[stream] + following.data[stream] for stream in whole}
        Numbered.check(whole["stdout"], whole["stderr"])
        attach(client, scene, target)
        replayed = Following(client, process["runId"])
        assert replayed.to_end() == following.final
        assert replayed.data == whole


def test_a_flood_is_complete_after_its_server_was_killed(
    scene: Scene, inside: Container, pod: str, second: Client
) -> None:
    command = Flood(scene, inside)
    with Client() as client:
        process = scene.start(client, scene.target(pod), command.line)
        first = Following(client, process["runId"]).until(lambda following: following.at["stdout"] > 3 << 20)
        kill(client)
    attach(second, scene, scene.target(pod), **{"from": first.at})
    rest = Following(second, process["runId"], **first.at)
    rest.until(lambda following: len(following.data["stdout"]) > 3 << 20)
    command.finish()
    assert rest.to_end()["exitCode"] == 0
    command.check(first.data["stdout"] + rest.data["stdout"])


@pytest.mark.parametrize(("pod", "context"), [("app", "admin"), ("app", "getonly"), ("debian", "admin")])
def test_following_goes_on_by_itself_when_the_api_server_is_back(
    scene: Scene, inside: Container, pod: str, context: str, outage: Outage
) -> None:
    command = Numbered(scene, inside)
    target = scene.target(pod, context=context)
    with Client() as client:
        process = scene.start(client, target, command.line)
        following = Following(client, process["runId"]).until(Numbered.has_lines(20))
        outage.begin()
        error = client.error("remotecmd/status", {"target": target, "id": scene.id()}, LONG)
        assert (error["data"]["kind"], error["data"]["retryable"]) == ("unreachable", True)
        outage.end()
        seen = following.data["stderr"].count(b"\n")
        following.until(Numbered.has_lines(seen + 50), RECONNECTED)
        command.finish()
        final = following.to_end()
        Numbered.check(following.data["stdout"], following.data["stderr"])
        assert (final["pid"], final["exitCode"]) == (process["pid"], 0)
        assert client.result("remotecmd/status", {"target": target, "id": scene.id()}, LONG)["process"] == final
        assert len(inside.agents(BASE)) == 1


@pytest.mark.covers("remotecmd/connection")
def test_an_outage_of_the_api_server_is_told_once_for_all_that_is_followed(scene: Scene, outage: Outage) -> None:
    target = scene.target("app")
    command = Numbered(scene, scene.container("app"))
    with Client() as client:
        pids = {}
        for name in ("a", "b", "c"):
            definition = {"id": scene.id(name), "cmdLine": command.line}
            params = {"target": target, "definition": definition}
            process = client.result("remotecmd/start", params, LONG)["process"]
            pids[process["runId"]] = process["pid"]
        outage.begin()
        told = [client.notification("remotecmd/connection", LONG)]
        outage.end()
        told.append(client.notification("remotecmd/connection", RECONNECTED))
        # What was passed over is looked at once more below, each run for itself.
        messages, client.others = client.others, []
        command.finish()
        ended: set[str] = set()
        while ended != pids.keys():
            message = client.next(RECONNECTED)
            messages.append(message)
            if message["method"] == "remotecmd/statusChanged":
                assert message["params"]["process"]["exitCode"] == 0
                ended.add(message["params"]["process"]["runId"])
    told += [message["params"] for message in messages if message["method"] == "remotecmd/connection"]
    assert [connection["state"] for connection in told] == ["reconnecting", "connected"]
    assert {connection["target"]["podName"] for connection in told} == {"app"}
    assert all(connection["detail"] for connection in told)
    for run in pids:
        outputs = [m["params"] for m in messages if m["method"] == "remotecmd/output" and m["params"]["runId"] == run]
        of = {stream: [o for o in outputs if o["stream"] == stream] for stream in ("stdout", "stderr")}
        Numbered.check(*("".join(o["data"] for o in of[stream]).encode() for stream in ("stdout", "stderr")))


@pytest.mark.parametrize("pod", ["app"])
def test_a_flood_is_complete_over_outages_of_the_api_server(
    scene: Scene, inside: Container, pod: str, outage: Outage
) -> None:
    command = Flood(scene, inside, pause=0.5)  # 128 MiB are a minute of it
    with Client() as client:
        process = scene.start(client, scene.target(pod), command.line)
        following = Following(client, process["runId"])
        for _ in range(2):
            enough = following.at["stdout"] + (5 << 20)
            following.until(lambda f, enough=enough: f.at["stdout"] > enough, RECONNECTED)
            outage.begin()
            outage.end()
        enough = following.at["stdout"] + (5 << 20)
        following.until(lambda f: f.at["stdout"] > enough, RECONNECTED)
        command.finish()
        assert following.to_end(RECONNECTED)["exitCode"] == 0
        command.check(following.data["stdout"])


def test_a_command_that_ends_while_the_api_server_is_away_is_told_to_have_ended(scene: Scene, outage: Outage) -> None:
    inside = scene.container("annotated", "first")
    target = scene.target("annotated", containerName="first")
    with Client() as client:
        process = scene.start(client, target, "echo begun; sleep 2; echo done; exit 7")
        following = Following(client, process["runId"]).until(lambda f: f.data["stdout"] == b"begun\n")
        outage.begin()
        outage.end()
        final = following.to_end(RECONNECTED)
        assert (final["state"], final["exitCode"]) == ("exited", 7)
        assert following.data["stdout"] == b"begun\ndone\n"
    assert eventually(lambda: inside.agents(BASE), lambda found: not found) == []


def test_two_servers_that_follow_a_run_get_the_same(scene: Scene, inside: Container, pod: str, second: Client) -> None:
    command = Flood(scene, inside)
    with Client() as client:
        process = scene.start(client, scene.target(pod), command.line)
        first = Following(client, process["runId"]).until(lambda f: f.at["stdout"] > 2 << 20)
        attached = attach(second, scene, scene.target(pod))
        assert attached["process"]["runId"] == process["runId"]
        other = Following(second, process["runId"]).until(lambda f: f.at["stdout"] > 4 << 20)
        command.finish()
        assert first.to_end() == other.to_end()
    assert first.data == other.data
    command.check(first.data["stdout"])


def test_a_second_server_stops_what_the_first_one_started(
    scene: Scene, inside: Container, pod: str, second: Client
) -> None:
    target = scene.target(pod)
    with Client() as client:
        process = scene.start(client, target, f"echo up; sleep 1000 & sleep 1000; : {scene.suffix}")
        following = Following(client, process["runId"]).until(lambda f: f.data["stdout"] == b"up\n")
        stopped = second.result("remotecmd/stop", {"target": target, "id": scene.id()}, LONG)
        verdict = stopped["verdict"]
        assert (verdict["signalled"], verdict["escalated"], verdict["survivors"]) == (True, False, [])
        final = following.to_end()
        assert (final["state"], final["signal"], final["status"]) == ("signaled", "TERM", "stopped")
        assert stopped["process"]["endedAt"] == final["endedAt"]
    left = {p for p in inside.processes() if p.session == process["pid"] or scene.suffix in str(p.args)}
    assert left == set()


def test_a_second_server_stops_what_a_killed_one_started(
    scene: Scene, inside: Container, pod: str, second: Client
) -> None:
    target = scene.target(pod)
    with Client() as client:
        process = scene.start(client, target, f"echo up; sleep 1000; : {scene.suffix}")
        Following(client, process["runId"]).until(lambda f: f.data["stdout"] == b"up\n")
        kill(client)
    again = second.result("remotecmd/status", {"target": target, "id": scene.id()}, LONG)["process"]
    assert (again["pid"], again["runId"], again["state"]) == (process["pid"], process["runId"], "running")
    stopped = second.result("remotecmd/stop", {"target": target, "id": scene.id()}, LONG)
    assert (stopped["process"]["state"], stopped["verdict"]["survivors"]) == ("signaled", [])
    assert process["pid"] not in {p.pid for p in inside.processes()}
