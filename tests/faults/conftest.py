"""What the tests of faults share: the seed, a way to the API server on which things go wrong, containers that have to
be as they were, and pods that may be broken."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import yaml

from tests.e2e.conftest import BASE, Scene
from tests.e2e.conftest import scene as scene  # noqa: PLC0414  # a fixture
from tests.e2e.container import Container
from tests.e2e.quiet import BLOCKED, Quiet
from tests.faults.line import Line
from tests.faults.pods import Pod
from tests.faults.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from pathlib import Path

    from tests.conftest import Kubectl
    from tests.faults.plan import Cut

SEED = os.environ.get("REMOTECMD_FAULT_SEED") or secrets.token_hex(4)


def pytest_report_header() -> str:
    return f"faults: seed {SEED} (make faults SEED={SEED} draws the same again)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections.append(("the same faults again", f"make faults SEED={SEED}"))
    return report


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> str:
    """Of this test."""
    return f"{SEED} {request.node.name}"


class Way:
    """A proxy to the API server, and the kubeconfig that leads through it."""

    def __init__(self, proxy: Proxy, kubeconfig: Path, copy: Path) -> None:
        self.proxy = proxy
        config = yaml.safe_load(kubeconfig.read_text())
        for cluster in config["clusters"]:
            server = urlsplit(cluster["cluster"]["server"])
            cluster["cluster"] |= {"server": f"https://127.0.0.1:{proxy.port}", "tls-server-name": server.hostname}
        copy.write_text(yaml.safe_dump(config))
        self.kubeconfig = str(copy)


@pytest.fixture
def way(kubeconfig: Path, tmp_path: Path) -> Iterator[Callable[..., Way]]:
    """Makes ways, each of which may have a plan of cuts."""
    proxies: list[Proxy] = []
    server = urlsplit(yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])

    def make(cuts: Iterable[Cut] = (), most: int = 1 << 30) -> Way:
        proxy = Proxy(server.hostname or "", server.port or 443, cuts, most)
        proxies.append(proxy.__enter__())
        return Way(proxy, kubeconfig, tmp_path / f"kubeconfig-{len(proxies)}")

    yield make
    for proxy in proxies:
        proxy.__exit__(None, None, None)


@pytest.fixture
def pods(kubectl: Kubectl, kubeconfig: Path, scene: Scene) -> Iterator[Callable[..., Pod]]:
    """Makes pods that a test may break."""
    made: list[Pod] = []

    def make(**options: str) -> Pod:
        made.append(Pod(f"faults-{len(made)}-{scene.suffix}", kubectl, kubeconfig, **options))
        return made[-1]

    yield make
    for pod in made:
        pod.delete()


@pytest.fixture
def keep_clean(scene: Scene, pods: Callable[..., Pod]) -> Iterator[Callable[..., Container]]:
    """Gives containers to look into, in which nothing may be left after the test but records of runs that have ended.

    The servers of the test are gone by then, and its pods are still there.
    """
    watched: list[Quiet] = []

    def watch(pod: str | Pod, name: str = "main", base: str = BASE) -> Container:
        if isinstance(pod, Pod):  # what was in it goes with it
            container = Container(scene.kubeconfig, pod.name, name)
        else:
            container = scene.container(pod, name, base)
        watched.append(Quiet(container, base))
        return container

    yield watch
    for quiet in watched:
        quiet.check_nothing_but_records(BLOCKED)


@pytest.fixture
def inside(keep_clean: Callable[..., Container]) -> Container:
    """The container that most tests use."""
    return keep_clean("app")


@pytest.fixture
def line(scene: Scene, way: Callable[..., Way], inside: Container) -> Iterator[Line]:
    through = way()
    made = Line(scene, scene.target("app", kubeconfig=through.kubeconfig), through.proxy, inside)
    yield made
    made.proxy.throttle(None)
    made.proxy.resume()
    made.client.close()
