"""Containers that lack room: a small disk, and a limit of processes."""

from __future__ import annotations

import contextlib
import secrets
import time
from pathlib import Path

import pytest

from tests.shells.container import Container


class Disk:
    """A file system of its own in the container, of 1 MiB."""

    def __init__(self, container: Container, options: str = "size=1m") -> None:
        self._container = container
        self.path = container.root / "disk"
        self.path.mkdir()
        container.run("/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.path))

    def fill(self) -> None:
        """Take every block, and every inode if they are fewer than blocks."""
        script = 'cd "$1" && dd if=/dev/zero of=f bs=4096; i=0; while [ $i -lt 50 ] && : >f$i; do i=$((i + 1)); done'
        self._container.run("/bin/dash", "-c", script, "fill", str(self.path), check=False)

    def make_room(self) -> None:
        self._container.run("/bin/dash", "-c", f"rm '{self.path}'/f*")

    def files(self) -> list[str]:
        """All but directories, below the agents' base."""
        return self._container.run("/usr/bin/find", str(self.path), "-mindepth", "2", "!", "-type", "d").splitlines()


class Limit:
    """A cgroup that limits how many processes there are."""

    def __init__(self) -> None:
        name = f"remotecmd-{secrets.token_hex(4)}"
        for parent in (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")):
            self.group = parent / name
            with contextlib.suppress(OSError):
                self.group.mkdir()
                if (self.group / "pids.max").exists():
                    return
                self.group.rmdir()
        pytest.skip("no cgroup that limits processes can be made here (it takes root and a writable /sys/fs/cgroup)")

    def allow(self, more: int | None) -> None:
        """Allow this many processes more than there are, or any number."""
        current = int((self.group / "pids.current").read_text(encoding="ascii"))
        (self.group / "pids.max").write_text("max" if more is None else str(current + more), encoding="ascii")

    def close(self) -> None:
        for _ in range(500):
            try:
                self.group.rmdir()
            except OSError:
                time.sleep(0.01)  # what was killed just now is still in it
            else:
                return
        pytest.fail(f"{self.group} could not be removed")


class LimitedContainer(Container):
    def __init__(self, root: Path, limit: Limit, *, shell: str, path: str) -> None:
        super().__init__(root, shell=shell, path=path)
        self._procs = str(limit.group / "cgroup.procs")

    def enter(self, *argv: str) -> list[str]:
        return ["/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', self._procs, *super().enter(*argv)]
