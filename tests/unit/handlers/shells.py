"""Every shell that is here, run as a container would run it: as `/bin/sh`, that is, with `sh` as its name."""

import dataclasses
import functools
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from handlers.agent.channel import agent_text
from tests.shells.container import SHELLS, shells_here

WORKING = [name for name in SHELLS if name in shells_here() and name != "ksh93"]
"""ksh93 is refused by the agent's self-test."""

every_shell = pytest.mark.parametrize("shell", WORKING)


def run(
    shell: str, *arguments: str, stdin: bytes = b"", locale: str = "C", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a shell to its end; `arguments` are what follows its name."""
    return subprocess.run(
        ["sh", *arguments],
        executable=SHELLS[shell],
        input=stdin,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": locale, **environment},
        check=False,
        timeout=30,
    )


def words_of(shell: str, script: str, *, stdin: bytes = b"", locale: str = "C") -> list[str]:
    """Run a script that writes words with a NUL after each."""
    done = run(shell, "-c", script, stdin=stdin, locale=locale)
    assert (done.returncode, done.stderr) == (0, b"")
    return [word.decode() for word in done.stdout.split(b"\0")[:-1]]


@dataclasses.dataclass(frozen=True)
class Launched:
    """How a launch went; `reason` is what the agent put on record, None if the command began."""

    code: int
    stdout: bytes
    stderr: bytes
    reason: str | None


@functools.cache
def _launcher() -> str:
    """What the agent calls RC_LAUNCH: its first part."""
    text, marker, _ = agent_text().partition("\n: end of what the launcher needs\n")
    assert marker
    return text


def launch(shell: str, spec: str, cwd: str = "/") -> Launched:
    """Let the agent's own launcher become the command, as its supervisor would."""
    with tempfile.TemporaryDirectory() as base:
        directory = Path(base, "runs", "run")
        directory.mkdir(parents=True)
        (directory / "spec").write_bytes(spec.encode() + b"\n")
        kind = "big" if len(spec.encode()) > 4096 else "args"
        settings = {
            "RC_LAUNCH": _launcher(),
            "RC_BASE": base,
            "RC_CWD": cwd,
            "RC_UMASK": "0022",
            "RC_PRINT": "1" if shell == "mksh" else "",
            "RC_BUSYBOX": "1" if shell == "busybox" else "",
        }
        settings |= dict.fromkeys(["RC_LC", "RC_SHLVL", "RC_PWD", "RC_NS"], "")
        done = run(shell, "-c", 'eval "$RC_LAUNCH"; launch "$1" "$2"', "remotecmd", "run", kind, **settings)
        fail = directory / "fail"
        reason = fail.read_text().strip() if fail.exists() else None
        return Launched(done.returncode, done.stdout, done.stderr, reason)


SHOW = ("/bin/dash", "-c", "cat /proc/$$/environ; printf '\\0'; cat /proc/$$/cmdline")
"""A command that shows what it was given, whatever comes after it; see `shown`."""


def shown(launched: Launched) -> tuple[dict[str, str], list[str]]:
    """The environment and the arguments after `SHOW` that a launched command found."""
    assert (launched.code, launched.stderr, launched.reason) == (0, b"", None)
    environment, _, arguments = launched.stdout.partition(b"\0\0")
    variables = dict(entry.decode().partition("=")[::2] for entry in environment.split(b"\0"))
    return variables, [word.decode() for word in arguments.split(b"\0")[len(SHOW) : -1]]


def spec_values(values: Sequence[str]) -> tuple[str, ...]:
    """Arguments of a command that shows these values."""
    return (*SHOW, *values)
