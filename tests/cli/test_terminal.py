"""What only somebody at a terminal sees and does: decoration, Ctrl-C once and twice, leaving, colours."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the local target is Linux only"),
]

CTRL_C, CTRL_D, CTRL_BACKSLASH = b"\x03", b"\x04", b"\x1c"
STUBBORN = "trap 'echo no' TERM; echo ready; while :; do sleep 0.05; done"


def test_a_run_says_what_it_is_and_ends_with_the_status(cli: Cli) -> None:
    terminal = cli.terminal("run", "--color", "never", "--id", "web", "local", "--", "echo hello; exit 3")
    assert terminal.rest() == 3
    pid = cli.process("web")["pid"]
    assert terminal.shown == f"▸ local  web  pid {pid}\nhello\n"


def test_ctrl_c_stops_the_command_and_says_how(cli: Cli) -> None:
    terminal = cli.terminal("run", "--color", "never", "--id", "web", "local", "--", "echo ready; sleep 1000 & wait")
    terminal.expect("ready\n")
    terminal.press(CTRL_C)
    assert terminal.rest() == 143
    terminal.expect(r"\^C stopping \(TERM, Ctrl-C again to kill\) … stopped after [0-9.]+ m?s, 2 processes\n$")
    assert cli.process("web")["status"] == "stopped"


def test_a_second_ctrl_c_kills(cli: Cli) -> None:
    terminal = cli.terminal("run", "--color", "never", "--id", "web", "local", "--", STUBBORN)
    terminal.expect("ready\n")
    terminal.press(CTRL_C)
    terminal.expect(r"\^C stopping \(TERM, Ctrl-C again to kill\) … (.*\n)*no\n")
    terminal.press(CTRL_C)
    assert terminal.rest() == 137
    terminal.expect(r"\^C killing … (.*\n)*killed after [0-9.]+ m?s, \d+ process")


def test_a_third_ctrl_c_would_leave_and_ctrl_backslash_does_at_once(cli: Cli) -> None:
    terminal = cli.terminal("run", "--color", "never", "--id", "web", "local", "--", "echo ready; exec sleep 1000")
    terminal.expect("ready\n")
    terminal.press(CTRL_BACKSLASH)
    assert terminal.rest() == 128 + signal.SIGQUIT
    terminal.expect("left running: remotecmd logs -f web@local\n$")
    assert cli.process("web")["status"] == "running"


def test_our_words_do_not_follow_a_line_that_has_no_end(cli: Cli) -> None:
    terminal = cli.terminal("run", "--color", "never", "local", "--", "printf 'no end'; exec sleep 1000")
    terminal.expect("no end")
    terminal.press(CTRL_C)
    assert terminal.rest() == 143
    terminal.expect(r"no end\^C\nstopping ")


def test_ctrl_c_ends_what_exec_runs(cli: Cli) -> None:
    terminal = cli.terminal("exec", "local", "--", "echo ready; exec sleep 1000")
    terminal.expect("ready\n")
    terminal.press(CTRL_C)
    assert terminal.rest() == 130


def test_ctrl_c_ends_only_the_watching_of_logs(cli: Cli) -> None:
    cli("run", "-d", "--id", "web", "local", "--", "echo ready; exec sleep 1000")
    terminal = cli.terminal("logs", "-f", "web@local")
    terminal.expect("ready\n")
    terminal.press(CTRL_C)
    assert terminal.rest() == 130
    assert cli.process("web")["status"] == "running"


def test_attach_shows_what_is_new_and_ctrl_c_stops(cli: Cli) -> None:
    cli("run", "-d", "--id", "web", "local", "--", "echo old; exec sleep 1000")
    terminal = cli.terminal("attach", "--color", "never", "web@local")
    terminal.expect("▸ local  web  pid")
    terminal.press(CTRL_C)
    assert terminal.rest() == 143
    assert "old" not in terminal.shown


@pytest.mark.parametrize(
    "option, environment, coloured",
    [([], {}, True), ([], {"NO_COLOR": "1"}, False), (["--color", "never"], {}, False)],
    ids=["terminal", "NO_COLOR", "never"],
)
def test_errors_are_red_where_colours_are_wanted(
    cli: Cli, option: list[str], environment: dict[str, str], coloured: bool
) -> None:
    terminal = cli.terminal(*option, "stop", "nope@local", "--pid-directory", cli.directory, **environment)
    assert terminal.rest() == 6
    name = "\x1b[31mremotecmd:\x1b[0m" if coloured else "remotecmd:"
    assert terminal.shown.startswith(f'{name} no command "nope" was started in this target\n  remotecmd ps local')


def test_the_table_of_ps_has_colours_and_fits(cli: Cli) -> None:
    cli("run", "-d", "--id", "web", "local", "--", f"sleep 1000 # {'x' * 300}")
    terminal = cli.terminal("ps", "local")
    assert terminal.rest() == 0
    assert "\x1b[32mrunning\x1b[0m" in terminal.shown
    assert terminal.shown.rstrip().endswith("…")


def test_a_server_on_a_terminal_says_that_it_is_one(cli: Cli) -> None:
    terminal = cli.terminal()
    terminal.expect(r"this is the server, and it reads JSON-RPC from this terminal. `remotecmd --help`")
    terminal.press(CTRL_D)
    assert terminal.rest() == 0
