"""`remotecmd devfile`: commands of a devfile, listed and run on this machine and in the containers of a pod."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from rpc_cli.formats import NOTHING
from tests.cli.conftest import Cli, end

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="commands run on this machine"),
]

DEVFILE = """\
schemaVersion: 2.2.2
metadata: {name: shop}
variables: {greeting: hello}
components:
  - {name: main, container: {image: any, sourceMapping: SOURCES}}
  - {name: side, container: {image: any, sourceMapping: SOURCES, env: [{name: WHERE, value: side}]}}
  - {name: cache, volume: {size: 1Gi}}
commands:
  - id: compile
    exec:
      component: main
      commandLine: echo {{greeting}} "$WHO"; pwd; echo it >made
      workingDir: $PROJECT_SOURCE
      env: [{name: WHO, value: you all}]
  - {id: check, exec: {component: side, commandLine: 'cat made; echo "$WHERE"', workingDir: "${PROJECT_SOURCE}"}}
  - {id: fail, exec: {component: main, commandLine: echo failing; exit 3}}
  - {id: wait, exec: {component: main, commandLine: echo up; exec sleep 1000}}
  - {id: build, composite: {commands: [compile, check], group: {kind: build, isDefault: true}}}
  - {id: early, composite: {commands: [fail, compile]}}
  - {id: both, composite: {commands: [check, fail], parallel: true}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with a devfile, and a place for sources."""
    sources = tmp_path / "sources"
    sources.mkdir()
    (tmp_path / "devfile.yaml").write_text(DEVFILE.replace("SOURCES", str(sources)))
    return tmp_path


def run(cli: Cli, project: Path, command: str) -> tuple[str, str, int]:
    words = ["devfile", "run", "-f", str(project), "--pid-directory", cli.directory, command, "local"]
    done = cli(*words)
    return done.stdout.decode(), done.stderr.decode(), done.returncode


def test_commands_are_listed_with_what_has_no_effect(cli: Cli, project: Path) -> None:
    done = cli("devfile", "list", "--file", str(project))
    rows = [line.split() for line in done.stdout.decode().splitlines()]
    assert rows[0] == ["COMMAND", "GROUP", "COMPONENT", "RUNS"]
    assert ["build", "build*", NOTHING, "compile,", "then", "check"] in rows
    assert done.returncode == 0
    assert b"components[2].volume" in done.stderr
    as_json = json.loads(cli("devfile", "list", "--json", "--file", str(project / "devfile.yaml")).stdout)
    assert as_json["commands"][0]["id"] == "compile"


def test_a_composite_runs_its_commands_in_order(cli: Cli, project: Path) -> None:
    said = f"hello you all\n{project / 'sources'}\nit\nside\n"
    assert run(cli, project, "build") == (said, "", 0)


def test_a_composite_ends_at_the_first_command_that_fails(cli: Cli, project: Path) -> None:
    assert run(cli, project, "early") == ("failing\n", "", 3)
    assert not (project / "sources" / "made").exists()


def test_commands_that_run_at_once_are_told_apart(cli: Cli, project: Path) -> None:
    (project / "sources" / "made").write_text("before\n")
    stdout, stderr, status = run(cli, project, "both")
    assert sorted(stdout.splitlines()) == ["check | before", "check | side", "fail  | failing"]
    assert status == 3
    assert "fail failed: status 3" in stderr


def test_a_command_that_is_not_there_is_a_mistake_of_the_line(cli: Cli, project: Path) -> None:
    stdout, stderr, status = run(cli, project, "biuld")
    assert (stdout, status) == ("", 2)
    assert 'did you mean "build"?' in stderr


def test_a_devfile_that_is_wrong_says_where(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "devfile.yaml").write_text("schemaVersion: 2.2.2\ncommands:\n  - id: x\n    exec: {component: no}\n")
    done = cli("devfile", "list", "-f", str(tmp_path))
    assert done.returncode == 2
    assert b"devfile.yaml, line 3, column 5" in done.stderr


@pytest.mark.parametrize(
    ("given", "status", "left"),
    [(signal.SIGINT, 128 + signal.SIGTERM, "stopped"), (signal.SIGHUP, 128 + signal.SIGHUP, "running")],
    ids=["Ctrl-C stops it", "a lost terminal leaves it"],
)
def test_signals_mean_what_they_do_with_run(
    cli: Cli, project: Path, given: signal.Signals, status: int, left: str
) -> None:
    words = ["devfile", "run", "-f", str(project), "--pid-directory", cli.directory, "wait", "local"]
    running = cli.begin(*words)
    assert running.stdout is not None
    assert running.stdout.readline() == b"up\n"
    running.send_signal(given)
    assert end(running)[2] == status
    assert cli.process("wait")["status"] == left
