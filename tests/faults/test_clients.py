"""Many servers at once on one run, some of which are killed: all that are left are told the same, every byte once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.faults import pattern
from tests.faults.lane import Lane
from tests.faults.witness import Witness
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Scene
    from tests.e2e.container import Container

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

SERVERS = 10
RECORDS = 2048
SECONDS = 120.0


def test_ten_servers_follow_one_run_and_half_of_them_are_killed(
    scene: Scene, keep_clean: Callable[..., Container]
) -> None:
    keep_clean("app")
    target = scene.target("app")
    where = {"id": scene.id()}
    run_id = f"run-{scene.suffix}"
    definition = {**where, "cmdLine": pattern.paced(RECORDS, 3, pause=0.1)}
    clients = [Client() for _ in range(SERVERS)]

    def start(client: Client) -> str:
        """All of them ask for it at once; one makes it."""
        params = {"definition": definition, "runId": run_id, "output": {"follow": False}}
        started = Lane(client, target).insist("start", params)
        return f"{started['process']['pid']} {started['created']}"

    def follow(i: int) -> dict[str, int]:
        lane, witness = Lane(clients[i], target), Witness(run_id, 3)
        lane.watch(witness)
        lane.insist("attach", where)
        if i % 2:
            lane.until(lambda: witness.at["stdout"] > 1 << 20, SECONDS)
            clients[i].process.kill()
            return {}
        lane.until(lambda: witness.final is not None, SECONDS)
        witness.check(stdout=RECORDS)
        return witness.at

    try:
        with ThreadPoolExecutor(SERVERS) as threads:
            started = list(threads.map(start, clients))
            assert len({answer.split()[0] for answer in started}) == 1
            assert sum(answer.endswith(" True") for answer in started) == 1
            ends = [at for at in threads.map(follow, range(SERVERS)) if at]
        assert ends == [{"stdout": RECORDS * pattern.RECORD_BYTES, "stderr": 0}] * (SERVERS // 2)
    finally:
        for client in clients:
            client.close()
