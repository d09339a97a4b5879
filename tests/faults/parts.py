"""The processes of an agent and of a run, found by what they have open, and ended as nobody should end them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.conftest import BASE
from tests.e2e.container import eventually

if TYPE_CHECKING:
    from tests.e2e.container import Container, Process

AGENT_PARTS = ["main", "loop", "watcher", "watchdog", "spawner"]


class Parts:
    """What is in a container where there is one agent; pids as the container sees them.

    Args:
        inside: the container.
        base: where the agent and the run are.
    """

    def __init__(self, inside: Container, base: str = BASE) -> None:
        self._inside = inside
        self._base = base

    def agent(self) -> dict[str, int]:
        """The parts of the agent by name. For an instant each may have another file as its stdin: then look again."""
        found = eventually(self._agent, lambda found: sorted(found) == sorted(AGENT_PARTS))
        assert sorted(found) == sorted(AGENT_PARTS), found
        return found

    def _agent(self) -> dict[str, int]:
        main = int(self._inside.shell(f"cat {self._base}/agents/*/pid").split()[0])
        found = {"main": main}
        children = [p for p in self._inside.processes() if p.parent == main]
        files = self._open([p.pid for p in children], 0)
        for process in children:
            if process.name == "xargs":
                found["spawner"] = process.pid
            elif files[process.pid].endswith("/wake"):
                found["watcher"] = process.pid
            elif files[process.pid] == "/dev/null":
                found["watchdog"] = process.pid
            else:
                found["loop"] = process.pid
        return found

    def supervisor(self, command_id: str) -> Process:
        """The shell that starts a run and writes down its end."""
        run = self._run(command_id)
        shells = [p for p in self._inside.processes() if p.args[-1:] == (f"run:{run}",)]
        pids = {p.pid for p in shells}
        (found,) = [p for p in shells if p.parent not in pids]
        return found

    def pump(self, command_id: str, stream: str) -> int:
        """The shell that reads a stream: o or e."""
        supervisor = self.supervisor(command_id)
        children = [p.pid for p in self._inside.processes() if p.parent == supervisor.pid and p.args == supervisor.args]
        files = self._open(children, 7)
        (found,) = [pid for pid in children if files[pid].endswith(f"/{stream}")]
        return found

    def kill(self, *pids: int) -> None:
        """End them at once."""
        self._inside.shell(f"kill -KILL {' '.join(map(str, pids))} 2>/dev/null || :")

    def directory(self, command_id: str) -> str:
        """Of the run of a command that was started once."""
        return f"{self._base}/runs/{self._run(command_id)}"

    def note(self, command_id: str, stream: str) -> str:
        """What the pump of a stream wrote down last."""
        return self._inside.shell(f"cat {self.directory(command_id)}/{stream}.n")

    def _run(self, command_id: str) -> str:
        listing = self._inside.shell(f'cd {self._base}/runs && grep -l "^{command_id} " */meta')
        (found,) = listing.split()
        return found.partition("/")[0]

    def _open(self, pids: list[int], number: int) -> dict[int, str]:
        script = "".join(f"echo {pid} $(readlink /proc/{pid}/fd/{number})\n" for pid in pids)
        rows = [line.partition(" ") for line in self._inside.shell(script).splitlines()]
        return {int(pid): file for pid, _, file in rows}
