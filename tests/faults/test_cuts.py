"""Connections that are cut at random bytes, many times, while commands write: every byte comes once, at its place."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from handlers.agent.channel import agent_text
from tests.e2e.conftest import BASE, Scene
from tests.faults import pattern
from tests.faults.lane import Lane
from tests.faults.plan import cuts
from tests.faults.witness import Witness
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.container import Container
    from tests.faults.conftest import Way

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

CUTS = int(os.environ.get("REMOTECMD_FAULT_CUTS", "1000"))
MIB = int(os.environ.get("REMOTECMD_FAULT_MIB", "1100"))
COMMANDS = 20
PLACES = [
    ("app", "main", BASE),
    ("app", "side", BASE),
    ("annotated", "first", BASE),
    ("debian", "main", BASE),
    ("nonroot", "main", "/tmp/remotecmd-1000"),
]
"""Each has a server, and a way, of its own: cuts of one connection come one after the other."""

GREETING_BYTES = len(agent_text()) + 4000
"""The agent's text, and what TLS and the upgrade take."""

ERROR_RECORDS = 64
SECONDS = 400.0


class Cutting:
    """Some commands in one container, followed through a way that is cut again and again."""

    def __init__(self, lane: Lane, way: Way, scene: Scene, number: int, wanted: int) -> None:
        self.lane, self.way = lane, way
        self._scene, self._number, self._wanted = scene, number, wanted
        self._count = COMMANDS // len(PLACES)
        self.records = MIB * 256 // COMMANDS
        self.runs: dict[str, Witness] = {}

    def go(self) -> None:
        for i in range(self._count):
            self._start(i)
        self.lane.until(self._all_ended, SECONDS)
        for witness in self.runs.values():
            witness.check(stdout=self.records, stderr=ERROR_RECORDS)
        self._use_up_the_plan()
        self._look_back()

    def _start(self, i: int) -> None:
        salt = self._number * self._count + i
        name, run_id = self._scene.id(f"cut{salt}"), f"run{salt}-{self._scene.suffix}"
        line = f"{pattern.command(ERROR_RECORDS, 100 + salt)} >&2 & {pattern.command(self.records, salt)}; wait"
        self.runs[name] = Witness(run_id, salt, 100 + salt)
        self.lane.watch(self.runs[name])
        params = {"definition": {"id": name, "cmdLine": line}, "runId": run_id}
        process = self.lane.insist("start", params)["process"]
        assert process["runId"] == run_id

    def _all_ended(self) -> bool:
        return all(witness.final is not None for witness in self.runs.values())

    def _use_up_the_plan(self) -> None:
        """Follow again from anywhere, as long as there are cuts left."""
        chance = random.Random(f"{self._wanted} {self._number}")  # noqa: S311  # to be repeated
        while self.way.proxy.cut_count < self._wanted:
            name = chance.choice(list(self.runs))
            witness = self.runs[name]
            at = {"stdout": chance.randrange(self.records * pattern.RECORD_BYTES), "stderr": 0}
            witness.again(**at)
            self.lane.insist("attach", {"id": name, "from": at})
            self.lane.until(self._all_ended, SECONDS)

    def _look_back(self) -> None:
        """Nothing was begun twice, and the way was told as it was."""
        listed = {p["id"]: p for p in self.lane.insist("list", {})["processes"] if p["id"] in self.runs}
        assert {name: process["runId"] for name, process in listed.items()} == {
            name: witness.run_id for name, witness in self.runs.items()
        }
        told = self.lane.connections
        assert told[::2] == ["reconnecting"] * len(told[::2])
        assert told[1::2] == ["connected"] * len(told[1::2])


def test_every_byte_comes_once_over_a_thousand_cuts(
    scene: Scene,
    way: Callable[..., Way],
    keep_clean: Callable[..., Container],
    seed: str,
    record_property: Callable[[str, Any], None],
) -> None:
    wanted = -(-CUTS // len(PLACES))
    containers = [keep_clean(*place) for place in PLACES]
    lanes = []
    for i, (pod, container, _) in enumerate(PLACES):
        through = way(cuts(f"{seed} {i}", GREETING_BYTES), wanted)
        target = scene.target(pod, containerName=container, kubeconfig=through.kubeconfig)
        lanes.append(Cutting(Lane(Client(), target), through, scene, i, wanted))
    try:
        with ThreadPoolExecutor(len(lanes)) as threads:
            for done in [threads.submit(lane.go) for lane in lanes]:
                done.result()
    finally:
        for lane in lanes:
            lane.lane.client.close()
    assert sum(lane.way.proxy.cut_count for lane in lanes) >= CUTS
    witness = lanes[0].runs[scene.id("cut0")]
    assert witness.final is not None
    in_container = containers[0].shell(f"{pattern.command(lanes[0].records, 0)} | sha256sum").split()[0]
    assert in_container == pattern.digest(0, lanes[0].records)
    record_property("cuts", sum(lane.way.proxy.cut_count for lane in lanes))
    record_property("asked_again", sum(lane.lane.asked_again for lane in lanes))
