"""remotecmd/signal: to the group or to the leader, and nothing more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.place import LONG, Place, decode

QUIET = {"output": {"follow": False}}
FAMILY = """
sh -c 'trap "echo child" USR1; echo up; while :; do sleep 0.05; done' &
trap 'echo leader' USR1
while :; do sleep 0.05; done
"""


def until_output(place: Place, *lines: bytes) -> None:
    """Until stdout has had all of these lines."""
    missing = list(lines)
    while missing:
        params = place.client.notification("remotecmd/output", LONG)
        for line in decode(params).splitlines() if params["stream"] == "stdout" else ():
            if line in missing:
                missing.remove(line)


@pytest.mark.covers("remotecmd/signal")
def test_a_signal_is_for_the_group_or_for_the_leader_only(home: Place) -> None:
    home.start(FAMILY)
    until_output(home, b"up")
    process = home.ask("signal", signal="USR1", scope="leader")["process"]
    assert process["state"] == "running"  # a signal is no stop
    until_output(home, b"leader")
    home.ask("signal", signal="USR1")
    until_output(home, b"leader", b"child")
    home.ask("signal", signal="SIGUSR1", scope="group")
    until_output(home, b"leader", b"child")
    home.ask("stop")
    home.client.others.clear()
    said = home.ask("read", stream="stdout", offset=0, length=1000)["data"].split()
    assert (said.count("leader"), said.count("child")) == (3, 2)


@pytest.mark.parametrize(
    ("signal", "name", "code"),
    [("TERM", "TERM", 143), ("SIGKILL", "KILL", 137), ("HUP", "HUP", 129), ("INT", "INT", 130), ("USR2", "USR2", 140)],
)
def test_an_end_by_the_signal_is_told_and_is_no_stop(home: Place, signal: str, name: str, code: int) -> None:
    started = home.start("exec sleep 1000", **QUIET)["process"]
    process = home.ask("signal", signal=signal)["process"]
    assert process["runId"] == started["runId"]
    process = home.ask("wait")["process"]
    assert (process["state"], process["signal"], process["exitCode"]) == ("signaled", name, code)
    assert (process["status"], process.get("reason")) == ("errored", None)


def test_a_signal_that_the_command_handles_is_not_its_end(home: Place) -> None:
    home.start("trap 'echo got; exit 0' TERM; echo up; while :; do sleep 0.05; done")
    until_output(home, b"up")
    home.ask("signal", signal="TERM", scope="leader")
    _, final = home.follow()
    assert (final["state"], final["status"], final["exitCode"]) == ("exited", "stopped", 0)
    assert "signal" not in final


def test_a_suspended_command_is_live_and_goes_on(home: Place) -> None:
    wait, opened = home.gate()
    home.start(f"{wait}; exit 5", **QUIET)
    home.ask("signal", signal="STOP")
    home.exec(opened)
    assert home.ask("wait", timeoutSeconds=0.3)["timedOut"] is True
    assert home.ask("status")["process"]["status"] == "running"
    home.ask("signal", signal="CONT")
    assert home.ask("wait")["process"]["exitCode"] == 5


def test_what_has_ended_gets_none(home: Place) -> None:
    home.start("exit 143", **QUIET)
    before = home.ask("wait")["process"]
    assert home.ask("signal", signal="TERM") == {"process": before}
    assert home.ask("status") == {"process": before}
    assert "signal" not in before


def test_a_stop_after_a_signal_is_a_stop(home: Place) -> None:
    home.start("trap '' HUP; echo up; sleep 1000")
    until_output(home, b"up")
    home.ask("signal", signal="HUP", scope="leader")
    process = home.ask("stop")["process"]
    assert (process["status"], process["state"], process["signal"]) == ("stopped", "signaled", "TERM")


def test_a_signal_in_the_midst_of_a_stop_leaves_it_a_stop(home: Place) -> None:
    line = "trap 'echo deaf' TERM; echo up; while :; do sleep 0.05; done"
    home.start(line)
    until_output(home, b"up")
    stopping = home.send("stop", gracePeriodSeconds=1000)
    until_output(home, b"deaf")
    assert home.ask("signal", signal="USR1", scope="leader")["process"]["runId"]
    stopped = home.client.reply(stopping, LONG)["result"]
    assert (stopped["process"]["status"], stopped["process"]["exitCode"]) == ("stopped", 138)
    assert stopped["verdict"]["escalated"] is False


@pytest.mark.parametrize(
    ("more", "path"),
    [({}, "signal"), ({"signal": "NOPE"}, "signal"), ({"signal": "TERM", "scope": "tree"}, "scope")],
    ids=["none", "unknown", "scope"],
)
def test_what_is_no_signal_or_scope_is_refused(home: Place, more: dict[str, Any], path: str) -> None:
    error = home.client.error("remotecmd/signal", home.params(**more))
    assert (error["code"], [field["path"] for field in error["data"]]) == (-32602, [path])
