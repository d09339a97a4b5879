"""One suite, every transport: this machine, the fake API server speaking v4 and v5, a real cluster.

The cluster's cases need REMOTECMD_TEST_KUBECONFIG (context REMOTECMD_TEST_CONTEXT, by default `admin`; pod
REMOTECMD_TEST_POD, by default `app`, with a container `main`). Without it they are deselected, and the summary says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import secrets
import threading
from typing import TYPE_CHECKING, Any

import pytest

from handlers.api import KubernetesTarget, LocalTarget, ResolvedTarget
from handlers.transports.kubernetes.client import KubernetesTransport
from handlers.transports.local import LocalTransport
from tests.contract.place import LONG, Place
from tests.fakes.api_server import V4, V5, FakeApiServer
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from handlers.transports.base import ExecStream, Transport

KUBECONFIG = os.environ.get("REMOTECMD_TEST_KUBECONFIG", "")
CONTEXT = os.environ.get("REMOTECMD_TEST_CONTEXT", "admin")
POD = os.environ.get("REMOTECMD_TEST_POD", "app")
CASES = ["local", "fake-v4", "fake-v5", pytest.param("cluster", marks=pytest.mark.cluster)]
_DESELECTED = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what need not be tried twice, and without a cluster its cases; they are not skipped one by one.

    v4 and v5 differ below the transport only. That is tried on both; what is above, on v4 only in modules that say
    `ALSO_ON_V4 = True`.
    """
    items[:] = [item for item in items if not _is_only_again(item)]
    if KUBECONFIG:
        return
    here = [item for item in items if item.path.parent.name == "contract" and item.get_closest_marker("cluster")]
    if here:
        config.stash[_DESELECTED] = len(here)
        config.hook.pytest_deselected(items=here)
        items[:] = [item for item in items if item not in here]


def _is_only_again(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return False
    return item.callspec.params.get("target") == "fake-v4" and not getattr(item.module, "ALSO_ON_V4", False)


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
        yield TransportCase(name, transport, resolved)


class FakeInThread:
    """The fake API server on an event loop of its own, for clients that block."""

    def __init__(self, protocols: tuple[str, ...], directory: Path, *, tls: bool = False) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.server = FakeApiServer(protocols=protocols, tls=tls)
        self._call(self.server.__aenter__())
        self.kubeconfig = str(self.server.kubeconfig(directory))

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def close(self) -> None:
        self._call(self.server.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(params=CASES, scope="module")
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    if request.param == "local":
        yield {"kind": "local"}
    elif request.param == "cluster":
        yield {
            "kind": "kubernetes", "podName": POD, "containerName": "main", "context": CONTEXT, "kubeconfig": KUBECONFIG,
        }  # fmt: skip
    else:
        fake = FakeInThread((V4,) if request.param == "fake-v4" else (V5, V4), tmp_path_factory.mktemp("kube"))
        yield {"kind": "kubernetes", "podName": "app", "kubeconfig": fake.kubeconfig}
        fake.close()


@pytest.fixture(scope="module")
def server(target: dict[str, Any]) -> Iterator[Client]:
    with Client() as client:
        yield client


@pytest.fixture
def place(target: dict[str, Any], server: Client) -> Place:
    server.others.clear()
    return Place(target, server)


@pytest.fixture(scope="module")
def directory(target: dict[str, Any]) -> Iterator[str]:
    """A base directory of the module's own; what still runs in it is killed in the end, and it is removed."""
    name = f"/tmp/base-{secrets.token_hex(4)}"
    yield name
    with Client() as client:
        base = {"target": target, "pidDirectory": name}
        for process in client.result("remotecmd/list", base, LONG)["processes"]:
            if process["status"] in {"starting", "running"}:
                client.result("remotecmd/stop", {**base, "id": process["id"], "gracePeriodSeconds": 0}, LONG)
    with Client() as client:  # the agent that was there has left, so nothing comes up again
        client.result("remotecmd/exec", {"target": target, "cmdLine": f"rm -rf {name}"}, LONG)


@pytest.fixture
def home(target: dict[str, Any], directory: str, server: Client) -> Place:
    """A place whose commands are in a directory of the module's own."""
    server.others.clear()
    return Place(target, server, directory)


@pytest.fixture
def second() -> Iterator[Client]:
    """Another server."""
    with Client() as client:
        yield client
