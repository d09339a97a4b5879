"""`run`, `attach` and `exec` without a terminal: bytes and exit statuses are the command's, and nothing is added."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import PROGRAM, Cli, children, end

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the local target is Linux only"),
]


def test_output_and_status_of_run_are_those_of_the_command(cli: Cli) -> None:
    done = cli("run", "local", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 3)


def test_output_and_status_of_exec_are_those_of_the_command(cli: Cli) -> None:
    done = cli("exec", "local", "--", "sh", "-c", "echo out; echo err >&2; kill -9 $$")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 137)


@pytest.mark.parametrize("subcommand", ["run", "exec"])
def test_bytes_are_passed_on_as_they_are(cli: Cli, subcommand: str) -> None:
    code = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000)"
    assert cli(subcommand, "local", "--", sys.executable, "-c", code).stdout == bytes(range(256)) * 1000


def test_run_has_the_options_of_docker(cli: Cli) -> None:
    script = 'echo "$A $B $PWD"; echo err >&2'
    options = ["--id", "x", "-e", "A=1 2", "-e", "B", "-w", "/usr", "--merge-output"]
    done = cli("run", *options, "local", "--shell", script, B="from here")
    assert (done.stdout, done.stderr, done.returncode) == (b"1 2 from here /usr\nerr\n", b"", 0)
    assert cli.process("x")["exitCode"] == 0


def test_exec_has_them_too_and_takes_stdin(cli: Cli) -> None:
    script = 'cat; echo "$A $B $PWD"'
    options = ["-i", "-e", "A=1", "-e", "B", "-w", "/usr", "--timeout", "1m"]
    done = cli("exec", *options, "local", "-s", script, stdin="ä\n".encode(), B="2")
    assert (done.stdout.decode(), done.returncode) == ("ä\n1 2 /usr\n", 0)


@pytest.mark.parametrize("subcommand", ["run", "exec"])
def test_any_bytes_of_stdin_are_passed_on(cli: Cli, subcommand: str) -> None:
    data = bytes(range(256)) * 10_000
    assert cli(subcommand, "-i", "local", "--", "cat", stdin=data).stdout == data
    assert cli(subcommand, "local", "--", "wc", "-c", stdin=data).stdout == b"0\n"  # not without -i


@pytest.mark.parametrize("subcommand", ["run", "exec"])
def test_a_command_need_not_read_stdin(cli: Cli, subcommand: str) -> None:
    done = cli(subcommand, "-i", "local", "--", "head", "-c", "3", stdin=b"x" * 1_000_000)
    assert (done.stdout, done.stderr, done.returncode) == (b"xxx", b"", 0)


def test_attach_passes_stdin_on_to_what_was_left_open(cli: Cli) -> None:
    assert cli("run", "-d", "-i", "--id", "open", "local", "--", "cat").returncode == 0
    done = cli("attach", "-i", "--all", "open@local", stdin=b"later\n")
    assert (done.stdout, done.returncode) == (b"later\n", 0)


def test_what_takes_no_input_does_not_stop_for_it(cli: Cli) -> None:
    assert cli("run", "-d", "--id", "deaf", "local", "--", "sleep 0.5; echo over").returncode == 0
    done = cli("attach", "-i", "--all", "deaf@local", stdin=b"nobody\n")
    assert (done.stdout, done.returncode) == (b"over\n", 0)


def test_one_word_with_spaces_is_for_a_shell_and_several_are_not(cli: Cli) -> None:
    assert cli("run", "local", "--", "echo $((1 + 1)); exit 4").returncode == 4
    assert cli("run", "local", "--", "echo", "$((1 + 1))").stdout == b"$((1 + 1))\n"


def test_a_detached_run_prints_its_id_and_goes_on(cli: Cli) -> None:
    done = cli("run", "-d", "local", "--", "sleep", "1000")
    assert (done.stdout, done.stderr, done.returncode) == (b"sleep-1000\n", b"", 0)
    assert cli.process("sleep-1000")["status"] == "running"
    again = cli("run", "-d", "--if-exists", "fail", "local", "--", "sleep", "1000")
    assert (again.stdout, again.returncode) == (b"", 6)
    assert again.stderr.startswith(b'remotecmd: command "sleep-1000" is live already')
    assert b"--if-exists replace" in again.stderr


def test_a_live_run_is_attached_to(cli: Cli) -> None:
    command = ["--id", "a", "local", "--", "echo begun; read x <fifo; echo $x"]
    os.mkfifo(f"{cli.directory[:-4]}fifo")
    first = cli.begin("run", "-w", cli.directory[:-5], *command)
    assert first.stdout is not None
    assert first.stdout.readline() == b"begun\n"
    second = cli.begin("run", "-w", cli.directory[:-5], *command)
    third = cli.begin("attach", "--all", "a@local")
    for process in (second, third):
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
    with open(f"{cli.directory[:-4]}fifo", "w") as fifo:  # noqa: PTH123  # opening it waits for the command
        fifo.write("bye\n")
    assert [end(process) for process in (first, second, third)] == [(b"bye\n", b"", 0)] * 3


def test_a_time_limit_has_the_status_of_timeout(cli: Cli) -> None:
    done = cli("run", "--id", "a", "--timeout", "100ms", "local", "--", "sleep", "1000")
    assert (done.stderr, done.returncode) == (b"remotecmd: a@local was stopped at its time limit\n", 124)
    assert cli("exec", "--timeout", "100ms", "local", "--", "sleep", "1000").returncode == 124


@pytest.mark.parametrize("subcommand", ["run", "exec"])
@pytest.mark.parametrize("program, status", [("/nonexistent", 127), ("/etc/passwd", 126)])
def test_what_can_not_be_started_has_the_status_of_a_shell(
    cli: Cli, subcommand: str, program: str, status: int
) -> None:
    done = cli(subcommand, "local", "--", program)
    assert (done.stdout, done.returncode) == (b"", status)
    assert b"could not start" in done.stderr


def test_json_gives_the_objects_of_the_wire(cli: Cli) -> None:
    lines = [
        json.loads(line) for line in cli("run", "--json", "--id", "a", "local", "--", "echo", "x").stdout.splitlines()
    ]
    assert [line["method"] for line in lines if line["method"] == "remotecmd/output"] == ["remotecmd/output"]
    assert lines[-1]["params"]["process"]["exitCode"] == 0
    result = json.loads(cli("exec", "--json", "local", "--", "echo", "x").stdout)
    assert result == {"exitCode": 0, "stdout": "x\n", "stderr": "", "truncated": False, "encoding": "utf8"}
    done = cli("stop", "--json", "b@local")
    assert json.loads(done.stderr)["error"]["data"]["kind"] == "commandNotFound"


def test_term_stops_the_command_of_run(cli: Cli) -> None:
    running = cli.begin("run", "--id", "a", "local", "--", "echo ready; exec sleep 1000")
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    running.send_signal(signal.SIGTERM)
    assert end(running) == (b"", b"", 143)
    assert cli.process("a")["status"] == "stopped"


def test_a_hang_up_leaves_the_command_running(cli: Cli) -> None:
    running = cli.begin("run", "--id", "a", "local", "--", "echo ready; exec sleep 1000")
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    running.send_signal(signal.SIGHUP)
    assert end(running)[2] == 129
    assert cli.process("a")["status"] == "running"


def test_a_reader_that_leaves_stops_the_run_and_nothing_is_said(cli: Cli) -> None:
    words = cli.words("run", "--id", "a", "local", "--", "yes")
    pipe = '"$@"; echo $? >&3'
    done = subprocess.run(
        ["sh", "-c", f"exec 3>&1; {{ {pipe}; }} | head -c 4", "sh", PROGRAM, *words],
        capture_output=True, check=True, env=cli.environment,
    )  # fmt: skip
    assert done.stdout in {b"y\ny\n141\n", b"141\ny\ny\n"}
    assert done.stderr == b""
    assert cli.process("a")["status"] == "stopped"


def test_the_death_of_the_server_is_told(cli: Cli) -> None:
    running = cli.begin("run", "--id", "a", "local", "--", "echo ready; exec sleep 1000")
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    (server,) = children(running.pid)
    os.kill(server, signal.SIGKILL)
    _, stderr, status = end(running)
    assert status == 125
    assert b"was ended by signal 9" in stderr
    assert cli.process("a")["status"] == "running"
