"""One suite, every transport: this machine, the fake API server speaking v4 and v5, a real cluster.

The cluster's cases need REMOTECMD_TEST_KUBECONFIG (context REMOTECMD_TEST_CONTEXT, by default `admin`; pod
REMOTECMD_TEST_POD, by default `app`, with a container `main`). Without it they are deselected, and the summary says so.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from typing import TYPE_CHECKING, Any

import pytest

from handlers.api import KubernetesTarget, LocalTarget, ResolvedTarget
from handlers.transports.kubernetes.client import KubernetesTransport
from handlers.transports.local import LocalTransport
from tests.fakes.api_server import V4, V5, FakeApiServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from handlers.transports.base import ExecStream, Transport

KUBECONFIG = os.environ.get("REMOTECMD_TEST_KUBECONFIG", "")
CONTEXT = os.environ.get("REMOTECMD_TEST_CONTEXT", "admin")
POD = os.environ.get("REMOTECMD_TEST_POD", "app")
CASES = ["local", "fake-v4", "fake-v5", pytest.param("cluster", marks=pytest.mark.cluster)]
_DESELECTED = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a cluster its cases are not run; they are not skipped one by one either."""
    if KUBECONFIG:
        return
    here = [item for item in items if item.path.parent.name == "contract" and item.get_closest_marker("cluster")]
    if here:
        config.stash[_DESELECTED] = len(here)
        config.hook.pytest_deselected(items=here)
        items[:] = [item for item in items if item not in here]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say loudly that something was not tested."""
    if count := config.stash.get(_DESELECTED, 0):
        text = f"NOT RUN: {count} contract cases on a real cluster (set REMOTECMD_TEST_KUBECONFIG, or run make e2e)"
        terminalreporter.write_line(text, yellow=True, bold=True)


@dataclasses.dataclass(frozen=True, slots=True)
class TransportCase:
    """A transport and a container to use it on."""

    name: str
    transport: Transport[Any]
    target: ResolvedTarget
    half_close: bool

    async def open(self, argv: Sequence[str]) -> ExecStream:
        return await self.transport.open(self.target, argv)


@pytest.fixture(params=CASES)
async def transport_case(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TransportCase]:
    name: str = request.param
    async with contextlib.AsyncExitStack() as stack:
        transport: Transport[Any] = LocalTransport() if name == "local" else KubernetesTransport()
        target: Any = LocalTarget()
        if name == "cluster":
            target = KubernetesTarget(pod_name=POD, container_name="main", context=CONTEXT, kubeconfig=KUBECONFIG)
        elif name != "local":
            server = await stack.enter_async_context(FakeApiServer(protocols=(V4,) if name == "fake-v4" else (V5, V4)))
            target = KubernetesTarget(pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path)))
        stack.push_async_callback(transport.close)
        resolved = await transport.resolve(target)
        yield TransportCase(name, transport, resolved, half_close=name != "fake-v4")
