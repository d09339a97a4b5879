"""remotecmd/detach: nothing more is pushed, and the command goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.place import LONG, Place, decode

if TYPE_CHECKING:
    from tests.rpc.client import Client


def numbered(place: Place) -> tuple[str, str]:
    """A command that writes numbered lines until the script has run."""
    file = f"/tmp/{place.id('gate')}"
    line = f"i=0; while [ ! -e {file} ]; do i=$((i+1)); echo line $i; sleep 0.02; done; rm {file}; echo last $i; exit 5"
    return line, f"true >{file}"


def check(data: bytes) -> None:
    *lines, last = data.decode().splitlines()
    assert (lines, last) == ([f"line {i}" for i in range(1, len(lines) + 1)], f"last {len(lines)}")


def grown(place: Place, size: int) -> None:
    """Until stdout is longer than that."""
    while place.ask("status")["process"]["offsets"]["stdout"] <= size:
        pass


@pytest.mark.covers("remotecmd/detach")
def test_nothing_is_pushed_after_the_reply_and_attach_goes_on_where_it_ended(home: Place) -> None:
    line, finish = numbered(home)
    process = home.start(line)["process"]
    seen = b"".join(decode(home.client.notification("remotecmd/output", LONG)) for _ in range(3))
    assert home.client.result("remotecmd/detach", {"runId": process["runId"]}, LONG) is None
    seen += b"".join(decode(m["params"]) for m in home.client.others if m.get("method") == "remotecmd/output")
    home.client.others.clear()
    grown(home, len(seen) + 100)
    assert home.client.others == []
    attached = home.ask("attach", **{"from": {"stdout": len(seen)}})
    assert (attached["process"]["pid"], attached["offsets"]["stdout"]) == (process["pid"], len(seen))
    home.exec(finish)
    data, final = home.follow()
    check(seen + data["stdout"])
    assert (final["runId"], final["exitCode"]) == (process["runId"], 5)


def test_the_end_is_not_told_to_who_detached(home: Place) -> None:
    line, finish = numbered(home)
    run = home.start(line)["process"]["runId"]
    home.client.notification("remotecmd/output", LONG)
    home.client.result("remotecmd/detach", {"runId": run}, LONG)
    home.client.others.clear()
    home.exec(finish)
    assert home.ask("wait")["process"]["exitCode"] == 5
    home.exec("true")  # a round trip: whatever was to come has come
    assert home.client.others == []


def test_what_is_not_followed_is_no_error(home: Place) -> None:
    assert home.client.result("remotecmd/detach", {"runId": f"never-{home.suffix}"}) is None
    run = home.start("sleep 1000", output={"follow": False})["process"]["runId"]
    for _ in range(2):
        assert home.client.result("remotecmd/detach", {"runId": run}) is None
    assert home.ask("stop")["process"]["signal"] == "TERM"


def test_other_followers_and_runs_are_not_touched(home: Place, second: Client) -> None:
    line, finish = numbered(home)
    run = home.start(line)["process"]["runId"]
    other = home.seen_from(second)
    other.ask("attach")
    home.start("echo up; sleep 1000", "more")
    home.client.result("remotecmd/detach", {"runId": run}, LONG)
    home.exec(finish)
    data, final = other.follow()
    check(data["stdout"])
    assert final["exitCode"] == 5
    home.ask("stop", "more")
    assert home.follow("more")[1]["signal"] == "TERM"


def test_a_start_after_it_follows_anew(home: Place) -> None:
    line, finish = numbered(home)
    run = home.start(line)["process"]["runId"]
    home.client.notification("remotecmd/output", LONG)
    home.client.result("remotecmd/detach", {"runId": run}, LONG)
    home.client.others.clear()
    again = home.start(line)
    assert (again["created"], again["process"]["runId"]) == (False, run)
    home.exec(finish)
    check(home.follow()[0]["stdout"])
