"""How a run is told to have ended when nobody saw its end: each way has a reason of its own, and none is a guess.

What a killed supervisor leaves, a zombie or nothing, is in test_killed_parts.py, a crash on the node in
test_restarts.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import LONG, Scene
from tests.faults.lane import Lane
from tests.faults.parts import Parts
from tests.faults.pods import REAPS, VOLUME, Pod
from tests.faults.witness import Witness
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.container import Container
    from tests.faults.conftest import Way

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

NOTICED = 90.0
"""Seconds in which it is told that a container is gone."""

VOLUME_BASE = f"{VOLUME}/remotecmd-0"


class Case:
    """A command in a pod of the test's own, and a server that follows it."""

    def __init__(self, scene: Scene, pod: Pod, client: Client, kubeconfig: str = "", **definition: Any) -> None:
        self.scene, self.pod = scene, pod
        self.lane = Lane(client, scene.target(pod.name, kubeconfig=kubeconfig or str(scene.kubeconfig)))
        self.where = {"id": scene.id(), **definition}
        self.witness = Witness(f"run-{scene.suffix}")
        self.lane.watch(self.witness)
        line = f"echo up; while :; do sleep 1; done; : {scene.suffix}"
        started = {**self.where, "cmdLine": line}
        params = {"definition": started, "runId": self.witness.run_id}
        self.process = self.lane.insist("start", params)["process"]
        self.lane.until(lambda: self.witness.at["stdout"] == 3, LONG)

    def status(self) -> dict[str, Any]:
        """What any server says of the command, alone and in a list."""
        with Client() as other:
            lane = Lane(other, self.lane.target)
            process: dict[str, Any] = lane.insist("status", self.where)["process"]
            more = {key: value for key, value in self.where.items() if key != "id"}
            listed = [p for p in lane.insist("list", more)["processes"] if p["id"] == self.where["id"]]
        assert [(p["state"], p.get("reason")) for p in listed] == (
            [] if process["state"] == "absent" else [(process["state"], process.get("reason"))]
        )
        return process

    def told(self) -> tuple[str, str, str]:
        """Status, state and reason that the one that follows is told at last."""
        self.lane.until(lambda: self.witness.final is not None, NOTICED)
        final = self.witness.final
        assert final is not None
        assert "exitCode" not in final
        assert (final["pid"], final["runId"]) == (self.process["pid"], self.witness.run_id)
        return final["status"], final["state"], final["reason"]


@pytest.fixture
def client(keep_clean: Callable[..., Container]) -> Iterator[Client]:
    """A server that is gone when containers are looked at."""
    with Client() as client:
        yield client


def test_container_restarted(scene: Scene, client: Client, pods: Callable[..., Pod]) -> None:
    """Its files went with it: whoever followed is told, and nobody else can know."""
    case = Case(scene, pods(), client)
    case.pod.kill_container()
    assert case.told() == ("unknown", "lost", "containerRestarted")
    assert case.lane.connections[-1] == "lost"
    assert case.status()["state"] == "absent"


def test_container_restarted_with_records_on_a_volume(scene: Scene, client: Client, pods: Callable[..., Pod]) -> None:
    """The records outlive it, so everybody is told; the id is free again."""
    case = Case(scene, pods(), client, pidDirectory=VOLUME)
    case.pod.kill_container()
    assert case.told() == ("unknown", "lost", "containerRestarted")
    process = case.status()
    assert (process["status"], process["state"], process["reason"]) == ("unknown", "lost", "containerRestarted")
    assert (process["pid"], process["startedAt"]) == (case.process["pid"], case.process["startedAt"])
    with Client() as other:
        lane = Lane(other, case.lane.target)
        stopped = lane.insist("stop", case.where)
        assert (stopped["verdict"]["signalled"], stopped["process"]["state"]) == (False, "lost")
        read = lane.insist("read", {**case.where, "stream": "stdout", "offset": 0, "length": 100})
        assert read["data"] == "up\n"
        again = lane.insist("start", {"definition": {**case.where, "cmdLine": "exit 4"}, "runId": f"x{scene.suffix}"})
        assert again["created"]
        assert lane.insist("wait", case.where)["process"]["exitCode"] == 4
        lane.insist("remove", case.where)


