"""Several clients, each with a server of its own, on the same commands."""

from __future__ import annotations

import concurrent.futures
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.place import LONG, Place, decode
from tests.rpc.client import TIMEOUT, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 100
"""Commands that each of two servers starts at once."""

UNFOLLOWED = {"output": {"follow": False}}


def at_once(*work: Any) -> list[Any]:
    """Do it in threads, and give what each returns."""
    with concurrent.futures.ThreadPoolExecutor(len(work)) as pool:
        return [done.result() for done in [pool.submit(one) for one in work]]


def count(place: Place) -> int:
    """Processes that carry the place's mark, once there is one: a start is answered at its record, before its exec."""
    while not (found := place.left().splitlines()):
        pass
    return len(found)


def marked(place: Place, more: str = "") -> str:
    """One process, whose arguments hold the place's mark."""
    return f"exec sh -c 'sleep 1000; : mark-{place.suffix} {more}'"


def test_two_servers_get_the_same_bytes(home: Place, second: Client) -> None:
    """One follows from the start, the other comes later."""
    gate, go = home.gate()
    line = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo out $i; echo err $i >&2; done"
    home.start(f"{line}; {gate}; {line}; exit 3")
    theirs = home.seen_from(second)
    theirs.ask("attach")
    home.exec(go)
    ours, final = home.follow()
    others, their_final = theirs.follow()
    assert ours == others
    expected = "".join(f"out {i}\n" for i in range(1, 3001)) * 2
    assert ours["stdout"].decode() == expected
    assert ours["stderr"].decode() == expected.replace("out", "err")
    assert final == their_final
    assert final["exitCode"] == 3


def test_one_that_leaves_in_the_middle_takes_nothing_from_the_other(home: Place, second: Client) -> None:
    home.start("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i; done")
    home.seen_from(second).ask("attach")
    second.notification("remotecmd/output", LONG)
    second.process.send_signal(signal.SIGKILL)
    assert home.follow()[0]["stdout"].decode() == "".join(f"{i}\n" for i in range(1, 20001))


def test_what_one_started_another_lists_adopts_and_stops(home: Place, second: Client) -> None:
    theirs = home.seen_from(second)
    process = home.start("echo up; exec sleep 1000", **UNFOLLOWED)["process"]
    assert [p["runId"] for p in theirs.list() if p["id"] == home.id()] == [process["runId"]]
    adopted = theirs.start("echo up; exec sleep 1000")
    assert (adopted["created"], adopted["process"]["runId"]) == (False, process["runId"])
    assert decode(second.notification("remotecmd/output", LONG)) == b"up\n"
    refused = second.error("remotecmd/start", theirs.start_params("echo another"), LONG)
    assert (refused["data"]["kind"], refused["data"]["process"]["runId"]) == ("commandConflict", process["runId"])
    home.ask("attach")
    stopped = theirs.ask("stop")
    assert stopped["process"]["signal"] == "TERM"
    for place in (home, theirs):
        final = place.follow()[1]
        assert (final["runId"], final["state"]) == (process["runId"], "signaled")
    assert home.ask("status") == theirs.ask("status")
    theirs.ask("remove")
    assert home.ask("status")["process"]["state"] == "absent"


def test_a_server_that_leaves_stops_what_is_its_own_and_nothing_of_another(home: Place, second: Client) -> None:
    """Not even what it adopted with onDisconnect "stop", or stops with other signals."""
    theirs = home.seen_from(second)
    kept = home.start(marked(home), "kept", **UNFOLLOWED)["process"]
    adopted = home.start(marked(home), "adopted", **UNFOLLOWED)["process"]
    assert theirs.start(marked(home), "adopted", onDisconnect="stop")["created"] is False
    theirs.ask("attach", "kept")
    theirs.ask("signal", "kept", signal="CONT")
    theirs.start(marked(home), "own", onDisconnect="stop")
    second.close_stdin()
    second.wait(TIMEOUT)
    assert home.ask("wait", "own")["process"]["reason"] == "disconnect"
    for name, process in (("kept", kept), ("adopted", adopted)):
        now = home.ask("status", name)["process"]
        assert (now["state"], now["pid"], now["runId"]) == ("running", process["pid"], process["runId"])
        home.ask("stop", name)


