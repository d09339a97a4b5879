from __future__ import annotations

from typing import Literal

import pytest

from rpc_cli import follow
from rpc_server import messages, results

POD = results.ResolvedTarget(kind="kubernetes", pod_name="api-7d9f", container_name="app")


@pytest.mark.parametrize(
    "state, detail, text",
    [
        ("reconnecting", "EOF", "the connection to api-7d9f/app is cut: EOF; the command goes on, reconnecting …"),
        ("connected", "", "connected to api-7d9f/app again"),
        ("lost", "the pod\nwas deleted", "api-7d9f/app is lost: the pod was deleted"),
    ],
)
def test_the_news_of_a_connection(state: Literal["connected", "reconnecting", "lost"], detail: str, text: str) -> None:
    assert follow.connection(results.Connection(target=POD, state=state, detail=detail)) == text


def verdict(**fields: object) -> results.Verdict:
    given = {"signalled": True, "escalated": False, "survivors": (), "processes": 4, "elapsed_ms": 230, **fields}
    return results.Verdict(**given)  # type: ignore[arg-type]  # a table's values


@pytest.mark.parametrize(
    "done, killed, text",
    [
        (verdict(), False, "stopped after 0.2 s, 4 processes"),
        (verdict(processes=1), True, "killed after 0.2 s, 1 process"),
        (verdict(escalated=True), False, "killed after 0.2 s, 4 processes"),
        (verdict(survivors=(7,)), False, "stopped after 0.2 s, 4 processes, 1 process left"),
        (verdict(signalled=False), False, "had ended already"),
    ],
)
def test_what_a_stop_did(done: results.Verdict, killed: bool, text: str) -> None:
    assert follow.stopped(done, killed=killed) == text


def test_an_address_is_as_it_is_written() -> None:
    target = messages.KubernetesTarget(kind="kubernetes", pod_name="api", namespace="shop")
    assert follow.Address(target=target, id="web").text == "web@k8s:shop/api"
