"""Links that are slow, silent or broken for a while: what lives is not given up, what is dead is, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import LONG
from tests.e2e.container import eventually
from tests.faults import pattern
from tests.faults.line import NOTICED, Line
from tests.faults.plan import Direction
from tests.faults.witness import Witness

if TYPE_CHECKING:
    from tests.e2e.container import Container

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_black_hole_is_noticed_and_output_goes_on(line: Line) -> None:
    line.start_writing()
    line.until_more(1 << 20)
    waiting = line.lane.send("wait", {"id": line.scene.id()})
    assert line.proxy.swallow() > 0
    line.lane.until(lambda: line.lane.connections == ["reconnecting", "connected"], NOTICED)
    line.until_more(1 << 20)
    line.finish()
    assert line.lane.reply(waiting, LONG)["result"]["process"]["exitCode"] == 0


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
    """A window of 1 MiB takes longer than three pings then, and their replies wait behind it (but less than the agent's
    watchdog gives it: below some 35 KB/s that window would be begun again on another channel)."""
    records = 12 << 8
    line.start(pattern.command(records, 7), 7)
    line.lane.until(lambda: line.witness.final is not None, LONG)  # then no notices share the link with windows
    line.witness = Witness(line.witness.run_id, 7)
    line.lane.watch(line.witness)
    line.lane.insist("attach", line.where)
    line.until_more(6 << 20)
    line.proxy.throttle(45_000)
    line.until_more(1 << 20, 120)
    line.proxy.throttle(None)
    line.lane.until(lambda: line.witness.final is not None, LONG)
    line.witness.check(stdout=records)
    assert line.lane.connections == []


def test_a_link_with_long_delays_works(line: Line) -> None:
    line.proxy.delay(0.2)
    line.start_writing(pause=0.5)
    line.until_more(1 << 18)
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
    params = {"definition": definition}
    if named:
        params["runId"] = f"mine-{line.scene.suffix}"
    number = line.lane.send("start", params)

    def running() -> list[int]:
        return [p.pid for p in inside.processes() if p.args == ("sleep", "1000.5")]

    assert len(eventually(running, bool)) == 1
    line.proxy.refuse(refuses=True)
    line.proxy.resume()
    error = line.lane.reply(number, NOTICED)["error"]
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
    params = {"id": line.scene.id(), **more}
    if method == "list":
        del params["id"]
    line.proxy.stall(Direction.DOWN)
    if method == "attach":
        line.witness.again(stdout=0)
    number = line.lane.send(method, params)
    line.proxy.cut()
    line.proxy.resume()
    if method == "wait":
        line.lane.insist("signal", {"id": line.scene.id(), "signal": "TERM"})
    result = line.lane.reply(number, NOTICED)["result"]
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
    params = {"id": line.scene.id(), "gracePeriodSeconds": 8}
    number = line.lane.send("stop", params)
    assert eventually(lambda: inside.shell(f"cat {marks} 2>/dev/null || :"), bool) == "term\n"
    line.proxy.cut()
    result = line.lane.reply(number, NOTICED)["result"]
    assert (result["process"]["state"], result["process"]["signal"]) == ("signaled", "KILL")
    assert (result["verdict"]["escalated"], result["verdict"]["survivors"]) == (True, [])
    assert inside.shell(f"cat {marks}") == "term\n"


def test_a_signal_that_is_cut_off_is_not_sent_twice(line: Line, inside: Container) -> None:
    marks = f"/tmp/users-{line.scene.suffix}"
    line.start_and_hear(f"trap 'echo user >>{marks}' USR1; echo up; while :; do sleep 0.1; done")
    line.proxy.stall(Direction.DOWN)
    params = {"id": line.scene.id(), "signal": "USR1", "scope": "leader"}
    number = line.lane.send("signal", params)
    line.proxy.cut()
    line.proxy.resume()
    reply = line.lane.reply(number, NOTICED)
    if "error" in reply:
        assert (reply["error"]["data"]["kind"], reply["error"]["data"]["retryable"]) == ("unreachable", True)
    line.lane.insist("stop", {"id": line.scene.id(), "signal": "KILL"})
    assert inside.shell(f"cat {marks} 2>/dev/null || :") in {"", "user\n"}
