"""`remotecmd targets`, and pods that are named by workload or labels, against a fake API server."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import Cli
from tests.contract.conftest import FakeInThread
from tests.fakes.api_server import V5, pod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the fake's shell is this machine's"),
]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeInThread]:
    there = FakeInThread((V5,), tmp_path)
    there.server.tokens["unknown-token"] = ("nobody", frozenset())
    yield there
    there.close()


@pytest.fixture
def cli(tmp_path: Path, fake: FakeInThread) -> Cli:
    running = Cli(tmp_path)
    running.environment["KUBECONFIG"] = fake.kubeconfig
    return running


def test_pods_are_a_table(cli: Cli, fake: FakeInThread) -> None:
    waiting = [{"name": "main", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    fake.server.pods["default", "bad"] = pod("bad", containerStatuses=waiting)
    lines = cli("targets").stdout.decode().splitlines()
    assert lines[0].split() == ["POD", "READY", "STATUS", "AGE", "CONTAINERS", "CAN'T", "BE", "USED", "BECAUSE"]
    assert [line.split()[0] for line in lines[1:]] == ["app", "bad", "web-5c4b"]
    assert lines[1].split()[1:] == ["0/2", "running", "\u2013", "main*,side", "\u2013"]
    assert lines[2].endswith("CrashLoopBackOff")


def test_all_pages_are_shown(cli: Cli, fake: FakeInThread) -> None:
    fake.server.pods = {("default", f"web-{i:04}"): pod(f"web-{i:04}") for i in range(1001)}
    assert len(cli("targets").stdout.splitlines()) == 1002
    pages = [json.loads(line) for line in cli("targets", "--json").stdout.splitlines()]
    assert [len(page["pods"]) for page in pages] == [1000, 1]


def test_namespaces_and_contexts_mark_the_current_one(cli: Cli) -> None:
    assert cli("targets", "namespaces").stdout.split() == b"NAMESPACE CURRENT default * empty".split()
    assert cli("targets", "contexts").stdout.splitlines()[1].split() == "admin \u2013 *".encode().split()


def test_what_may_not_be_listed_is_told(cli: Cli) -> None:
    done = cli("targets", "namespaces", "--context", "nobody")
    assert (done.stdout, done.returncode) == (b"", 4)
    first, remedy = done.stderr.decode().splitlines()
    assert first == 'remotecmd: user "nobody" lacks the verb list on namespaces in context nobody'
    assert remedy.endswith("A namespace can be used all the same when it is named.")


@pytest.mark.parametrize("words", [("contexts", "-n", "shop"), ("namespaces", "-l", "a=b"), ("services",)])
def test_options_that_mean_nothing_are_refused(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("targets", *words).returncode == 2


WAYS = [("k8s:deploy/app",), ("k8s:default/deployment/app",), ("-l", "app=app"), ("k8s:", "-l", "app=app")]


@pytest.mark.parametrize("words", WAYS)
def test_a_command_runs_in_the_one_pod(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli("exec", *words, "--", "echo", "hello")
    assert (done.stdout, done.stderr, done.returncode) == (b"hello\n", b"", 0)


def test_a_selector_counts_more_than_the_variable(cli: Cli) -> None:
    done = cli("exec", "-l", "app=app", "--", "echo", "hello", REMOTECMD_TARGET="k8s:nosuch")
    assert (done.stdout, done.returncode) == (b"hello\n", 0)


def test_an_address_takes_a_selector(cli: Cli) -> None:
    assert cli("run", "--id", "web", "-l", "app=app", "--", "echo", "hello").returncode == 0
    assert cli("logs", "web", "-l", "app=app").stdout == b"hello\n"
    assert cli("logs", "web@k8s:deploy/app").stdout == b"hello\n"
    done = cli("logs", "nosuch", "-l", "app=app")
    assert b"remotecmd ps k8s: -l app=app shows what was started there" in done.stderr


def test_several_pods_are_named(cli: Cli) -> None:
    done = cli("exec", "-l", "app in (app, web-5c4b)", "--", "true")
    assert done.returncode == 3
    assert b"app, web-5c4b" in done.stderr


def test_a_typo_is_quoted(cli: Cli) -> None:
    done = cli("exec", "-l", "app=web,=db", "--", "true")
    assert done.returncode == 2
    assert b'--selector is no label selector: "app=web,=db", from character 9 on' in done.stderr


def test_a_pod_that_starts_is_waited_for(cli: Cli, fake: FakeInThread) -> None:
    fake.server.pods["default", "new"] = pod("new", phase="Pending", containerStatuses=[])
    terminal = cli.terminal("exec", "--wait", "1m", "-l", "app=new", "--", "echo", "hello")
    terminal.expect("waiting: container main of pod new .* is not running: the pod is Pending")
    fake.server.pods["default", "new"] = pod("new")
    assert terminal.rest() == 0
    assert terminal.shown.endswith("hello\n")
    terminal.close()


def test_waiting_in_vain_is_told(cli: Cli, fake: FakeInThread) -> None:
    fake.server.pods["default", "new"] = pod("new", phase="Pending", containerStatuses=[])
    done = cli("run", "--wait", "0.1", "k8s:new", "--", "true")
    assert done.returncode == 3
    assert b"It was waited for 0.1 s" in done.stderr
