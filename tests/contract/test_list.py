"""remotecmd/list: every command of a target, whoever started it, as status tells of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.place import LONG, Place

if TYPE_CHECKING:
    from tests.rpc.client import Client

QUIET = {"output": {"follow": False}}
MANY = 200


def own(place: Place) -> list[dict[str, object]]:
    """What is listed of a test's own."""
    return [process for process in place.list() if process["id"].endswith(place.suffix)]


def test_only_the_newest_run_of_a_command_is_listed(home: Place) -> None:
    for code in (1, 2, 3):
        home.start(f"exit {code}", **QUIET)
        last = home.ask("wait")["process"]
    assert own(home) == [last]
    assert last["exitCode"] == 3


def test_commands_of_another_server_are_listed(home: Place, second: Client) -> None:
    other = home.seen_from(second)
    home.start("sleep 1000", "mine", **QUIET)
    started = other.start("sleep 1001", "theirs", **QUIET)["process"]
    listed = own(home)
    assert listed == own(other)
    assert [(p["id"], p["state"]) for p in listed] == [(home.id("mine"), "running"), (home.id("theirs"), "running")]
    assert (listed[1]["runId"], listed[1]["pid"]) == (started["runId"], started["pid"])
    home.ask("stop", "mine")
    home.ask("stop", "theirs")


def test_a_running_exec_is_not_listed(place: Place) -> None:
    line = f"echo up; sleep 1000; : mark-{place.suffix}"
    params = {"target": place.target, "cmdLine": line, "stream": True, "runId": f"x-{place.suffix}"}
    request = place.client.send_request("remotecmd/exec", params)
    place.client.notification("remotecmd/output", LONG)
    assert [p for p in place.list() if p["id"].startswith("_") or place.suffix in p.get("command", "")] == []
    place.client.notify("$/cancelRequest", {"id": request})
    assert place.client.reply(request, LONG)["error"]["code"] == -32800


def test_an_empty_directory_has_no_commands(home: Place) -> None:
    nobody = Place(home.target, home.client, f"/tmp/base-{home.suffix}")
    assert nobody.list() == []
    home.exec(f"rm -r /tmp/base-{home.suffix}")


@pytest.mark.covers("remotecmd/list")
def test_each_is_listed_as_status_tells_of_it(home: Place, second: Client) -> None:
    home.start("echo out; echo err >&2; sleep 1000", "running", **QUIET)
    home.start("echo out; exit 3", "ended", **QUIET)
    home.start("sleep 1000", "signaled", **QUIET)
    home.start("sleep 1000", "stopped", **QUIET)
    home.start("sleep 1000; :", "timeout", timeoutSeconds=0.1, **QUIET)
    home.start("echo both; echo of >&2", "merged", definition={"mergeOutput": True}, **QUIET)
    home.client.error("remotecmd/start", home.start_params("true", "failed", definition={"workingDir": "/no/such"}))
    lost = home.seen_from(second).start("sleep 1000", "lost", **QUIET)["process"]["pid"]
    home.exec(f"read -r _ _ _ parent _ </proc/{lost}/stat; kill -KILL $parent {lost}")
    home.ask("signal", "signaled", signal="KILL")
    home.ask("stop", "stopped")
    names = ["ended", "failed", "lost", "merged", "running", "signaled", "stopped", "timeout"]
    for name in names:
        if name != "running":
            home.ask("wait", name)
    while home.ask("status", "running")["process"]["offsets"] != {"stdout": 4, "stderr": 4}:
        pass
    one_by_one = [home.ask("status", name)["process"] for name in names]
    assert own(home) == one_by_one
    assert own(home.seen_from(second)) == one_by_one
    assert [process["state"] for process in one_by_one] == [
        "exited", "startFailed", "lost", "exited", "running", "signaled", "signaled", "signaled",
    ]  # fmt: skip
    home.ask("stop", "running")


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_hundreds_are_listed(home: Place) -> None:
    names = [f"n{i}" for i in range(MANY)]
    starts = [home.client.send_request("remotecmd/start", home.start_params("true", n, **QUIET)) for n in names]
    assert {home.client.reply(request, LONG)["result"]["created"] for request in starts} == {True}
    waits = [home.send("wait", name) for name in names]
    ended = {p["id"]: p for p in (home.client.reply(request, LONG)["result"]["process"] for request in waits)}
    listed = own(home)
    assert {p["id"]: p for p in listed} == ended
    assert [p["id"] for p in listed] == sorted(ended)
    assert {(p["state"], p["exitCode"]) for p in listed} == {("exited", 0)}