def test_container_ended_for_good(scene: Scene, client: Client, pods: Callable[..., Pod]) -> None:
    case = Case(scene, pods(restart="Never"), client)
    case.pod.kill_container(replaced=False)
    assert case.told() == ("unknown", "lost", "containerEnded")
    error = case.lane.request("status", case.where)["error"]
    assert error["data"]["kind"] == "targetNotRunning"


def test_pod_replaced(scene: Scene, client: Client, pods: Callable[..., Pod], way: Callable[..., Way]) -> None:
    """The server sees only the new pod: while there is none, it can't look."""
    through = way()
    case = Case(scene, pods(), client, through.kubeconfig)
    through.proxy.refuse(refuses=True)
    through.proxy.cut()
    case.pod.delete()
    case.pod.create()
    through.proxy.refuse(refuses=False)
    assert case.told() == ("unknown", "lost", "podReplaced")
    assert case.lane.connections[-1] == "lost"
    assert case.status()["state"] == "absent"


def test_pod_deleted(scene: Scene, client: Client, pods: Callable[..., Pod]) -> None:
    case = Case(scene, pods(), client)
    case.pod.delete()
    assert case.told() == ("unknown", "lost", "targetNotFound")
    assert case.lane.connections[-1] == "lost"
    error = case.lane.request("status", case.where)["error"]
    assert error["data"]["kind"] == "targetNotFound"


def test_pid_reused(
    scene: Scene, client: Client, pods: Callable[..., Pod], keep_clean: Callable[..., Container]
) -> None:
    """The record is made to name a pid that is another process's by now: that is neither shown nor signalled."""
    pod = pods(script=REAPS)
    inside = keep_clean(pod)
    case = Case(scene, pod, client)
    parts = Parts(inside)
    directory = parts.directory(case.where["id"])
    parts.kill(parts.supervisor(case.where["id"]).pid)
    other = int(inside.shell("sleep 1000 >/dev/null 2>&1 & echo $!"))
    try:
        inside.shell(f"read -r x pid rest <{directory}/pid; echo $x {other} $rest 1<>{directory}/pid")
        process = case.status()
        assert (process["status"], process["state"], process["reason"]) == ("unknown", "lost", "pidReused")
        with Client() as second:
            lane = Lane(second, case.lane.target)
            assert lane.insist("stop", case.where)["verdict"]["signalled"] is False
            lane.insist("signal", {**case.where, "signal": "KILL"})
        assert other in {p.pid for p in inside.processes()}
    finally:
        inside.shell(f"kill -KILL {other}")
    parts.kill(*(p.pid for p in inside.processes() if p.session == case.process["pid"]))
    case.lane.until(lambda: case.witness.final is not None, NOTICED)
    case.lane.insist("remove", case.where)


def test_record_missing(
    scene: Scene, client: Client, pods: Callable[..., Pod], keep_clean: Callable[..., Container]
) -> None:
    """Somebody removed the run's files while it ran: who follows or waits is told, to others it was never started."""
    pod = pods(script=REAPS)
    inside = keep_clean(pod)
    case = Case(scene, pod, client)
    waiting = case.lane.send("wait", case.where)
    directory = Parts(inside).directory(case.where["id"])
    inside.shell(f"rm -rf {directory}")
    assert case.told() == ("unknown", "lost", "recordMissing")
    waited = case.lane.reply(waiting, NOTICED)["result"]["process"]
    assert (waited["state"], waited["reason"]) == ("lost", "recordMissing")
    assert case.status()["state"] == "absent"
    Parts(inside).kill(*(p.pid for p in inside.processes() if p.session == case.process["pid"]))
