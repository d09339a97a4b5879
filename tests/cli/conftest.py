"""The real `remotecmd` program as a subprocess, with and without a terminal, on the local target.

Every command that a test starts has its records below the test's own directory and is stopped in the end.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.rpc.client import TIMEOUT, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = str(Path(sys.executable).parent / "remotecmd")
TAKES_DIRECTORY = {"run", "attach", "ps", "status", "logs", "wait", "stop", "signal", "rm"}
LIVE = {"starting", "running"}

# Makes the terminal on its stdin its own, so that Ctrl-C reaches it, and becomes the program.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """`remotecmd` on a terminal of its own: what it shows, and keys to press."""

    def __init__(self, words: list[str], environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", TAKE_TERMINAL, PROGRAM, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment,
        )
        os.close(slave)
        self.shown = ""
        self._bytes = b""

    def expect(self, pattern: str) -> None:
        """Read until the screen shows this."""
        end = time.monotonic() + TIMEOUT
        while not re.search(pattern, self.shown):
            assert time.monotonic() < end, f"{pattern!r} did not come; the screen shows {self.shown!r}"
            assert self._read(), f"{pattern!r} did not come before the end; the screen shows {self.shown!r}"

    def press(self, key: bytes) -> None:
        """Press a key: b"\\x03" is Ctrl-C."""
        os.write(self._master, key)

    def rest(self) -> int:
        """Read to the end and return the exit status."""
        end = time.monotonic() + TIMEOUT
        while self._read():
            assert time.monotonic() < end, f"it did not end; the screen shows {self.shown!r}"
        return self.process.wait(TIMEOUT)

    def close(self) -> None:
        """Kill it if it is still there."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self) -> bool:
        """Read a little; False at the end."""
        ready, _, _ = select.select([self._master], [], [], 0.5)
        if not ready:
            return True
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # EIO: the last one that had it open is gone
            return False
        self._bytes += data
        self.shown = self._bytes.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


class Cli:
    """Calls of `remotecmd`, whose commands live in a directory of their own."""

    def __init__(self, directory: Path, server: Client | None = None) -> None:
        self._server = server
        self.directory = str(directory / "base")
        self.environment = {**os.environ, "TERM": "xterm-256color"}
        for name in ("NO_COLOR", "REMOTECMD_TARGET"):
            self.environment.pop(name, None)
        self._terminals: list[Terminal] = []

    def words(self, *words: str) -> list[str]:
        """The words, with the test's directory where it can be said."""
        first, *rest = words or ("",)
        return [first, "--pid-directory", self.directory, *rest] if first in TAKES_DIRECTORY else list(words)

    def __call__(self, *words: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
        """Run it to its end."""
        return subprocess.run(
            [PROGRAM, *self.words(*words)],
            input=stdin,
            capture_output=True,
            env={**self.environment, **environment},
            timeout=TIMEOUT,
            check=False,
        )

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """Begin it, with pipes."""
        return subprocess.Popen(
            [PROGRAM, *self.words(*words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )

    def terminal(self, *words: str, **environment: str) -> Terminal:
        """Begin it on a terminal."""
        terminal = Terminal(self.words(*words), {**self.environment, **environment})
        self._terminals.append(terminal)
        return terminal

    def process(self, id: str) -> dict[str, Any]:
        """The newest run of a command, as another server finds it."""
        found: dict[str, Any] = self._ask("status", id=id)["process"]
        return found

    def clean(self) -> None:
        """Stop what is left."""
        for terminal in self._terminals:
            terminal.close()
        for process in self._ask("status")["processes"]:
            if process["status"] in LIVE:
                self._ask("stop", id=process["id"], gracePeriodSeconds=0)

    def _ask(self, method: str, **params: Any) -> Any:
        assert self._server is not None
        where = {"target": {"kind": "local"}, "pidDirectory": self.directory}
        return self._server.result(f"remotecmd/{method}", {**where, **params})


@pytest.fixture(scope="session")
def server() -> Iterator[Client]:
    """A server beside those of the program, which looks at what they did and cleans up after them."""
    with Client() as running:
        yield running


@pytest.fixture
def cli(tmp_path: Path, server: Client) -> Iterator[Cli]:
    running = Cli(tmp_path, server)
    yield running
    running.clean()


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def end(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes, int]:
    """What it wrote, and how it ended."""
    try:
        stdout, stderr = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.communicate()
        raise
    return stdout, stderr, process.returncode
