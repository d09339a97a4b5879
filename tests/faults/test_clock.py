"""The wall clock of the server's machine may jump: it is only shown. What is waited for is waited for by clocks that
don't, and the container's wall clock is never read: its agent knows /proc/uptime alone."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.faults, pytest.mark.slow]

JUMPING = """
import itertools, runpy, sys, time
real, jumps = time.time, itertools.cycle((0, 86400, -86400, 3600))
time.time = lambda: real() + next(jumps)
sys.argv = ["rpc_server"]
runpy.run_module("rpc_server", run_name="__main__", alter_sys=True)
"""

LOCAL = {"kind": "local"}


@pytest.fixture
def jumping() -> Iterator[Client]:
    with Client(python=("-c", JUMPING)) as client:
        yield client


@pytest.fixture
def steady() -> Iterator[Client]:
    with Client() as client:
        yield client


def test_a_clock_that_jumps_changes_nothing_but_what_it_shows(jumping: Client, steady: Client, tmp_path: Path) -> None:
    name = f"clock-{secrets.token_hex(4)}"
    where: dict[str, Any] = {"target": LOCAL, "id": name, "pidDirectory": str(tmp_path)}
    definition = {"id": name, "pidDirectory": str(tmp_path), "cmdLine": "echo up; read -r line <gate; exit 3"}
    definition["workingDir"] = str(tmp_path)
    os.mkfifo(tmp_path / "gate")
    started = jumping.result(
        "remotecmd/start", {"target": LOCAL, "definition": definition, "onDisconnect": "stop", "timeoutSeconds": 600}
    )["process"]
    assert jumping.result("remotecmd/wait", {**where, "timeoutSeconds": 1})["timedOut"] is True
    assert jumping.notification("remotecmd/output")["data"] == "up\n"
    seen = steady.result("remotecmd/status", where)["process"]
    assert (seen["state"], seen["startedAt"]) == ("running", started["startedAt"])
    with (tmp_path / "gate").open("w") as gate:
        gate.write("on\n")
    final = jumping.notification("remotecmd/statusChanged")["process"]
    while final["status"] in {"starting", "running"}:
        final = jumping.notification("remotecmd/statusChanged")["process"]
    assert (final["state"], final["exitCode"]) == ("exited", 3)
    assert final["startedAt"] <= final["endedAt"]
    assert steady.result("remotecmd/status", where)["process"] == final
