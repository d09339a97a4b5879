"""What asks and what ends: `logs`, `status`, `stop` and the rest, without a terminal."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import PROGRAM, Cli, end

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the local target is Linux only"),
]


TALKS = "echo one; echo two >&2; echo three"


def test_logs_replay_both_streams_from_any_offset(cli: Cli) -> None:
    cli("run", "--id", "a", "local", "--", TALKS)
    done = cli("logs", "a@local")
    assert (done.stdout, done.stderr, done.returncode) == (b"one\nthree\n", b"two\n", 0)
    assert cli("logs", "--since-offset", "4", "-T", "local", "a").stdout == b"three\n"
    skipped = cli("logs", "--since-offset", "10,4", "a", REMOTECMD_TARGET="local")
    assert (skipped.stdout, skipped.stderr) == (b"", b"")
    assert cli("logs", "--since", "1h", "a@local").stdout == b"one\nthree\n"
    assert cli("logs", "--since", "0", "a@local").stdout == b""


def test_logs_end_with_what_is_there_unless_they_follow(cli: Cli) -> None:
    cli("run", "-d", "--id", "a", "local", "--", "echo one; exec sleep 1000")
    following = cli.begin("logs", "-f", "a@local")
    assert following.stdout is not None
    assert following.stdout.readline() == b"one\n"
    assert cli("logs", "a@local").stdout == b"one\n"
    assert cli("stop", "a@local").returncode == 0
    assert end(following) == (b"", b"", 0)


def test_logs_into_head_end_quietly(cli: Cli) -> None:
    cli("run", "--id", "a", "local", "--", "yes | head -c 1000000")
    words = cli.words("logs", "a@local")
    done = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1', "sh", PROGRAM, *words], capture_output=True, check=True, env=cli.environment
    )
    assert (done.stdout, done.stderr) == (b"y\n", b"")


def test_status_and_stop(cli: Cli) -> None:
    cli("run", "-d", "--id", "a", "local", "--", "sleep 1000 & wait")
    cli("run", "-d", "--id", "b", "local", "--", "sleep", "1000")
    running = cli("status", "a@local").stdout.decode()
    assert running.startswith("id       a\nstatus   running, pid ")
    verdicts = cli("stop", "--json", "-s", "sigterm", "-t", "5", "a@local", "b@local").stdout.splitlines()
    assert [json.loads(line)["process"]["status"] for line in verdicts] == ["stopped", "stopped"]
    done = cli("stop", "a@local")
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 0)
    assert b"stopped, exit status 143, by TERM" in cli("status", "a@local").stdout
    absent = cli("status", "nope@local")
    assert (absent.returncode, b"never started here" in absent.stdout) == (6, True)


def test_ps_lists_what_is_and_was(cli: Cli) -> None:
    cli("run", "--id", "old", "local", "--", "echo x; exit 2")
    cli("run", "-d", "--id", "web", "local", "--", "sleep", "1000")
    lines = cli("ps", "-a", "local").stdout.decode().splitlines()
    assert lines[0].split() == ["ID", "STATUS", "PID", "AGE", "EXIT", "OUTPUT", "COMMAND"]
    assert [line.split()[:2] for line in lines[1:]] == [["old", "errored"], ["web", "running"]]
    assert [line.split()[-1] for line in lines[1:]] == ["2", "1000"]
    assert cli("ps", "-q", "local").stdout == b"old\nweb\n"
    assert [p["id"] for p in json.loads(cli("ps", "--json", "local").stdout)["processes"]] == ["old", "web"]


def test_wait_prints_the_status_of_the_command(cli: Cli) -> None:
    cli("run", "-d", "--id", "a", "local", "--", "exit 7")
    done = cli("wait", "a@local")
    assert (done.stdout, done.returncode) == (b"7\n", 0)
    cli("run", "-d", "--id", "b", "local", "--", "sleep", "1000")
    late = cli("wait", "--timeout", "50ms", "b@local")
    assert (late.stdout, late.stderr, late.returncode) == (
        b"", b"remotecmd: b@local did not end in time; it goes on\n", 124,
    )  # fmt: skip


def test_a_signal_reaches_the_command(cli: Cli) -> None:
    cli("run", "-d", "--id", "a", "local", "--", "trap 'exit 5' HUP; while :; do sleep 0.1; done")
    assert cli("signal", "HUP", "a@local").returncode == 0
    assert cli("wait", "a@local").stdout == b"5\n"


def test_rm_removes_what_has_ended(cli: Cli) -> None:
    cli("run", "--id", "a", "local", "--", "true")
    cli("run", "--id", "b", "local", "--", "true")
    assert cli("rm", "a@local", "b@local").returncode == 0
    assert cli("ps", "-q", "local").stdout == b""
    gone = cli("rm", "a@local")
    assert (gone.returncode, b'no command "a"' in gone.stderr) == (6, True)


def test_what_is_live_is_not_removed_and_the_hint_says_how_to_end_it(cli: Cli) -> None:
    cli("run", "-d", "--id", "a", "local", "--", "sleep", "1000")
    done = cli("rm", "a@local")
    told = b'remotecmd: command "a" is live: stop it first\n  remotecmd stop a@local stops it\n'
    assert (done.stderr, done.returncode) == (told, 6)
    assert cli.process("a")["status"] == "running"


@pytest.mark.parametrize("subcommand", ["rm", "stop"])
def test_of_several_commands_each_is_tried(cli: Cli, subcommand: str) -> None:
    for name in ("a", "b"):
        cli("run", "--id", name, "local", "--", "true")
    done = cli(subcommand, "a@local", "nope@local", "b@local")
    assert (done.returncode, done.stderr.count(b"remotecmd: "), b'no command "nope"' in done.stderr) == (6, 1, True)
    assert cli("ps", "-q", "local").stdout == (b"" if subcommand == "rm" else b"a\nb\n")


def test_wait_says_that_a_command_could_not_start(cli: Cli) -> None:
    cli("run", "--id", "a", "local", "--", "/nonexistent")
    done = cli("wait", "a@local")
    assert (done.stderr, done.returncode) == (b"remotecmd: a@local could not start: executableNotFound\n", 127)


def test_schema_prints_the_document(cli: Cli) -> None:
    done = cli("schema")
    assert "remotecmd/start" in {method["name"] for method in json.loads(done.stdout)["methods"]}
