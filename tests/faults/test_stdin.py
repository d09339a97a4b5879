"""Input under faults: what is written is never doubled, and what did not arrive is told."""

from __future__ import annotations

import base64
import hashlib
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.container import eventually
from tests.faults.lane import Lane
from tests.faults.plan import Cut, Direction, Kind
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Scene
    from tests.e2e.container import Container
    from tests.faults.conftest import Way

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(400)]

MIB = 1 << 20
STEP = 64 * 1024
PROGRAM = str(Path(sys.executable).parent / "remotecmd")


def up_cuts(seed: str) -> Iterator[Cut]:
    """Cuts in the midst of what goes up: after the agent's text, within some pieces."""
    chance = random.Random(seed)  # noqa: S311  # to be repeated
    while True:
        yield Cut(Direction.UP, chance.randint(60_000, 900_000), chance.choice(list(Kind)))


def test_ten_mebibytes_in_steps_over_a_cutting_way_are_never_doubled(
    scene: Scene,
    way: Callable[..., Way],
    inside: Container,
    seed: str,
    record_property: Callable[[str, Any], None],
) -> None:
    data = random.Random(seed).randbytes(10 * MIB)  # noqa: S311  # to be repeated
    through = way(up_cuts(seed), 1 << 30)
    target = scene.target("app", kubeconfig=through.kubeconfig)
    name, shortfalls, at = scene.id("fed"), 0, 0
    with Client() as client:
        lane = Lane(client, target)
        definition = {"id": name, "cmdLine": "exec sha256sum", "stdin": True}
        lane.insist("start", {"definition": definition, "runId": f"run-{scene.suffix}", "output": {"follow": False}})
        while at < len(data):
            piece = data[at : at + STEP]
            params = {"id": name, "data": base64.b64encode(piece).decode(), "encoding": "base64"}
            reply = lane.request("write", params)
            if "error" in reply:
                assert reply["error"]["data"]["kind"] in {"unreachable", "timeout"}, reply
                assert reply["error"]["data"]["retryable"], reply  # nothing of it was sent
                continue
            written = reply["result"]["written"]
            assert 0 <= written <= len(piece)
            shortfalls += written < len(piece)
            at += written
        lane.insist("closeStdin", {"id": name})
        final = lane.insist("wait", {"id": name})["process"]
        assert final["exitCode"] == 0
        read = lane.insist("read", {"id": name, "stream": "stdout", "offset": 0, "length": 1000})
        assert read["data"].split()[0] == hashlib.sha256(data).hexdigest()
    assert through.proxy.cut_count >= 5
    assert shortfalls >= 1
    record_property("cuts", through.proxy.cut_count)
    record_property("shortfalls", shortfalls)
    del inside


def test_a_write_that_waits_over_an_outage_is_answered_with_what_arrived(
    scene: Scene, way: Callable[..., Way], inside: Container
) -> None:
    through = way()
    target = scene.target("app", kubeconfig=through.kubeconfig)
    data = bytes(20 * MIB)
    name = scene.id("waits")
    with Client() as client:
        lane = Lane(client, target)
        definition = {"id": name, "cmdLine": "read line; exec wc -c", "stdin": True}
        lane.insist("start", {"definition": definition, "output": {"follow": False}})
        asked = lane.send("write", {"id": name, "data": base64.b64encode(data).decode(), "encoding": "base64"})
        eventually(lambda: pieces(inside), lambda count: count >= 4)
        through.proxy.cut()
        written = lane.reply(asked)["result"]["written"]
        assert 0 < written < len(data)
        lane.insist("write", {"id": name, "data": "\n"})
        lane.insist("closeStdin", {"id": name})
        assert lane.insist("wait", {"id": name})["process"]["exitCode"] == 0


def pieces(inside: Container) -> int:
    """How many pieces of input lie ready in the container."""
    return int(inside.shell("ls /tmp/remotecmd-0/runs/*/w.* 2>/dev/null | wc -l"))


def test_a_quarter_of_a_gibibyte_through_exec_is_exact_and_memory_stays_flat(
    scene: Scene, inside: Container, record_property: Callable[[str, Any], None]
) -> None:
    block = random.Random(3).randbytes(MIB)  # noqa: S311  # to be repeated
    words = ["exec", "-i", "--kubeconfig", str(scene.kubeconfig), "k8s:default/app/main", "--", "sha256sum"]
    wanted, peak = hashlib.sha256(), 0
    with subprocess.Popen([PROGRAM, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for i in range(256):
            data = i.to_bytes(4, "big") + block[4:]
            process.stdin.write(data)
            wanted.update(data)
            if i == 16:
                base = memory(process.pid)
            elif i > 16:
                peak = max(peak, memory(process.pid))
        process.stdin.close()
        told = process.stdout.read().split()[0].decode()
        assert process.wait(60) == 0
    assert told == wanted.hexdigest()
    record_property("growth_mib", (peak - base) // MIB)
    assert peak - base < 48 * MIB
    del inside


def memory(pid: int) -> int:
    """Resident bytes of a process and its children: of the command line and of its server."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) * 4096 for one in (str(pid), *children))
