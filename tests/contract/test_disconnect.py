"""onDisconnect: what stops with the server that started it, and what does not. Leases: tests/shells/test_leases.py."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.place import LONG, Place
from tests.rpc.client import TIMEOUT, Client

if TYPE_CHECKING:
    from collections.abc import Callable

STOP = {"onDisconnect": "stop", "output": {"follow": False}}
KEEP = {"output": {"follow": False}}


def by_eof(client: Client) -> None:
    client.close_stdin()


def by_shutdown_and_exit(client: Client) -> None:
    client.result("shutdown")
    client.notify("exit")


def by_exit(client: Client) -> None:
    client.notify("exit")


def by_sigterm(client: Client) -> None:
    client.process.send_signal(signal.SIGTERM)


def tree(place: Place) -> str:
    sleeper = f"sleep 1000; : mark-{place.suffix}"
    return f"({sleeper}) & sh -c '{sleeper}' & wait"


def end(client: Client, how: Callable[[Client], None]) -> None:
    how(client)
    client.wait(TIMEOUT)


@pytest.mark.parametrize("how", [by_eof, by_shutdown_and_exit, by_exit, by_sigterm])
@pytest.mark.parametrize("follow", [True, False], ids=["followed", "unfollowed"])
def test_a_server_that_ends_has_its_runs_stopped_and_keeps_the_others(
    home: Place, second: Client, how: Callable[[Client], None], follow: bool
) -> None:
    theirs = home.seen_from(second)
    theirs.start(tree(home), onDisconnect="stop", output={"follow": follow})
    theirs.start("exec sleep 1000", "kept", onDisconnect="keep", output={"follow": follow})
    theirs.start("exec sleep 1000", "default", output={"follow": follow})
    end(second, how)
    process = home.ask("wait")["process"]
    assert (process["state"], process["signal"], process["exitCode"]) == ("signaled", "TERM", 143)
    assert (process["status"], process["reason"]) == ("stopped", "disconnect")
    while home.left():
        pass
    for name in ("kept", "default"):
        assert home.ask("status", name)["process"]["state"] == "running"
        assert home.ask("stop", name)["process"].get("reason") is None


def test_who_is_deaf_is_killed_after_the_grace_period_of_its_start(home: Place, second: Client) -> None:
    theirs = home.seen_from(second)
    line = f"trap '' TERM; echo up; while :; do sleep 0.05; done; : mark-{home.suffix}"
    theirs.start(line, onDisconnect="stop", gracePeriodSeconds=0.2)
    second.notification("remotecmd/output", LONG)
    end(second, by_eof)
    process = home.ask("wait")["process"]
    assert (process["signal"], process["status"], process["reason"]) == ("KILL", "stopped", "disconnect")


def test_followers_of_other_servers_are_told(home: Place, second: Client) -> None:
    home.seen_from(second).start("echo up; exec sleep 1000", **STOP)
    home.ask("attach")
    end(second, by_eof)
    data, final = home.follow()
    assert (data["stdout"], final["reason"], final["status"]) == (b"up\n", "disconnect", "stopped")


def test_a_killed_server_leaves_it_running(home: Place, second: Client) -> None:
    """Until its lease is over; see tests/shells/test_leases.py."""
    started = home.seen_from(second).start("exec sleep 1000", **STOP)["process"]
    second.process.kill()
    second.wait()
    process = home.ask("status")["process"]
    assert (process["state"], process["pid"]) == ("running", started["pid"])
    process = home.ask("stop")["process"]
    assert (process["status"], process.get("reason")) == ("stopped", None)


def test_who_only_attaches_takes_nothing_with_it(home: Place, second: Client) -> None:
    home.start("exec sleep 1000", **KEEP)
    again = home.seen_from(second).start("exec sleep 1000", **STOP)
    assert again["created"] is False
    end(second, by_eof)
    assert home.ask("status")["process"]["state"] == "running"
    home.ask("stop")


def test_a_run_belongs_to_the_server_that_started_it(home: Place, second: Client) -> None:
    """One that another has attached to with onDisconnect keep goes all the same."""
    home.seen_from(second).start("exec sleep 1000", **STOP)
    assert home.start("exec sleep 1000", onDisconnect="keep", output={"follow": False})["created"] is False
    end(second, by_eof)
    assert home.ask("wait")["process"]["reason"] == "disconnect"


def test_what_had_ended_or_was_stopped_before_is_left_as_it_was(home: Place, second: Client) -> None:
    theirs = home.seen_from(second)
    theirs.start("exit 0", "ended", **STOP)
    theirs.start("exec sleep 1000", "stopped", **STOP)
    before: dict[str, Any] = {
        "ended": theirs.ask("wait", "ended")["process"],
        "stopped": theirs.ask("stop", "stopped")["process"],
    }
    theirs.start("exec sleep 1000", **STOP)
    end(second, by_eof)
    assert home.ask("wait")["process"]["reason"] == "disconnect"
    for name, process in before.items():
        assert home.ask("status", name)["process"] == process
        assert "reason" not in process


def test_a_run_that_replaced_another_stops_too(home: Place, second: Client) -> None:
    home.start("exec sleep 1001", **KEEP)
    started = home.seen_from(second).start("exec sleep 1000", ifExists="replace", **STOP)
    assert started["created"] is True
    end(second, by_eof)
    process = home.ask("wait")["process"]
    assert (process["runId"], process["reason"]) == (started["process"]["runId"], "disconnect")
