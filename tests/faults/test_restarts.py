"""The node's own servers crash and come back: commands are not touched, and following goes on by itself.

Following over outages of the API server is also in tests/e2e/test_survival.py.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.container import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Kubectl, NodeServer
    from tests.e2e.container import Container
    from tests.faults.line import Line

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

RECONNECTED = 90.0
"""Seconds for following to go on; the pause between two attempts grows to 30 s."""


@pytest.fixture
def crash(node_server: NodeServer, kubectl: Kubectl) -> Iterator[Callable[[str], None]]:
    """Kills a server of the node, starts it again, and waits until commands can be run."""
    names: list[str] = []

    def works() -> bool:
        try:
            return kubectl("exec", "app", "-c", "main", "--", "echo", "in", timeout=10) == "in\n"
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False

    def restart(name: str) -> None:
        names.append(name)
        node_server("kill", name)
        node_server("start", name)
        assert eventually(works, bool, 90), f"{name} does not come back"

    yield restart
    for name in names:  # a test may have failed in between
        node_server("start", name)
    assert eventually(works, bool, 90)


@pytest.mark.parametrize("name", ["apiserver", "kubelet", "containerd"])
def test_a_crash_on_the_node_touches_no_command(
    line: Line, inside: Container, crash: Callable[[str], None], name: str
) -> None:
    line.start_writing()
    line.until_more(1 << 18)
    before = line.lane.insist("status", {"id": line.scene.id()})["process"]
    crash(name)
    line.until_more(1 << 18, RECONNECTED)
    assert line.lane.connections == ["reconnecting", "connected"]
    after = line.lane.insist("status", {"id": line.scene.id()})["process"]
    assert (after["state"], after.get("reason")) == ("running", None)
    assert (after["pid"], after["startedAt"]) == (before["pid"], before["startedAt"])
    line.finish()
    assert line.witness.final is not None
    assert line.witness.final["exitCode"] == 0
