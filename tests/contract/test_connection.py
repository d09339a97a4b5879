"""remotecmd/connection: what followers are told when the way to a container breaks. With an API server that is killed:
tests/e2e/test_survival.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.place import LONG, Place, decode

if TYPE_CHECKING:
    from tests.rpc.client import Client

ALSO_ON_V4 = True

ENDED = {"stopped", "errored", "unknown"}


def numbered(place: Place, name: str, file: str) -> dict[str, Any]:
    line = f"i=0; while [ ! -e {file} ]; do i=$((i+1)); echo {name} $i; sleep 0.02; done; echo last $i"
    return place.start(line, name)["process"]


class Watch:
    """What comes of several runs and of the connection, each byte once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.data: dict[str, bytes] = {}
        self.final: dict[str, dict[str, Any]] = {}
        self.connections: list[dict[str, Any]] = []

    def take(self) -> None:
        message = self._client.next(LONG)
        params = message.get("params", {})
        if message.get("method") == "remotecmd/output" and params["stream"] == "stdout":
            have = self.data.get(params["id"], b"")
            assert params["offset"] == len(have)
            self.data[params["id"]] = have + decode(params)
        elif message.get("method") == "remotecmd/connection":
            self.connections.append(params)
        elif message.get("method") == "remotecmd/statusChanged" and params["process"]["status"] in ENDED:
            assert params["process"]["id"] not in self.final
            self.final[params["process"]["id"]] = params["process"]
        else:
            assert message.get("method") == "remotecmd/statusChanged", message

    def check(self, id: str, name: str) -> None:
        *lines, last = self.data[id].decode().splitlines()
        assert (lines, last) == ([f"{name} {i}" for i in range(1, len(lines) + 1)], f"last {len(lines)}")


def kill_agent(place: Place, other: Client) -> None:
    """Kill the agent of a place where there is only one, by way of another server."""
    killed = place.seen_from(other).exec(
        f"cd {place.directory}/remotecmd-*/agents && "
        "for d in *; do read -r pid _ <$d/pid && kill -KILL -$pid && echo $d; done"
    )
    assert len(killed["stdout"].split()) == 1, killed


def own_place(home: Place, client: Client) -> Place:
    """A directory in which there is no agent but one of this server."""
    return Place(home.target, client, f"/tmp/base-{home.suffix}", home.suffix)


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]], ids=["one run", "three runs"])
@pytest.mark.covers("remotecmd/connection")
def test_a_broken_channel_is_told_once_and_output_goes_on(home: Place, second: Client, names: list[str]) -> None:
    place = own_place(home, second)
    file = f"/tmp/{home.id('gate')}"
    started = {place.id(name): numbered(place, name, file) for name in names}
    watch = Watch(second)
    while len(watch.data) < len(names):
        watch.take()
    waiting = place.send("wait", "a")
    kill_agent(place, home.client)
    while len(watch.connections) < 2:
        watch.take()
    seen = {name: len(data) for name, data in watch.data.items()}
    while any(len(watch.data[name]) < size + 50 for name, size in seen.items()):
        watch.take()
    home.exec(f"true >{file}")
    assert second.reply(waiting, LONG)["result"]["process"]["exitCode"] == 0
    while len(watch.final) < len(names):
        watch.take()
    assert [c["state"] for c in watch.connections] == ["reconnecting", "connected"]
    assert [c["target"] for c in watch.connections] == [process["target"] for process in started.values()][:1] * 2
    assert all(c["detail"] for c in watch.connections)
    for name in names:
        watch.check(place.id(name), name)
        assert watch.final[place.id(name)]["pid"] == started[place.id(name)]["pid"]
    for name in names:
        place.ask("remove", name)
    home.exec(f"rm -rf {file} {place.directory}")


def test_nothing_is_told_while_nobody_follows(home: Place, second: Client) -> None:
    place = own_place(home, second)
    wait, opened = home.gate()
    place.start(f"{wait}; exit 5", output={"follow": False})
    waiting = place.send("wait")
    kill_agent(place, home.client)
    assert place.ask("status")["process"]["state"] == "running"
    home.exec(opened)
    assert second.reply(waiting, LONG)["result"]["process"]["exitCode"] == 5
    assert second.others == []
    home.exec(f"rm -rf {place.directory}")
