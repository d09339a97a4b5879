"""Links that are slow, silent or broken for a while: what lives is not given up, what is dead is, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import LONG, Scene
from tests.e2e.container import eventually
from tests.faults import pattern
from tests.faults.lane import Lane
from tests.faults.plan import Direction
from tests.faults.witness import Witness
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.container import Container
    from tests.faults.conftest import Way

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

NOTICED = 60.0
"""Seconds in which a dead connection is noticed and replaced: 20 at most, and the rest is for a loaded machine."""


class Line:
    """A server on a way of its own, and a command that writes until it is told to end."""

    def __init__(self, scene: Scene, way: Way, inside: Container) -> None:
        self.scene, self.proxy, self._inside = scene, way.proxy, inside
        self.client = Client()
        self.target = scene.target("app", kubeconfig=way.kubeconfig)
        self.lane = Lane(self.client, self.target)
        self.witness = Witness("", 7)
        self._file = f"/tmp/over-{scene.suffix}"

    def start(self, line: str, *salts: int) -> dict[str, Any]:
        run_id = f"run-{self.scene.suffix}"
        self.witness = Witness(run_id, *salts)
        self.lane.watch(self.witness)
        definition = {"id": self.scene.id(), "cmdLine": line}
        process: dict[str, Any] = self.lane.insist("start", {"definition": definition, "runId": run_id})["process"]
        return process

    def start_and_hear(self, line: str) -> dict[str, Any]:
        """Start what writes something once it is ready."""
        process = self.start(line)
        self.lane.until(lambda: self.witness.at["stdout"] > 0, LONG)
        return process

    def start_writing(self, **how: Any) -> None:
        self.start(pattern.until(self._file, 7, **how), 7)

    def until_more(self, size: int, seconds: float = LONG) -> None:
        goal = self.witness.at["stdout"] + size
        self.lane.until(lambda: self.witness.at["stdout"] >= goal, seconds)

    def finish(self) -> None:
        """Have the command end, and look at all that it wrote."""
        self._inside.shell(f"true >{self._file}")
        self.lane.until(lambda: self.witness.final is not None, LONG)
        self.witness.check(stdout=self.witness.at["stdout"] // pattern.RECORD_BYTES)
        assert self.witness.at["stdout"] > 0


@pytest.fixture
def inside(keep_clean: Callable[..., Container]) -> Container:
    return keep_clean("app")


@pytest.fixture
def line(scene: Scene, way: Callable[..., Way], inside: Container) -> Iterator[Line]:
    made = Line(scene, way(), inside)
    yield made
    made.proxy.throttle(None)
    made.proxy.resume()
    made.client.close()


def test_a_black_hole_is_noticed_and_output_goes_on(line: Line) -> None:
    line.start_writing()
    line.until_more(1 << 20)
    waiting = line.client.send_request("remotecmd/wait", {"target": line.target, "id": line.scene.id()})
    assert line.proxy.swallow() > 0
    line.lane.until(lambda: line.lane.connections == ["reconnecting", "connected"], NOTICED)
    line.until_more(1 << 20)
    line.finish()
    assert line.client.reply(waiting, LONG)["result"]["process"]["exitCode"] == 0


def test_a_black_hole_under_a_silent_command_is_noticed(line: Line, inside: Container) -> None:
    gate = f"/tmp/gate-{line.scene.suffix}"
    line.start(f"until [ -e {gate} ]; do sleep 0.1; done; exit 3")
    assert line.proxy.swallow() > 0
    line.lane.until(lambda: line.lane.connections == ["reconnecting", "connected"], NOTICED)
    inside.shell(f"true >{gate}")
    line.lane.until(lambda: line.witness.final is not None, LONG)
    assert line.witness.final is not None
    assert line.witness.final["exitCode"] == 3


def test_a_stall_that_is_shorter_than_the_bound_is_not_told(line: Line) -> None:
    line.start_writing()
    line.until_more(1 << 20)
    line.proxy.stall_for(8.0)
    line.until_more(4 << 20)
    line.finish()
    assert line.lane.connections == []


def test_a_link_that_gets_slow_in_the_middle_of_a_window_is_not_given_up(line: Line) -> None:
    """A window of 1 MiB takes longer than three pings then, and the replies to those wait behind it."""
    line.start_writing(at_once=2048, pause=0)
    line.until_more(32 << 20)
    line.proxy.throttle(40_000)
    line.until_more(1 << 20, 120)
    line.proxy.throttle(None)
    line.finish()
    assert line.lane.connections == []


def test_a_link_with_long_delays_works(line: Line) -> None:
    line.proxy.delay(0.2)
    line.start_writing()
    line.until_more(1 << 20)
    result = line.lane.insist("exec", {"cmdLine": "echo in"})
    assert result["stdout"] == "in\n"
    line.finish()
    assert line.lane.connections == []


@pytest.mark.parametrize("named", [True, False], ids=["by the client", "by the server"])
def test_a_start_that_can_not_be_resolved_names_the_run_to_ask_for(
    line: Line, inside: Container, *, named: bool
) -> None:
    line.lane.insist("status", {})
    line.proxy.stall(Direction.DOWN)
    definition = {"id": line.scene.id(), "cmdLine": f"exec sleep 1000.5 # {line.scene.suffix}"}
    params = {"target": line.target, "definition": definition}
    if named:
        params["runId"] = f"mine-{line.scene.suffix}"
    number = line.client.send_request("remotecmd/start", params)

    def running() -> list[int]:
        return [p.pid for p in inside.processes() if p.args == ("sleep", "1000.5")]

    assert len(eventually(running, bool)) == 1
    line.proxy.refuse(refuses=True)
    line.proxy.resume()
    error = line.client.reply(number, NOTICED)["error"]
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("unreachable", True)
    run_id = error["data"]["runId"]
    assert run_id in error["message"]
    assert not named or run_id == params["runId"]
    line.proxy.refuse(refuses=False)
    process = line.lane.insist("start", {"definition": definition, "runId": run_id})["process"]
    assert process["runId"] == run_id
    assert running() == [process["pid"]]
    line.lane.insist("stop", {"id": line.scene.id()})
    assert eventually(running, lambda found: not found) == []


@pytest.mark.parametrize("method", ["status", "list", "read", "wait", "attach"])
def test_a_request_that_is_cut_off_is_answered_all_the_same(line: Line, method: str) -> None:
    process = line.start_and_hear(f"echo there; exec sleep 1000 # {line.scene.suffix}")
    more = {"read": {"stream": "stdout", "offset": 0, "length": 5}, "wait": {"timeoutSeconds": 60}}.get(method, {})
    params = {"target": line.target, "id": line.scene.id(), **more}
    if method == "list":
        del params["id"]
    line.proxy.stall(Direction.DOWN)
    number = line.client.send_request(f"remotecmd/{method}", params)
    line.proxy.cut()
    line.proxy.resume()
    if method == "wait":
        line.lane.insist("signal", {"id": line.scene.id(), "signal": "TERM"})
    result = line.client.reply(number, NOTICED)["result"]
    if method == "list":
        assert process["pid"] in {found["pid"] for found in result["processes"]}
    elif method == "read":
        assert result["data"] == "there"
    else:
        assert result["process"]["pid"] == process["pid"]
    line.lane.insist("stop", {"id": line.scene.id()})


def test_a_stop_that_is_cut_off_is_answered_and_signals_once(line: Line, inside: Container) -> None:
    marks = f"/tmp/terms-{line.scene.suffix}"
    line.start_and_hear(f"trap 'echo term >>{marks}' TERM; echo up; while :; do sleep 0.1; done")
    line.proxy.stall(Direction.DOWN)
    params = {"target": line.target, "id": line.scene.id(), "gracePeriodSeconds": 4}
    number = line.client.send_request("remotecmd/stop", params)
    assert eventually(lambda: inside.shell(f"cat {marks} || :"), bool) == "term\n"
    line.proxy.cut()
    line.proxy.resume()
    result = line.client.reply(number, NOTICED)["result"]
    assert (result["process"]["state"], result["process"]["signal"]) == ("signaled", "KILL")
    assert (result["verdict"]["escalated"], result["verdict"]["survivors"]) == (True, [])
    assert inside.shell(f"cat {marks}") == "term\n"


def test_a_signal_that_is_cut_off_is_not_sent_twice(line: Line, inside: Container) -> None:
    marks = f"/tmp/users-{line.scene.suffix}"
    line.start_and_hear(f"trap 'echo user >>{marks}' USR1; echo up; while :; do sleep 0.1; done")
    line.proxy.stall(Direction.DOWN)
    params = {"target": line.target, "id": line.scene.id(), "signal": "USR1", "scope": "leader"}
    number = line.client.send_request("remotecmd/signal", params)
    line.proxy.cut()
    line.proxy.resume()
    reply = line.client.reply(number, NOTICED)
    if "error" in reply:
        assert (reply["error"]["data"]["kind"], reply["error"]["data"]["retryable"]) == ("unreachable", True)
    line.lane.insist("stop", {"id": line.scene.id(), "signal": "KILL"})
    assert inside.shell(f"cat {marks} 2>/dev/null || :") in {"", "user\n"}
