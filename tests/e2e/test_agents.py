"""Agents in a container: one for each container however it is named, none once their server is gone, and nothing but
records once the commands have ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import BASE, LONG, Scene
from tests.e2e.container import eventually
from tests.e2e.following import Following
from tests.e2e.quiet import AGENT_ARGUMENT, BLOCKED, Quiet
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(180)]

PER_COMMAND = Counter({"sh": 3, "dd": 2, "sleep": 1})
"""A silent command `sleep` in busybox or dash: supervisor, two pumps, what they read with, and the command."""


def end_orderly(client: Client) -> None:
    client.result("shutdown")
    client.notify("exit")
    assert client.wait() == 0


def end_by_eof(client: Client) -> None:
    client.close_stdin()
    client.wait()


def end_by_kill(client: Client) -> None:
    client.process.kill()
    client.wait()


ENDINGS = pytest.mark.parametrize("end", [end_orderly, end_by_eof, end_by_kill])
CONTAINERS = pytest.mark.parametrize(("pod", "name"), [("annotated", "first"), ("debian", "main")])


@pytest.fixture
def quiet(scene: Scene, pod: str, name: str) -> Quiet:
    return Quiet(scene.container(pod, name))


@pytest.fixture
def target(scene: Scene, pod: str, name: str) -> dict[str, Any]:
    return scene.target(pod, containerName=name)


@pytest.fixture
def other() -> Iterator[Client]:
    """A server that comes later."""
    with Client() as client:
        yield client


def start_silent(scene: Scene, client: Client, target: dict[str, Any], count: int) -> list[int]:
    pids = []
    for i in range(count):
        definition = {"id": scene.id(f"silent{i}"), "args": ["sleep", "1000"]}
        params = {"target": target, "definition": definition, "output": {"follow": False}}
        pids.append(client.result("remotecmd/start", params, LONG)["process"]["pid"])
    return pids


def stop_silent(scene: Scene, client: Client, target: dict[str, Any], count: int) -> None:
    for i in range(count):
        stopped = client.result("remotecmd/stop", {"target": target, "id": scene.id(f"silent{i}")}, LONG)
        assert stopped["verdict"]["survivors"] == []


@CONTAINERS
@ENDINGS
def test_a_server_without_commands_leaves_nothing(quiet: Quiet, target: dict[str, Any], end: Any) -> None:
    with Client() as client:
        assert client.result("remotecmd/exec", {"target": target, "cmdLine": "echo in"}, LONG)["stdout"] == "in\n"
        assert len(quiet.container.agents(BASE)) == 1
        end(client)
    quiet.check_nothing_but_records()


@CONTAINERS
@ENDINGS
def test_a_server_leaves_what_its_live_commands_need_and_no_more(
    scene: Scene, quiet: Quiet, target: dict[str, Any], other: Client, end: Any
) -> None:
    with Client() as client:
        pids = start_silent(scene, client, target, 2)
        end(client)

    def names() -> Counter[str]:
        return Counter(process.name for process in quiet.new())

    wanted = Counter({"xargs": 1}) + PER_COMMAND + PER_COMMAND
    assert eventually(names, lambda found: found == wanted) == wanted
    left = quiet.new()
    assert [process for process in left if AGENT_ARGUMENT in process.args] == []
    assert {process.pid for process in left if process.name == "sleep"} == set(pids)
    assert quiet.container.agents(BASE) == []
    stop_silent(scene, other, target, 2)
    end_by_eof(other)
    quiet.check_nothing_but_records()


@CONTAINERS
def test_a_server_killed_in_the_middle_of_output_leaves_no_agent(
    scene: Scene, quiet: Quiet, target: dict[str, Any], other: Client
) -> None:
    flood = f"i=0; while [ $i -lt 1000 ]; do i=$((i+1)); printf '%065536d' 0; done; sleep 1000; : {scene.suffix}"
    with Client() as client:
        process = scene.start(client, target, flood)
        Following(client, process["runId"]).until(lambda following: following.at["stdout"] > 1 << 20)
        end_by_kill(client)
    assert eventually(lambda: quiet.container.agents(BASE), lambda found: not found, BLOCKED) == []
    agents = eventually(lambda: {p for p in quiet.new() if AGENT_ARGUMENT in p.args}, lambda found: not found)
    assert agents == set()
    stopped = other.result("remotecmd/stop", {"target": target, "id": scene.id(), "gracePeriodSeconds": 1}, LONG)
    assert stopped["verdict"]["survivors"] == []
    end_by_eof(other)
    quiet.check_nothing_but_records()


@CONTAINERS
def test_agents_whose_commands_outlive_them_leave_one_zombie_each(
    scene: Scene, quiet: Quiet, target: dict[str, Any], other: Client, pod: str
) -> None:
    """A PID 1 that reaps nothing keeps the spawner, which is orphaned; everything else is waited for."""
    before = quiet.container.zombies()
    for end in (end_orderly, end_by_kill):
        with Client() as client:
            start_silent(scene, client, target, 1)
            end(client)
        assert eventually(lambda: quiet.container.agents(BASE), lambda found: not found) == []
    stop_silent(scene, other, target, 1)
    end_by_eof(other)
    quiet.check_nothing_but_records()
    assert quiet.container.zombies() - before <= 1  # the second agent started nothing: the command was live


@pytest.mark.parametrize(
    ("pod", "name", "ways"),
    [
        (
            "app", "main",
            [{}, {"containerName": ""}, {"containerName": "main"}, {"namespace": "default"}, {"context": "admin"}],
        ),
        ("annotated", "second", [{}, {"containerName": "second"}, {"context": "admin", "namespace": "default"}]),
    ],
)  # fmt: skip
def test_every_name_of_a_container_leads_to_the_same_agent(
    scene: Scene, quiet: Quiet, pod: str, ways: list[dict[str, str]]
) -> None:
    with Client() as client:
        started = scene.start(client, scene.target(pod, **ways[0]), f"sleep 1000; : {scene.suffix}")
        for way in ways:
            target = scene.target(pod, **way)
            found = client.result("remotecmd/status", {"target": target, "id": scene.id()}, LONG)["process"]
            assert (found["runId"], found["state"]) == (started["runId"], "running")
        requests = [
            client.send_request("remotecmd/exec", {"target": scene.target(pod, **way), "cmdLine": "echo in"})
            for way in ways
            for _ in range(5)
        ]
        assert {client.reply(request, LONG)["result"]["stdout"] for request in requests} == {"in\n"}
        assert len(quiet.container.agents(BASE)) == 1
        client.result("remotecmd/stop", {"target": scene.target(pod, **ways[-1]), "id": scene.id()}, LONG)
    quiet.check_nothing_but_records()


@pytest.mark.parametrize(("pod", "name"), [("annotated", "first")])
def test_requests_that_come_at_once_share_one_agent_under_all_names(
    scene: Scene, quiet: Quiet, target: dict[str, Any], pod: str
) -> None:
    with Client() as client:
        targets = [target, {**target, "namespace": "default"}, {**target, "context": "admin"}]
        requests = [
            client.send_request("remotecmd/exec", {"target": one, "cmdLine": "echo in"})
            for _ in range(5)
            for one in targets
        ]
        assert {client.reply(request, LONG)["result"]["stdout"] for request in requests} == {"in\n"}
        assert len(quiet.container.agents(BASE)) == 1
        assert len({p.pid for p in quiet.new() if p.name == "xargs"}) == 1
    quiet.check_nothing_but_records()


@pytest.mark.parametrize(("pod", "name"), [("annotated", "first")])
def test_containers_of_a_pod_and_servers_have_agents_of_their_own(
    scene: Scene, quiet: Quiet, target: dict[str, Any], pod: str, other: Client
) -> None:
    second = scene.container(pod, "second")
    with Client() as client:
        for server in (client, other):
            for one in (target, scene.target(pod)):
                server.result("remotecmd/status", {"target": one}, LONG)
        assert (len(quiet.container.agents(BASE)), len(second.agents(BASE))) == (2, 2)
        end_by_kill(client)
        assert eventually(lambda: len(quiet.container.agents(BASE)), lambda count: count == 1) == 1
    end_by_eof(other)
    quiet.check_nothing_but_records()
    assert eventually(lambda: second.agents(BASE), lambda found: not found) == []
