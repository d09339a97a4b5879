"""A container that has to be as it was before: nothing of ours is left but the records of runs."""

from __future__ import annotations

from tests.e2e.conftest import BASE
from tests.e2e.container import DEADLINE, Container, Process, eventually

AGENT_ARGUMENT = 'IFS= read -r l; eval "$l"'
BLOCKED = 75.0
"""Seconds in which an agent goes that was cut off in a write: its watchdog ends it, after twice 30 s at most. One that
is not blocked reads the end of its requests at once."""

MOST_UNREACHED = 2
"""How many execs of a test may be left that were cut off before anything of ours was in them (docs/reliability.md)."""


class Quiet:
    """A container and what was in it before."""

    def __init__(self, container: Container, base: str = BASE) -> None:
        self.container = container
        self._base = base
        self._before = container.processes()
        self._files = self.files()

    def new(self) -> set[Process]:
        return self.container.processes() - self._before

    def _left(self) -> set[Process]:
        """What is new, but for a few shells that wait for their first line: no server can know of them."""
        new = self.new()
        unreached = {process for process in new if process.parent == 0 and process.args[2:] == (AGENT_ARGUMENT,)}
        unreached &= self.container.with_standard_streams_only(unreached)
        return new - unreached if len(unreached) <= MOST_UNREACHED else new

    def files(self) -> set[str]:
        """What is in the base directory, leaving out what is in a run's directory."""
        listing = f"cd {self._base} 2>/dev/null && find . -path './runs/*' -prune -o -print || :"
        return set(self.container.shell(listing).split())

    def fifos(self) -> str:
        return self.container.shell(f"find {self._base} -type p 2>/dev/null || :")

    def check_nothing_but_records(self, seconds: float = DEADLINE) -> None:
        left = eventually(self._left, lambda found: not found, seconds)
        assert not left, self.container.report(left)
        added = self.files() - self._files - {".", "./agents", "./ids", "./leases", "./runs"}
        assert [path for path in added if not path.startswith("./ids/")] == []
        assert self.container.agents(self._base) == []
        assert self.fifos() == ""
