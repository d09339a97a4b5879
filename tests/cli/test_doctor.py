"""`remotecmd doctor`: a table for people, an object with --json, and an exit status for scripts."""

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

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the local target is Linux only")]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeInThread]:
    there = FakeInThread((V5,), tmp_path)
    yield there
    there.close()


@pytest.fixture
def cli(tmp_path: Path, fake: FakeInThread) -> Cli:
    running = Cli(tmp_path)
    running.environment["KUBECONFIG"] = fake.kubeconfig
    return running


def test_this_machine_is_a_line_for_each_finding(cli: Cli) -> None:
    done = cli("doctor", "local")
    assert (done.returncode, done.stderr) == (0, b"")
    lines = [line.split() for line in done.stdout.decode().splitlines() if not line.startswith(" ")]
    assert [line[1] for line in lines][:2] == ["target", "roundTrip"]
    assert lines[-1][:2] == ["ok", "mode"]
    assert {line[0] for line in lines} <= {"ok", "info", "warning"}


def test_json_is_the_result_on_one_line(cli: Cli) -> None:
    done = cli("doctor", "k8s:app", "--json")
    [line] = done.stdout.splitlines()
    result = json.loads(line)
    assert (done.returncode, result["mode"], result["target"]["podName"]) == (0, "supervised", "app")


def test_a_terminal_gets_whole_sentences_in_its_width(cli: Cli) -> None:
    terminal = cli.terminal("--color", "never", "doctor", "--context", "view", "k8s:app", COLUMNS="60")
    assert terminal.rest() == 4
    assert max(map(len, terminal.shown.splitlines())) <= 60
    words = " ".join(terminal.shown.split())
    assert "→ Have these rules added to a Role of yours in namespace default (context view):" in words
    assert '- {apiGroups: [""], resources: [pods/exec], verbs: [get, create]}' in words
    assert "…" not in words


def test_a_missing_right_is_status_4(cli: Cli) -> None:
    done = cli("doctor", "--context", "view", "k8s:app")
    assert (done.returncode, done.stderr) == (4, b"")
    assert b"error  permissions" in done.stdout


def test_a_container_that_does_not_run_is_status_3(cli: Cli, fake: FakeInThread) -> None:
    fake.server.pods["default", "app"] = pod("app", phase="Pending", containerStatuses=[])
    assert cli("doctor", "k8s:app").returncode == 3


def test_what_is_no_finding_is_an_error_as_elsewhere(cli: Cli) -> None:
    done = cli("doctor", "k8s:nosuch")
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"remotecmd: ")
    assert cli("doctor").returncode == 2
