"""All runs at once: from the records as they are to snapshots. Pure, sans-I/O.

To look at one run the agent reads its records itself; for a hundred that takes a shell too long, since it reads a byte
at a time. So it passes on what one `grep` prints of all records and one `cat` of the processes, and the conclusions
that `snap` in agent.sh draws are drawn here. What is torn, or needs a second look, is left to the agent: see `unsure`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from handlers.agent import codec

if TYPE_CHECKING:
    from handlers.agent.codec import Snapshot

_PUMP_NOTHING = ("0", "0", "-", "-", "-", "-")


@dataclasses.dataclass(slots=True)
class _Records:
    """The words of a run's records; None where there is none yet."""

    run: str
    meta: list[str] | None = None
    pid: list[str] | None = None
    end: list[str] | None = None
    stop: list[str] | None = None
    pumps: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    torn: bool = False

    @property
    def key(self) -> str:
        return self.meta[7] if self.meta else ""

    @property
    def generation(self) -> int:
        text = self.meta[8] if self.meta else ""
        return int(text) if text.isdecimal() and len(text) < 19 else 0


class Listing:
    """The newest run of every command.

    Args:
        facts: lines `runs/RUN/RECORD:LINE`.
        namespace: of the agent; runs of another one are of a container that was.
    """

    def __init__(self, facts: bytes, namespace: str) -> None:
        self._namespace = namespace
        self._newest: dict[str, _Records] = {}
        records: dict[str, _Records] = {}
        for line in facts.decode("ascii", "replace").splitlines():
            path, _, text = line.partition(":")
            parts = path.split("/")
            if len(parts) == 3 and parts[0] == "runs":
                _take(records.setdefault(parts[1], _Records(parts[1])), parts[2], text.split())
        for record in records.values():
            known = self._newest.get(record.key)
            if record.meta is not None and (known is None or known.generation < record.generation):
                self._newest[record.key] = record

    @property
    def pids(self) -> list[str]:
        """The processes to ask for: those of runs without an end record."""
        return [r.pid[1] for r in self._newest.values() if r.pid is not None and r.end is None and self._is_here(r)]

    def _is_here(self, record: _Records) -> bool:
        return record.meta is not None and record.meta[6] == self._namespace

    def snapshots(self, stats: bytes) -> tuple[list[Snapshot], list[str]]:
        """The snapshots, and the keys of commands that the agent must look at itself.

        Args:
            stats: lines of /proc/PID/stat of `pids`.
        """
        processes = _processes(stats)
        found, unsure = [], []
        for key, record in self._newest.items():
            life = self._life(record, processes)
            snapshot = None if life is None or record.torn else codec.read_snapshot(_line(record, life))
            if snapshot is None:
                unsure.append(key)
            else:
                found.append(snapshot)
        return found, unsure

    def _life(self, record: _Records, processes: dict[str, tuple[str, str, str]]) -> str | None:
        """As in `snap`; None when a process is not there, for then order matters."""
        if not self._is_here(record):
            return "F"
        if record.pid is None:
            return "-"
        if record.end is not None:
            return "G"
        name, state, start = processes.get(record.pid[1], ("", "", ""))
        if start != record.pid[2] or state in {"Z", "X"}:
            return None
        return "L" if name == "remotecmd:start" else "A"


def _take(records: _Records, name: str, words: list[str]) -> None:
    if name == "meta":
        records.meta = words if len(words) == 11 and words[10] == "." else None
        return
    if not words:
        return
    if name in {"o.n", "e.n"}:
        if len(words) >= 9 and words[0] == words[7] and words[8] == ".":
            records.pumps[name] = tuple(words[1:7])
        else:
            records.torn = True
        return
    frames = {"pid": 5, "end": 4, "stop": 3}
    at = frames.get(name)
    if at is None:
        return
    if len(words) > at + 1 and words[0] == words[at] and words[at + 1] == ".":
        setattr(records, name, words)
    else:
        records.torn = True


def _processes(stats: bytes) -> dict[str, tuple[str, str, str]]:
    """Name, state and start by pid; a line that can't be read (a name may hold anything) is as good as none."""
    found = {}
    for line in stats.decode("ascii", "replace").split("\n"):
        head, _, tail = line.rpartition(") ")
        pid, _, name = head.partition(" (")
        words = tail.split()
        if pid.isdigit() and len(words) > 19:
            found[pid] = (name, words[0], words[19])
    return found


def _line(record: _Records, life: str) -> bytes:
    assert record.meta is not None  # noqa: S101  # for mypy: without it a run is not listed
    command_id, run_id, spec_hash, merged, epoch, made, _, key, generation, title, _ = record.meta
    pid = record.pid[1:4] if record.pid else ["-", "-", "-"]
    end = record.end[1:4] if record.end else ["-", "-", "-"]
    stop = record.stop[:3] if record.stop else ["-", "-", "-"]
    words = [record.run, key, generation, command_id, run_id, spec_hash, merged, epoch, made, title, *pid, life, *end]
    words += [*stop, *record.pumps.get("o.n", _PUMP_NOTHING), *record.pumps.get("e.n", _PUMP_NOTHING)]
    return " ".join(words).encode("ascii", "replace")
