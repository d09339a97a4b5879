"""What all test layers share: the real Kubernetes node, where there is one, and a loud line where there is none.

`make e2e` brings the node up (tests/cluster/run) and names its kubeconfig in REMOTECMD_TEST_KUBECONFIG. Without it the
tests that are marked `cluster` are deselected, not skipped: a skip in the summary is then always worth a look.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests import covering

# Helpers whose assertions, too, are to say what they saw.
pytest.register_assert_rewrite("tests.e2e.quiet", "tests.faults.lane", "tests.faults.witness")

# With nohup, or as a job of a script, some signals are ignored, and all that tests start would ignore them too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

KUBECONFIG_VARIABLE = "REMOTECMD_TEST_KUBECONFIG"
SERVER_SCRIPT = Path(__file__).parent / "cluster" / "server"

Kubectl = Callable[..., str]
"""Called with kubectl's arguments, returns what it wrote to stdout; raises CalledProcessError when it fails."""

NodeServer = Callable[[str, str], None]
"""Called with start, stop or kill and containerd, etcd, apiserver or kubelet."""


def pytest_report_header() -> str:
    kubeconfig = os.environ.get(KUBECONFIG_VARIABLE)
    if kubeconfig:
        return f"cluster: {kubeconfig}"
    return f"cluster: NONE, {KUBECONFIG_VARIABLE} is not set: ALL CLUSTER TESTS ARE LEFT OUT (make e2e runs them)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get(KUBECONFIG_VARIABLE):
        return
    without = [item for item in items if item.get_closest_marker("cluster")]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if not item.get_closest_marker("cluster")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that is marked with `covers` has to provoke what it is marked with."""
    names = covering.names(item)
    if not names:
        return (yield)
    with covering.watch() as seen:
        result = yield
    assert names <= seen, f"it is marked to cover {', '.join(sorted(names - seen))} and does not"
    return result


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """The node's kubeconfig; its contexts are in tests/cluster/README.md."""
    return Path(os.environ[KUBECONFIG_VARIABLE])


@pytest.fixture(scope="session")
def kubectl(kubeconfig: Path) -> Kubectl:
    def call(*arguments: str, timeout: float = 30) -> str:
        command = [kubeconfig.parent / "bin" / "kubectl", "--kubeconfig", kubeconfig, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=timeout).stdout

    return call


@pytest.fixture(scope="session")
def audit_log(kubeconfig: Path) -> Path:
    """One JSON object a line for each pods/exec request that the API server has seen."""
    return kubeconfig.parent / "log" / "audit.log"


@pytest.fixture
def node_server(kubeconfig: Path) -> NodeServer:
    def call(action: str, name: str) -> None:
        environment = {**os.environ, "REMOTECMD_CLUSTER_DIR": str(kubeconfig.parent)}
        subprocess.run([SERVER_SCRIPT, action, name], env=environment, check=True, timeout=30)

    return call
