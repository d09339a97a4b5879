"""Servers that are killed at any moment: the next one goes on at the next byte, and nothing is begun twice."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import BASE, LONG, Scene
from tests.e2e.container import eventually
from tests.faults import pattern
from tests.faults.lane import Lane
from tests.faults.witness import Witness
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.container import Container

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = int(os.environ.get("REMOTECMD_FAULT_KILLS", "100"))
PLACES = [("app", "main", BASE), ("app", "side", BASE), ("debian", "main", BASE), ("annotated", "second", BASE)]
RECORDS_A_KILL = 192
SECONDS = 200.0


def kill(client: Client) -> None:
    client.process.kill()
    client.wait()
    client.close()


class Killing:
    """One command, and servers that are killed while they follow it."""

    def __init__(self, scene: Scene, target: dict[str, Any], number: int, kills: int, seed: str) -> None:
        self._scene, self._target, self._kills = scene, target, kills
        self._chance = random.Random(f"{seed} {number}")  # noqa: S311  # to be repeated
        self._id, self._salt = scene.id(f"killed{number}"), number
        self._records = kills * RECORDS_A_KILL
        self._run_id = f"run{number}-{scene.suffix}"
        self.witness = Witness(self._run_id, number)

    def go(self) -> None:
        definition = {"id": self._id, "cmdLine": pattern.paced(self._records, self._salt)}
        params = {"definition": definition, "runId": self._run_id, "output": {"follow": False}}
        with Client() as client:
            pid = Lane(client, self._target).insist("start", params)["process"]["pid"]
        for _ in range(self._kills):
            self._follow_for_a_while()
        with Client() as client:
            lane = self._attach(client)
            lane.until(lambda: self.witness.final is not None, SECONDS)
        self.witness.check(stdout=self._records)
        assert self.witness.final is not None
        assert (self.witness.final["pid"], self.witness.final["exitCode"]) == (pid, 0)

    def _follow_for_a_while(self) -> None:
        total = self._records * pattern.RECORD_BYTES
        goal = self.witness.at["stdout"] + self._chance.randint(0, 2 * RECORDS_A_KILL * pattern.RECORD_BYTES)
        client = Client()
        try:
            if self._chance.random() < 0.1:  # before it has said anything
                params = {"target": self._target, "id": self._id, "from": self.witness.at}
                client.send_request("remotecmd/attach", params)
                return
            lane = self._attach(client)
            lane.until(lambda: self.witness.at["stdout"] >= min(goal, total), SECONDS)
        finally:
            kill(client)
        if self.witness.final is not None:  # it had ended already
            self.witness.again(**self.witness.at)

    def _attach(self, client: Client) -> Lane:
        lane = Lane(client, self._target)
        lane.watch(self.witness)
        attached = lane.insist("attach", {"id": self._id, "from": self.witness.at})
        assert attached["process"]["runId"] == self._run_id
        return lane


def test_every_byte_comes_once_over_a_hundred_killed_servers(
    scene: Scene, keep_clean: Callable[..., Container], seed: str
) -> None:
    for place in PLACES:
        keep_clean(*place)
    lanes = [
        Killing(scene, scene.target(pod, containerName=container), i, -(-KILLS // len(PLACES)), seed)
        for i, (pod, container, _) in enumerate(PLACES)
    ]
    with ThreadPoolExecutor(len(lanes)) as threads:
        for done in [threads.submit(lane.go) for lane in lanes]:
            done.result()


def test_a_start_whose_server_is_killed_is_found_by_its_run_id(
    scene: Scene, keep_clean: Callable[..., Container], seed: str
) -> None:
    """The first server is killed somewhere between the request and the reply; the second asks for the same run."""
    inside = keep_clean("app")
    target = scene.target("app")
    chance = random.Random(seed)  # noqa: S311  # to be repeated
    for i in range(8):
        definition = {"id": scene.id(f"start{i}"), "cmdLine": f"exec sleep 1000.{i} # {scene.suffix}"}
        params = {"target": target, "definition": definition, "runId": f"start{i}-{scene.suffix}"}
        first = Client()
        first.result("remotecmd/status", {"target": target}, LONG)
        number = first.send_request("remotecmd/start", params)
        if chance.random() < 0.5:
            first.reply(number, LONG)
        kill(first)
        with Client() as second:
            process = second.result("remotecmd/start", params, LONG)["process"]
            assert process["runId"] == params["runId"]

            def running(i: int = i) -> list[int]:
                return [p.pid for p in inside.processes() if p.args == ("sleep", f"1000.{i}")]

            assert eventually(running, bool) == [process["pid"]]
            second.result("remotecmd/stop", {"target": target, "id": definition["id"]}, LONG)
            assert eventually(running, lambda found: not found) == []
