"""remotecmd/remove: an ended command goes with all its runs, records and output."""

from __future__ import annotations

import pytest

from tests.contract.place import LONG, Place
from tests.rpc.client import Client

QUIET = {"output": {"follow": False}}


def records(place: Place) -> tuple[int, int]:
    """How many runs have this test's ids in their records, and how many names lead to them."""
    listing = place.exec(
        f"cd {place.directory}/remotecmd-* && grep -l '^[a-z]*-{place.suffix} ' runs/*/meta | while read -r meta; do "
        'run=${meta#runs/}; run=${run%/meta}; echo "run $run"; grep -l "^$run " ids/* /dev/null; done; '
        "ls -d gone.* 2>&1"
    )["stdout"]
    assert "gone.*" in listing  # that is, ls found none
    return listing.count("run "), listing.count("ids/")


@pytest.mark.covers("remotecmd/remove")
def test_nothing_is_left_of_any_run_and_the_id_is_free(home: Place) -> None:
    for i in range(3):
        home.start(f"echo {i}; exit {i}", **QUIET)
        home.ask("wait")
    home.start("exit 7", "other", **QUIET)
    other = home.ask("wait", "other")["process"]
    assert records(home) == (4, 4)
    assert home.ask("remove") is None
    assert records(home) == (1, 1)
    assert home.ask("status")["process"]["state"] == "absent"
    assert home.refused("attach")["kind"] == "commandNotFound"
    assert home.refused("remove")["kind"] == "commandNotFound"
    assert [p["id"] for p in home.list() if p["id"].endswith(home.suffix)] == [home.id("other")]
    assert home.ask("status", "other")["process"] == other
    again = home.start("echo new; exit 1")
    assert again["created"] is True
    data, final = home.follow()
    assert (data["stdout"], final["exitCode"]) == (b"new\n", 1)


@pytest.mark.covers("commandConflict")
def test_what_is_live_is_not_removed(home: Place) -> None:
    home.start("exit 1", **QUIET)
    home.ask("wait")
    live = home.start("echo up; sleep 1000", **QUIET)["process"]
    data = home.refused("remove")
    assert (data["kind"], data["retryable"]) == ("commandConflict", False)
    assert (data["process"]["runId"], data["process"]["state"]) == (live["runId"], "running")
    assert home.ask("status")["process"]["pid"] == live["pid"]
    assert records(home) == (2, 2)
    home.ask("stop")
    assert home.ask("remove") is None


def test_who_follows_is_told_the_end_first(home: Place) -> None:
    """The command has ended, and its streams have not: following lasts a moment longer."""
    home.start("sleep 3 & echo up; exit 5")
    while home.ask("status")["process"]["state"] != "exited":
        pass
    home.ask("remove")
    told = [message for message in home.client.others if message["method"] == "remotecmd/statusChanged"]
    assert [(m["params"]["process"]["state"], m["params"]["process"]["exitCode"]) for m in told] == [("exited", 5)]
    home.client.others.clear()
    assert home.ask("status")["process"]["state"] == "absent"


@pytest.mark.parametrize("state", ["startFailed", "lost"])
def test_what_never_began_or_was_lost_is_removed_too(home: Place, second: Client, state: str) -> None:
    if state == "startFailed":
        home.client.error("remotecmd/start", home.start_params("true", definition={"workingDir": "/no/such"}), LONG)
    else:
        pid = home.seen_from(second).start("sleep 1000", **QUIET)["process"]["pid"]
        home.exec(f"read -r _ _ _ parent _ </proc/{pid}/stat; kill -KILL $parent {pid}")
    assert home.ask("wait")["process"]["state"] == state
    assert home.ask("remove") is None
    assert records(home) == (0, 0)


def test_another_server_may_remove_it(home: Place, second: Client) -> None:
    home.start("exit 5")
    home.follow()
    assert home.seen_from(second).ask("remove") is None
    assert home.ask("status")["process"]["state"] == "absent"
    assert records(home) == (0, 0)


def test_an_empty_directory_is_left_once_all_are_removed_and_the_servers_gone(home: Place) -> None:
    base = f"/tmp/base-{home.suffix}"
    with Client() as client:
        place = Place(home.target, client, base)
        place.start("echo x; exit 1", **QUIET)
        place.ask("wait")
        place.ask("remove")
    for _ in range(100):  # an agent that was cut off leaves when it sees that
        left = home.exec(f"cd {base}/remotecmd-* && find agents ids runs -mindepth 1; ls | grep -v '^leases$'")[
            "stdout"
        ]
        if left.split() == ["agents", "ids", "runs"]:
            break
    assert left.split() == ["agents", "ids", "runs"]
    home.exec(f"rm -r {base}")
