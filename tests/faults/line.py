"""A server on a way of its own, and a command that writes until it is told to end: what most of these tests look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.conftest import LONG, Scene
from tests.faults import pattern
from tests.faults.lane import Lane
from tests.faults.witness import Witness
from tests.rpc.client import Client

if TYPE_CHECKING:
    from tests.e2e.container import Container
    from tests.faults.proxy import Proxy

NOTICED = 60.0
"""Seconds in which a dead connection is noticed and replaced: 20 at most, and the rest is for a loaded machine."""


class Line:
    """One command and one server.

    Args:
        scene: of the test.
        target: the container.
        proxy: on the way to it.
        inside: the container, too.
        definition: more of the command's.
    """

    def __init__(
        self, scene: Scene, target: dict[str, Any], proxy: Proxy, inside: Container, **definition: Any
    ) -> None:
        self.scene, self.target, self.proxy, self._inside = scene, target, proxy, inside
        self.client = Client()
        self.where = {"id": scene.id(), **definition}
        self.lane = Lane(self.client, self.target)
        self.witness = Witness("", 7)
        self.file = f"/tmp/over-{scene.suffix}"

    def use(self, pod: str, inside: Container) -> None:
        """Another pod than `app`."""
        self.target["podName"] = pod
        self._inside = inside

    def start(self, line: str, *salts: int, gaps: bool = False) -> dict[str, Any]:
        run_id = f"run-{self.scene.suffix}"
        self.witness = Witness(run_id, *salts, gaps=gaps)
        self.lane.watch(self.witness)
        definition = {**self.where, "cmdLine": line}
        process: dict[str, Any] = self.lane.insist("start", {"definition": definition, "runId": run_id})["process"]
        return process

    def start_and_hear(self, line: str) -> dict[str, Any]:
        """Start what writes something once it is ready."""
        process = self.start(line)
        self.lane.until(lambda: self.witness.at["stdout"] > 0, LONG)
        return process

    def start_writing(self, *, gaps: bool = False, **how: Any) -> None:
        self.start(pattern.until(self.file, 7, **how), 7, gaps=gaps)

    def until_more(self, size: int, seconds: float = LONG) -> None:
        goal = self.witness.at["stdout"] + size
        self.lane.until(lambda: self.witness.at["stdout"] >= goal, seconds)

    def finish(self) -> None:
        """Have the command end, and look at all that it wrote."""
        self._inside.shell(f"true >{self.file}")
        self.lane.until(lambda: self.witness.final is not None, LONG)
        self.witness.check(stdout=self.witness.at["stdout"] // pattern.RECORD_BYTES)
        assert self.witness.at["stdout"] > 0
