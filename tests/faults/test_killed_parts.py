"""Our own processes in a container, killed one by one: what replaces them, and what can't be replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import LONG
from tests.e2e.container import eventually
from tests.faults.line import NOTICED, Line
from tests.faults.parts import AGENT_PARTS, Parts
from tests.faults.pods import REAPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.container import Container
    from tests.faults.pods import Pod

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


def status(line: Line) -> dict[str, Any]:
    """The state of the command, which a list of all tells as well."""
    process: dict[str, Any] = line.lane.insist("status", line.where)["process"]
    listed = line.lane.insist("list", {})["processes"]
    (same,) = [other for other in listed if other["id"] == line.scene.id()]
    assert (same["state"], same.get("reason")) == (process["state"], process.get("reason"))
    return process


@pytest.mark.parametrize("part", [part for part in AGENT_PARTS if part != "spawner"])
def test_an_agent_that_lost_a_part_is_replaced(line: Line, inside: Container, part: str) -> None:
    line.start_writing()
    line.until_more(1 << 18)
    pid = status(line)["pid"]
    parts = Parts(inside)
    before = parts.agent()
    parts.kill(before[part])
    line.lane.until(lambda: line.lane.connections == ["reconnecting", "connected"], NOTICED)
    line.until_more(1 << 18)
    assert parts.agent()["main"] != before["main"]
    assert status(line)["pid"] == pid
    line.finish()


def test_without_its_spawner_an_agent_starts_and_stops_through_another(line: Line, inside: Container) -> None:
    line.start_writing()
    line.until_more(1 << 18)
    parts = Parts(inside)
    parts.kill(parts.agent()["spawner"])
    assert line.lane.insist("exec", {"cmdLine": "echo in"})["stdout"] == "in\n"
    parts.kill(parts.agent()["spawner"])
    line.until_more(1 << 18)
    stopped = line.lane.insist("stop", {**line.where, "gracePeriodSeconds": 5})
    assert stopped["verdict"]["survivors"] == []
    assert (stopped["process"]["state"], stopped["process"]["signal"]) == ("signaled", "TERM")


def test_a_stop_does_not_need_the_spawner_that_started_its_run(line: Line, inside: Container) -> None:
    line.start_writing()
    line.until_more(1 << 18)
    parts = Parts(inside)
    parts.kill(parts.agent()["spawner"])
    stopped = line.lane.insist("stop", {**line.where, "gracePeriodSeconds": 5})
    assert stopped["verdict"]["survivors"] == []
    assert (stopped["process"]["state"], stopped["process"]["signal"]) == ("signaled", "TERM")


def test_a_zombie_whose_supervisor_was_killed_is_lost(line: Line, inside: Container) -> None:
    """The command outlives its supervisor. PID 1 here reaps nothing, so it stays a zombie."""
    line.start_writing()
    line.until_more(1 << 18)
    parts = Parts(inside)
    parts.kill(parts.supervisor(line.scene.id()).pid)
    line.until_more(1 << 18)
    process = status(line)
    assert process["state"] == "running"
    line.finish()
    assert line.witness.final is not None
    told = (line.witness.final["status"], line.witness.final["state"], line.witness.final["reason"])
    assert told == ("unknown", "lost", "zombie")
    assert "exitCode" not in line.witness.final
    assert inside.shell(f"cat /proc/{process['pid']}/stat").rpartition(") ")[2].startswith("Z")
    assert status(line) == line.witness.final
    waited = line.lane.insist("wait", line.where)
    assert (waited["process"], waited["timedOut"]) == (line.witness.final, False)
    line.lane.insist("remove", line.where)


@pytest.fixture
def reaping(pods: Callable[..., Pod]) -> Pod:
    return pods(script=REAPS)


def test_a_command_whose_supervisor_was_killed_is_lost(
    line: Line, keep_clean: Callable[..., Container], reaping: Pod
) -> None:
    inside = keep_clean(reaping)
    line.use(reaping.name, inside)
    gate = f"/tmp/gate-{line.scene.suffix}"
    process = line.start_and_hear(f"echo up; until [ -e {gate} ]; do sleep 0.1; done; exit 3")
    parts = Parts(inside)
    parts.kill(parts.supervisor(line.scene.id()).pid)
    assert status(line)["state"] == "running"
    inside.shell(f"true >{gate}")
    line.lane.until(lambda: line.witness.final is not None, LONG)
    assert line.witness.final is not None
    assert (line.witness.final["state"], line.witness.final["reason"]) == ("lost", "supervisorKilled")
    assert inside.shell(f"[ ! -e /proc/{process['pid']} ] && echo gone") == "gone\n"
    assert status(line) == line.witness.final
    line.lane.insist("remove", line.where)


def test_a_stream_whose_pump_is_killed_does_not_end_and_has_no_wrong_byte(line: Line, inside: Container) -> None:
    """The command gets SIGPIPE when it writes there next. What was read before is told; that the rest is missing shows
    in `stdoutEnded`, which stays false."""
    line.start_writing()
    line.until_more(1 << 18)
    parts = Parts(inside)
    parts.kill(parts.pump(line.scene.id(), "o"))
    inside.shell(f"true >{line.file}")
    line.lane.until(lambda: line.witness.final is not None, LONG)
    final = line.witness.final
    assert final is not None
    assert (final["state"], final["stdoutEnded"], final["stderrEnded"]) == ("exited", False, True)
    assert status(line)["stdoutEnded"] is False
    line.lane.insist("remove", line.where)


def test_a_run_can_be_stopped_without_its_supervisor(line: Line, inside: Container) -> None:
    process = line.start_and_hear(f"echo up; sleep 1000 & sleep 1000; : {line.scene.suffix}")
    parts = Parts(inside)
    parts.kill(parts.supervisor(line.scene.id()).pid)
    stopped = line.lane.insist("stop", {**line.where, "gracePeriodSeconds": 2})
    assert stopped["verdict"]["survivors"] == []
    assert (stopped["process"]["state"], stopped["process"]["status"]) == ("lost", "unknown")
    left = eventually(lambda: {p for p in inside.processes() if p.session == process["pid"]}, lambda found: not found)
    assert left == set()
    line.lane.insist("remove", line.where)
