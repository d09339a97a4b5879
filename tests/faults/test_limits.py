"""Containers that run out of something while a command runs: it goes on, and what could not be kept is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import LONG, Scene
from tests.e2e.container import eventually
from tests.faults.line import Line
from tests.faults.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.container import Container
    from tests.faults.conftest import Way
    from tests.faults.pods import Pod

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

SMALL = "/small"
SMALL_BASE = f"{SMALL}/remotecmd-0"


def test_a_full_disk_costs_a_gap_and_no_more(
    scene: Scene, way: Callable[..., Way], keep_clean: Callable[..., Container]
) -> None:
    inside = keep_clean("limited", "main", SMALL_BASE)
    parts = Parts(inside, SMALL_BASE)
    through = way()
    target = scene.target("limited", kubeconfig=through.kubeconfig)
    line = Line(scene, target, through.proxy, inside, pidDirectory=SMALL)
    filler = f"{SMALL}/filler-{scene.suffix}"
    try:
        line.start_writing(gaps=True)
        line.until_more(1 << 18)
        pid = line.lane.insist("status", line.where)["process"]["pid"]
        inside.shell(f"dd if=/dev/zero of={filler} bs=65536 2>/dev/null || :")
        was = parts.note(line.scene.id(), "o")
        eventually(lambda: parts.note(line.scene.id(), "o"), lambda now: now != was and now.split()[4] == "F")
        inside.shell(f"rm {filler}")
        line.lane.until(lambda: bool(line.witness.gaps), LONG)
        line.until_more(1 << 18)
        assert line.lane.insist("status", line.where)["process"]["pid"] == pid
        inside.shell(f"true >{line.file}")
        line.lane.until(lambda: line.witness.final is not None, LONG)
        final = line.witness.final
        assert final is not None
        assert (final["state"], final["exitCode"], final["offsets"]) == ("exited", 0, line.witness.at)
        assert {gap["stream"] for gap in line.witness.gaps} == {"stdout"}
        assert {gap["reason"] for gap in line.witness.gaps} == {"storageFull"}
        assert line.lane.connections == []
        line.lane.insist("remove", line.where)
    finally:
        line.client.close()
        inside.shell(f"rm -f {filler}")


class ProcessLimit:
    """Of a pod's only container, set from outside."""

    def __init__(self, pod: Pod) -> None:
        rows = Path(f"/proc/{pod.host_pid()}/cgroup").read_text(encoding="ascii").splitlines()
        paths = {controllers: path for _, controllers, path in (row.split(":", 2) for row in rows)}
        root = Path("/sys/fs/cgroup")
        in_v1 = "pids" in paths
        self._group = root / "pids" / paths["pids"].lstrip("/") if in_v1 else root / paths[""].lstrip("/")

    def allow(self, more: int | None) -> None:
        """Allow this many processes more than there are, or any number."""
        current = int((self._group / "pids.current").read_text(encoding="ascii"))
        (self._group / "pids.max").write_text("max" if more is None else str(current + more), encoding="ascii")


def test_a_container_without_processes_to_be_had_says_so_and_its_commands_go_on(
    line: Line, pods: Callable[..., Pod], keep_clean: Callable[..., Container]
) -> None:
    pod = pods()
    inside = keep_clean(pod)
    line.use(pod.name, inside)
    line.start_writing()
    line.until_more(1 << 18)
    pid = line.lane.insist("status", line.where)["process"]["pid"]
    limit = ProcessLimit(pod)
    other = {"id": line.scene.id("other")}
    limit.allow(0)
    try:
        definition = {**other, "cmdLine": "exit 4"}
        number = line.lane.send("start", {"definition": definition})
        error = line.lane.reply(number, LONG)["error"]
    finally:
        limit.allow(None)
    kind, reason = error["data"]["kind"], error["data"].get("reason")
    assert (kind, reason) in {("processLimit", None), ("startFailed", "processLimit"), ("unreachable", None)}
    line.until_more(1 << 18)
    assert line.lane.insist("status", line.where)["process"]["pid"] == pid
    assert line.lane.insist("exec", {"cmdLine": "echo in"})["stdout"] == "in\n"
    if line.lane.insist("status", other)["process"]["state"] != "absent":
        line.lane.insist("wait", other)
        line.lane.insist("remove", other)
    line.finish()
