"""A container without a container runtime: a PID and mount namespace whose PID 1 sleeps, reaping nothing.

The agent runs in it under any shell and with any set of tools, and everything it may kill is inside. It needs root, or
user namespaces. `ContainerTransport` is a transport like any other, so the whole handler can be driven over it.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from handlers.api import LocalTarget, ResolvedTarget
from handlers.transports.local import LocalStream

BASE_ENVIRONMENT = {"HOME": "/", "LANG": "C.UTF-8", "FROM_IMAGE": "kept as it is"}

SHELLS = {
    "dash": "/bin/dash",
    "busybox": "/bin/busybox",
    "bash": "/bin/bash",
    "mksh": "/bin/mksh",
    "ksh93": "/bin/ksh93",
}
"""What /bin/sh is: dash on Debian and Ubuntu, busybox on Alpine, bash on Red Hat, mksh on Android."""

PYTHON = str(Path(sys.executable).resolve())
"""Not by way of a virtual environment, which may be in the /tmp that the container does not see."""

TOOLS = ("gnu", "busybox", "toybox")

_NAMESPACES = ["unshare", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child"]
_PID_1 = """
set -e
mount --bind "$1" /mnt
mount -t tmpfs tmpfs /tmp
mkdir -p "$1"
mount --bind /mnt "$1"
chmod 1777 /tmp
echo ready
exec sleep 2147483647
"""
"""Gives the container a /tmp of its own, in which only the test's scratch directory shines through."""

_ROOTLESS = ["--user", "--map-root-user"]


def shells_here() -> dict[str, str]:
    return {name: path for name, path in SHELLS.items() if Path(path).exists()}


def tools_here() -> list[str]:
    return [name for name in TOOLS if name == "gnu" or shutil.which(name)]


def make_tools(kind: str, directory: Path) -> str:
    """A PATH on which the tools are of that kind; what toybox does not have (dd) is GNU's."""
    if kind == "gnu":
        return "/usr/bin:/bin"
    directory.mkdir(parents=True)
    binary = shutil.which(kind)
    assert binary is not None
    listing = [binary, "--list"] if kind == "busybox" else [binary]
    for applet in subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split():
        (directory / applet).symlink_to(binary)
    return str(directory) if kind == "busybox" else f"{directory}:/usr/bin:/bin"


class Container:
    """Namespaces with a sleeping PID 1; `root` is a scratch directory, `base` where the agent keeps its records."""

    def __init__(self, root: Path, *, shell: str, path: str) -> None:
        self.root = root
        self.base = root / "base"
        self.base.mkdir()
        self.shell = shell
        if Path(shell).name == "busybox":
            self.shell = str(root / "sh")
            Path(self.shell).symlink_to(shell)
        self.environment = {**BASE_ENVIRONMENT, "PATH": path}
        rootless = [] if os.geteuid() == 0 else _ROOTLESS
        self._process = subprocess.Popen(
            [*_NAMESPACES, *rootless, "/bin/sh", "-c", _PID_1, "sh", str(root)],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text(encoding="ascii")
        self.pid = int(children.split()[0])
        """PID 1 of the container, as the host numbers it."""

    def enter(self, *argv: str) -> list[str]:
        """A command line that runs `argv` in the container, as a session leader with just its environment."""
        enter = ["nsenter", "--target", str(self.pid), "--pid", "--mount", "--wdns=/"]
        if os.geteuid() != 0:
            enter += ["--user", "--preserve-credentials"]
        environment = [f"{key}={value}" for key, value in self.environment.items()]
        return [*enter, "/usr/bin/setsid", "--wait", "/usr/bin/env", "-i", *environment, *argv]

    def run(self, *argv: str, check: bool = True) -> str:
        """Run something in the container and return what it wrote to stdout."""
        done = subprocess.run(self.enter(*argv), capture_output=True, text=True, check=check, timeout=30)
        return done.stdout

    def processes(self) -> dict[int, str]:
        """Everything alive in the container but PID 1 and the look itself: pid to arguments; zombies aside."""
        script = (
            'for p in /proc/[0-9]*; do { read -r s <$p/stat; } 2>/dev/null || continue; s=${s##*)}; '
            'case $s in " Z"*) continue;; esac; printf "%s %s\\n" ${p#/proc/} "$(tr "\\0\\n" "  " <$p/cmdline)"; done'
        )  # fmt: skip
        listing = subprocess.run(
            [*self.enter()[: -len(self.environment) - 4], "/bin/dash", "-c", script],
            capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}, timeout=30,
        ).stdout  # fmt: skip
        found = {}
        for line in listing.splitlines():
            pid, _, arguments = line.partition(" ")
            if pid != "1" and "for p in /proc/" not in arguments and arguments.strip():
                found[int(pid)] = arguments
        return found

    def close(self) -> None:
        """End it: with its PID 1 everything in it dies."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class ContainerTransport:
    """A transport into a `Container`."""

    def __init__(self, container: Container) -> None:
        self._container = container

    async def resolve(self, target: LocalTarget) -> ResolvedTarget:
        return ResolvedTarget(kind=target.kind)

    async def rights(self, target: LocalTarget) -> None:
        pass

    async def open(self, target: ResolvedTarget, argv: Sequence[str], *, tty: bool = False) -> LocalStream:
        del target, tty
        argv = [self._container.shell if argv[0] == "/bin/sh" else argv[0], *argv[1:]]
        process = await asyncio.create_subprocess_exec(
            *self._container.enter(*argv),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            limit=1 << 18, start_new_session=True,
        )  # fmt: skip
        return LocalStream(process)

    async def close(self) -> None:
        pass


def signal_sets(status: str) -> Mapping[str, str]:
    """The signal masks in the text of a /proc/*/status."""
    lines = (line.split(":", 1) for line in status.splitlines() if ":" in line)
    return {key: value.strip() for key, value in lines if key in {"SigBlk", "SigIgn", "SigCgt"}}
