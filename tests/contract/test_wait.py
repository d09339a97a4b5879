"""remotecmd/wait: answered when a run is no longer live, or when its time is up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.place import LONG, Place

if TYPE_CHECKING:
    from tests.rpc.client import Client

QUIET = {"output": {"follow": False}}


def test_a_timeout_of_0_only_looks(home: Place) -> None:
    started = home.start("sleep 1000", **QUIET)["process"]
    waited = home.ask("wait", timeoutSeconds=0)
    assert (waited["timedOut"], waited["process"]["state"], waited["process"]["pid"]) == (
        True, "running", started["pid"],
    )  # fmt: skip
    home.ask("stop")
    waited = home.ask("wait", timeoutSeconds=0)
    assert waited == {"timedOut": False, "process": home.ask("status")["process"]}
    assert waited["process"]["signal"] == "TERM"


def test_what_is_live_when_the_time_is_up_is_told_so(home: Place) -> None:
    home.start("sleep 1000", **QUIET)
    waited = home.ask("wait", timeoutSeconds=0.2)
    assert (waited["timedOut"], waited["process"]["status"]) == (True, "running")
    home.ask("stop")


@pytest.mark.covers("remotecmd/wait")
def test_the_end_of_a_silent_command_that_nobody_follows(home: Place) -> None:
    wait, opened = home.gate()
    home.start(f"{wait}; exit 5", **QUIET)
    waiting = home.send("wait")
    home.exec(opened)
    waited = home.client.reply(waiting, LONG)["result"]
    assert (waited["timedOut"], waited["process"]["state"], waited["process"]["exitCode"]) == (False, "exited", 5)
    assert waited["process"] == home.ask("status")["process"]
    assert home.client.others == []


def test_several_waiters_and_a_follower_are_told_the_same(home: Place, second: Client) -> None:
    wait, opened = home.gate()
    home.start(f"echo up; {wait}; echo done; exit 5")
    other = home.seen_from(second)
    waiting = [home.send("wait"), home.send("wait", timeoutSeconds=1000), home.send("wait")]
    theirs = [other.send("wait"), other.send("wait")]
    home.exec(opened)
    told = [home.client.reply(request, LONG)["result"] for request in waiting]
    told += [other.client.reply(request, LONG)["result"] for request in theirs]
    data, final = home.follow()
    assert data["stdout"] == b"up\ndone\n"
    assert told == [{"timedOut": False, "process": final}] * 5


def test_one_that_waits_no_longer_takes_nothing_from_the_others(home: Place) -> None:
    wait, opened = home.gate()
    home.start(f"{wait}; exit 5", **QUIET)
    cancelled, waiting = home.send("wait"), home.send("wait")
    assert home.ask("wait", timeoutSeconds=0)["timedOut"] is True
    home.client.notify("$/cancelRequest", {"id": cancelled})
    assert home.client.reply(cancelled, LONG)["error"]["code"] == -32800
    assert home.ask("status")["process"]["state"] == "running"
    home.exec(opened)
    assert home.client.reply(waiting, LONG)["result"]["process"]["exitCode"] == 5


def test_all_output_is_there_when_a_wait_is_answered(home: Place) -> None:
    home.start("head -c 3000000 /dev/zero; head -c 70000 /dev/zero >&2", **QUIET)
    process = home.ask("wait")["process"]
    assert process["offsets"] == {"stdout": 3_000_000, "stderr": 70_000}
    assert (process["stdoutEnded"], process["stderrEnded"]) == (True, True)


def test_streams_that_something_else_holds_are_not_waited_for(home: Place) -> None:
    end, ended = home.gate("end")
    late, opened = home.gate("late")
    home.start(f"({late}; echo late) & echo early; {end}", **QUIET)
    while home.ask("status")["process"]["offsets"]["stdout"] < 6:
        pass
    home.exec(ended)
    process = home.ask("wait")["process"]
    assert (process["state"], process["stdoutEnded"], process["offsets"]["stdout"]) == ("exited", False, 6)
    home.exec(opened)
    while not (process := home.ask("status")["process"])["stdoutEnded"]:
        pass
    assert process["offsets"]["stdout"] == 11


def test_a_run_that_another_server_stops_ends_a_wait(home: Place, second: Client) -> None:
    home.start("sleep 1000", **QUIET)
    waiting = home.send("wait")
    stopped = home.seen_from(second).ask("stop")
    waited = home.client.reply(waiting, LONG)["result"]
    assert (waited["timedOut"], waited["process"]) == (False, stopped["process"])


def test_what_never_started_is_not_waited_for(home: Place) -> None:
    home.client.error("remotecmd/start", home.start_params("true", definition={"workingDir": "/no/such"}), LONG)
    waited = home.ask("wait")
    assert (waited["timedOut"], waited["process"]["state"]) == (False, "startFailed")


@pytest.mark.parametrize("method", ["read", "wait", "signal", "remove"])
@pytest.mark.covers("commandNotFound")
def test_an_unknown_command_is_not_found(home: Place, method: str) -> None:
    more = {"read": {"stream": "stdout", "offset": 0, "length": 1}, "signal": {"signal": "TERM"}}
    assert home.refused(method, "never", **more.get(method, {}))["kind"] == "commandNotFound"