@pytest.mark.parametrize("round_", range(3))
def test_two_starts_at_once_are_one_process(home: Place, second: Client, round_: int) -> None:
    theirs = home.seen_from(second)
    theirs.list()  # so that its channel stands, and both come to the same moment
    line = marked(home)
    ours, others = at_once(lambda: home.start(line), lambda: theirs.start(line))
    assert sorted([ours["created"], others["created"]]) == [False, True]
    assert ours["process"]["runId"] == others["process"]["runId"]
    assert ours["process"]["pid"] == others["process"]["pid"]
    assert len([p for p in home.list() if p["id"] == home.id()]) == 1
    home.ask("stop")
    assert home.left() == ""


@pytest.mark.parametrize("round_", range(3))
@pytest.mark.covers("commandConflict")
def test_of_two_starts_at_once_with_other_definitions_one_is_refused(home: Place, second: Client, round_: int) -> None:
    theirs = home.seen_from(second)
    theirs.list()
    replies = at_once(
        lambda: home.client.request("remotecmd/start", home.start_params(marked(home, "1")), LONG),
        lambda: second.request("remotecmd/start", theirs.start_params(marked(home, "2")), LONG),
    )
    (won,) = [reply["result"] for reply in replies if "result" in reply]
    (lost,) = [reply["error"] for reply in replies if "error" in reply]
    assert won["created"] is True
    assert lost["data"]["kind"] == "commandConflict"
    assert lost["data"]["process"]["runId"] == won["process"]["runId"]
    assert count(home) == 1
    home.ask("stop")


def test_two_starts_at_once_of_one_run_id_are_one_process(home: Place, second: Client) -> None:
    theirs = home.seen_from(second)
    theirs.list()
    line, run = marked(home, "1"), home.id("run")
    replies = at_once(lambda: home.start(line, runId=run), lambda: theirs.start(line, runId=run))
    assert sorted(reply["created"] for reply in replies) == [False, True]
    assert {reply["process"]["runId"] for reply in replies} == {run}
    assert count(home) == 1
    home.ask("stop")


@pytest.fixture
def crowd(home: Place) -> Iterator[Place]:
    """A place that is empty again afterwards; two hundred stops would each look at a thousand processes."""
    yield home
    while pids := [str(process["pid"]) for process in home.list() if process["state"] == "running"]:
        home.exec(f"for p in {' '.join(pids)}; do kill -KILL -$p; done")  # each with the sleep that it has begun


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("target", ["local", pytest.param("cluster", marks=pytest.mark.cluster)], indirect=True)
def test_two_hundred_commands_started_at_once_by_two_servers(crowd: Place, second: Client) -> None:
    """All are there, each is one process, and each has said what it had to say."""
    theirs = crowd.seen_from(second)
    theirs.list()
    asked = []
    for i in range(MANY):
        for place, name in ((crowd, f"many{2 * i}"), (theirs, f"many{2 * i + 1}")):
            line = f"echo {name}; {marked(crowd, name)}"
            asked.append((place, name, place.client.send_request("remotecmd/start", place.start_params(line, name))))
    runs = {}
    for place, name, one in asked:
        reply = place.client.reply(one, 3 * LONG)
        assert reply["result"]["created"] is True, reply
        runs[place.id(name)] = reply["result"]["process"]
    for place in (crowd, theirs):
        listed = {process["id"]: process for process in place.list() if process["id"] in runs}
        assert {name: p["runId"] for name, p in listed.items()} == {name: p["runId"] for name, p in runs.items()}
        assert {process["state"] for process in listed.values()} == {"running"}
        assert len({process["pid"] for process in listed.values()}) == 2 * MANY
    while len(arguments := crowd.left().splitlines()) < 2 * MANY:  # answered at the record, before the last exec
        pass
    assert sorted(line.split()[-1] for line in arguments) == sorted(f"many{i}" for i in range(2 * MANY))
    for place in (crowd, theirs):
        told = {}
        while len(told) < MANY:
            params = place.client.notification("remotecmd/output", LONG)
            told[params["id"]] = params["data"]
        assert told == {place.id(name): f"{name}\n" for other, name, _ in asked if other is place}
