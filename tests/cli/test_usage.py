"""What is written wrongly, and what the program says of itself. No test here reaches a target."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PROGRAM, Cli

pytestmark = pytest.mark.slow

WRONG = {
    "run": 'no target: say where, as in local or k8s:POD, or set REMOTECMD_TARGET',
    "run local": "no command: write it after --",
    "run local --": "no command: write it after --",
    "run local npm run dev": "got unexpected extra arguments (npm run dev) The command goes after --",
    "run local ls -l": "option '-l' requires an argument. The command goes after --",
    "run local ls -a": "no such option '-a'. The command goes after --",
    "run -s x local -- y": "a command is given twice",
    "run api -- ls": '"api" is no target; did you mean "k8s:api"?',
    "run ssh:host -- ls": '"ssh:host" is no target: Targets are local, k8s:POD',
    "run -n shop local -- ls": "--kubeconfig and --selector are for k8s: targets",
    "run -n a k8s:b/c -- ls": "the namespace is given twice",
    "run -e 1=2 local -- ls": "an environment variable is KEY=VALUE or KEY",
    "run --timeout soon local -- ls": "a time is a number of seconds",
    "exec -it local -- sh": "commands have no terminal yet: leave -t out",
    "exec local": "no command: write it after --",
    "stop": "missing argument 'ID[@TARGET]...'",
    "stop web": "no target: say where",
    "stop local": '"local" names no command: write ID@TARGET, as in web@local',
    "stop k8s:shop/api": '"k8s:shop/api" names no command: write ID@TARGET, as in web@k8s:shop/api',
    "stop web@local -T local": "the target is given twice",
    "signal NOPE web@local": "a signal is one of HUP, INT",
    "logs --since-offset x web@local": "an offset is N, or N,M",
    "logs --since 1h --since-offset 1 web@local": "give --since or --since-offset, not both",
    "ruun": "no such command 'ruun'. Did you mean 'run'?",
    "ls local": 'there is no command "ls": it is ps',
    "help": 'there is no command "help": it is remotecmd --help',
    "stop -t 1e400 web@local": "a time is a number of seconds",
    "completion csh": "'csh' is not one of 'bash', 'zsh', 'fish'",
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_command_line_is_answered_with_what_would_be_right(words: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "REMOTECMD_TARGET"}
    done = subprocess.run([PROGRAM, *words.split()], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.returncode) == ("", 2)
    first, *rest = done.stderr.splitlines()
    assert first.startswith("remotecmd: ")
    assert WRONG[words] in first
    assert rest in (
        [],
        [f"  remotecmd {words.split(maxsplit=1)[0]} --help tells more"],
        ["  remotecmd --help tells more"],
    )


def test_a_wrong_value_is_named_by_its_option(tmp_path: Path) -> None:
    done = Cli(tmp_path)("run", "--id", "a b", "local", "--", "ls")
    assert done.returncode == 2
    assert done.stderr.startswith(b"remotecmd: --id must be 1 to 63 of")


@pytest.mark.parametrize("id", ["", "-", "ü", "a" * 64])
def test_an_id_that_is_none_is_not_replaced_by_another(tmp_path: Path, id: str) -> None:
    done = Cli(tmp_path)("run", f"--id={id}", "local", "--", "ls")
    assert (done.returncode, b"--id must be 1 to 63 of" in done.stderr) == (2, True)


def test_what_is_no_text_is_named_by_its_place() -> None:
    done = subprocess.run([PROGRAM, "exec", "local", "--", "echo", b"\xff"], capture_output=True, check=False)
    assert done.stderr.startswith(b"remotecmd: word 2 of the command must be text that UTF-8 can carry")
    words = [PROGRAM, "exec", "-e", "A=1", "-e", b"B=\xff", "local", "--", "ls"]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.stderr.startswith(b"remotecmd: --env number 2 must be text that UTF-8 can carry")


def test_a_server_that_ends_at_once_is_told(tmp_path: Path) -> None:
    done = Cli(tmp_path)("--log-file", str(tmp_path / "no" / "log"), "ps", "local")
    assert done.returncode == 125
    own, *_, last = done.stderr.decode().splitlines()
    assert "No such file" in own
    assert last.startswith("remotecmd: the server (")
    assert last.endswith("ended with status 2")


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "config")
    done = Cli(tmp_path)("run", "--kubeconfig", path, "k8s:api", "--", "ls")
    assert done.returncode == 4
    assert done.stderr.decode().startswith(f"remotecmd: there is no kubeconfig at {path}")


def test_files_of_the_current_directory_are_not_taken_for_ours(tmp_path: Path) -> None:
    """`python -m` alone would look there first, for each of the server's modules."""
    for name in ("handlers", "rpc_server", "json", "attrs"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)")
    done = subprocess.run([PROGRAM, "exec", "local", "--", "true"], cwd=tmp_path, capture_output=True, check=False)
    assert (done.stderr, done.returncode) == (b"", 0) if sys.platform == "linux" else (done.stderr, 125)


def test_help_has_the_options_of_the_server_the_subcommands_and_the_statuses(tmp_path: Path) -> None:
    text = Cli(tmp_path)("--help").stdout.decode()
    for word in ("--log-level", "--stdio", "\n  run ", "\n  logs ", "\n  completion ", "ID@TARGET", "\n  125 "):
        assert word in text


def test_help_of_a_subcommand_shows_where_the_command_goes(tmp_path: Path) -> None:
    assert b"Usage: remotecmd run [OPTIONS] [TARGET] -- COMMAND [ARG]..." in Cli(tmp_path)("run", "-h").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_the_program(tmp_path: Path, shell: str) -> None:
    assert b"_REMOTECMD_COMPLETE" in Cli(tmp_path)("completion", shell).stdout


def test_a_shell_that_asks_gets_words(tmp_path: Path) -> None:
    asked = {"_REMOTECMD_COMPLETE": "bash_complete", "COMP_CWORD": "1"}
    assert Cli(tmp_path)(COMP_WORDS="remotecmd st", **asked).stdout == b"plain,status\nplain,stop\n"
    asked["COMP_CWORD"] = "2"
    assert Cli(tmp_path)(COMP_WORDS="remotecmd signal t", **asked).stdout == b"plain,TERM\nplain,TSTP\n"


def test_bash_completes_a_subcommand(tmp_path: Path) -> None:
    script = """eval "$(remotecmd completion bash)"
    COMP_WORDS=(remotecmd stat) COMP_CWORD=1
    function=$(complete -p remotecmd | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
    "$function" remotecmd stat remotecmd
    echo "${COMPREPLY[*]}"
    """
    path = f"{Path(PROGRAM).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    bash = ["bash", "--norc", "-c", script]
    done = subprocess.run(bash, capture_output=True, cwd=tmp_path, env=environment, check=True, text=True)
    assert (done.stdout, done.stderr) == ("status\n", "")


@pytest.mark.parametrize("words", [[], ["--stdio"], ["serve"], ["--log-level", "error", "serve", "--stdio"]], ids=str)
def test_it_is_still_the_server(tmp_path: Path, words: list[str]) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}).encode()
    done = Cli(tmp_path)(*words, stdin=b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    assert (done.stderr, done.returncode) == (b"", 0)
    assert json.loads(done.stdout.split(b"\r\n\r\n")[1])["result"]["serverInfo"]["name"] == "remotecmd"
