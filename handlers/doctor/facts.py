"""What a probe says of a container, as facts. Pure; the probe is `probe.sh`, its lines are cut by `lines`.

What comes from a container is not trusted: a line that makes no sense changes nothing, of each kind only so many are
believed, and texts are kept short and without what a terminal would obey. Must not know: what is good or bad.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ENTRIES = 64
"""Of lines of one kind that are believed."""

_MAX_TEXT = 200

NEEDED = ("cat", "dd", "env", "ls", "mkdir", "mkfifo", "mv", "rm", "setsid", "sleep", "xargs")
"""The tools without which the agent refuses (its self_test has the same list)."""

USEFUL = {
    "date": "the container's clock can't be compared",
    "df": "free space can't be told",
    "du": "output of all commands together is not limited",
    "grep": "listing commands is slow, and a stop misses what left its session",
    "head": "output is read only if dd can do without it",
    "readlink": "a restarted container is told less surely",
    "sed": "stopping takes longer",
    "tr": "a stop misses what left its session",
    "wc": "the order of stdout and stderr is not replayed",
}
"""Tools that are done without, and what is lost then."""


@dataclasses.dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system."""

    type: str
    is_read_only: bool
    path: str


@dataclasses.dataclass(frozen=True, slots=True)
class Spot:
    """A directory below which records may be kept; `state` is usable, full, denied, missing, link or foreign."""

    state: str
    is_own: bool
    """Whether a directory of records is there already."""
    path: str


@dataclasses.dataclass(frozen=True, slots=True)
class Quota:
    """A limit and what is used of it; a limit of None is none. `idle`: what is given back when there is need."""

    limit: int | None
    used: int
    idle: int = 0

    @property
    def left(self) -> int | None:
        """How much more there may be."""
        return None if self.limit is None else max(0, self.limit - self.used + self.idle)


@dataclasses.dataclass(frozen=True, slots=True)
class Room:
    """Room of the file system that a directory is on, in KiB."""

    free: int
    total: int


@dataclasses.dataclass(slots=True)
class Facts:
    """What is known of a container so far; what was not said is empty or None."""

    clock: int | None = None
    """Seconds since the epoch."""
    shell: str = ""
    """The program that /bin/sh is."""
    refused: tuple[str, str] | None = None
    """What the agent's self-test found missing, as in ("shell", "read")."""
    uid: int | None = None
    gid: int | None = None
    tools: dict[str, bool] = dataclasses.field(default_factory=dict)
    kinds: dict[str, str] = dataclasses.field(default_factory=dict)
    proc: bool | None = None
    mounts: list[Mount] = dataclasses.field(default_factory=list)
    spots: list[Spot] = dataclasses.field(default_factory=list)
    memory: list[Quota] = dataclasses.field(default_factory=list)
    """In bytes, of the control group and of those above it."""
    pids: list[Quota] = dataclasses.field(default_factory=list)
    init: str = ""
    """The name of PID 1."""
    reaping: str = ""
    """ignored (the kernel does it), yes, or no; empty if it is not known."""
    zombies: int = 0
    volumes: list[str] = dataclasses.field(default_factory=list)
    """Other directories that can be written."""
    rooms: dict[str, Room] = dataclasses.field(default_factory=dict)
    checked: bool = False
    """Whether all is known but volumes and rooms."""
    ended: bool = False

    def take(self, key: str, rest: str) -> None:
        """Take one line; one that makes no sense changes nothing."""
        take = _TAKERS.get(key)
        if take is not None:
            take(self, rest)

    def mount_of(self, path: str) -> Mount | None:
        """The file system that a directory is on: of the longest mounted paths that lead to it, the last."""
        found = None
        for mount in self.mounts:
            if _leads_to(mount.path, path) and (found is None or len(mount.path) >= len(found.path)):
                found = mount
        return found


def _leads_to(mounted: str, path: str) -> bool:
    return mounted in {"/", path} or path.startswith(mounted + "/")


def _text(value: str) -> str:
    return "".join(c if c.isprintable() else "·" for c in value[:_MAX_TEXT])


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 19 else None


def _take_clock(facts: Facts, rest: str) -> None:
    facts.clock = _number(rest)


def _take_shell(facts: Facts, rest: str) -> None:
    facts.shell = _text(rest)


def _take_refused(facts: Facts, rest: str) -> None:
    what, _, detail = rest.partition(" ")
    facts.refused = (_text(what), _text(detail))


def _take_user(facts: Facts, rest: str) -> None:
    uid, _, gid = rest.partition(" ")
    facts.uid, facts.gid = _number(uid), _number(gid)


def _take_tool(facts: Facts, rest: str) -> None:
    name, _, is_there = rest.partition(" ")
    if name in NEEDED or name in USEFUL:
        facts.tools[name] = is_there == "yes"


def _take_kind(facts: Facts, rest: str) -> None:
    name, _, kind = rest.partition(" ")
    if name in NEEDED and kind in {"busybox", "toybox", "uutils", "GNU", "util-linux", "unknown"}:
        facts.kinds[name] = kind


def _take_proc(facts: Facts, rest: str) -> None:
    facts.proc = rest == "yes"


def _take_mount(facts: Facts, rest: str) -> None:
    kind, _, more = rest.partition(" ")
    access, _, path = more.partition(" ")
    if access in {"ro", "rw"} and path.startswith("/") and len(facts.mounts) < MAX_ENTRIES:
        facts.mounts.append(Mount(_text(kind), access == "ro", _text(path)))


def _take_place(facts: Facts, rest: str) -> None:
    state, _, more = rest.partition(" ")
    whose, _, path = more.partition(" ")
    known = {"usable", "full", "denied", "missing", "link", "foreign"}
    if state in known and whose in {"own", "new"} and path and len(facts.spots) < MAX_ENTRIES:
        facts.spots.append(Spot(state, whose == "own", _text(path)))


def _quota(rest: str) -> Quota | None:
    words = rest.split(" ")
    numbers = [_number(word) for word in words[1:]]
    limit = None if words[0] == "max" else _number(words[0])
    if (limit is None and words[0] != "max") or not 1 <= len(numbers) <= 2 or None in numbers:
        return None
    used, idle = ([number or 0 for number in numbers] + [0])[:2]
    return Quota(limit, used, min(idle, used))


def _take_memory(facts: Facts, rest: str) -> None:
    quota = _quota(rest)
    if quota is not None and len(facts.memory) < MAX_ENTRIES:
        # Version 1 has no word for "no limit": it is the largest number of whole pages there.
        is_limited = quota.limit is not None and quota.limit < 1 << 60
        facts.memory.append(quota if is_limited else dataclasses.replace(quota, limit=None))


def _take_pids(facts: Facts, rest: str) -> None:
    quota = _quota(rest)
    if quota is not None and len(facts.pids) < MAX_ENTRIES:
        facts.pids.append(quota)


def _take_init(facts: Facts, rest: str) -> None:
    facts.init = _text(rest)


def _take_reaping(facts: Facts, rest: str) -> None:
    how, _, count = rest.partition(" ")
    if how in {"ignored", "yes", "no"}:
        facts.reaping, facts.zombies = how, _number(count) or 0


def _take_volume(facts: Facts, rest: str) -> None:
    if rest.startswith("/") and len(facts.volumes) < MAX_ENTRIES:
        facts.volumes.append(_text(rest))


def _take_room(facts: Facts, rest: str) -> None:
    free, _, more = rest.partition(" ")
    total, _, path = more.partition(" ")
    free_kib, total_kib = _number(free), _number(total)
    if free_kib is not None and total_kib is not None and path and len(facts.rooms) < MAX_ENTRIES:
        facts.rooms[_text(path)] = Room(free_kib, total_kib)


def _take_checked(facts: Facts, _: str) -> None:
    facts.checked = True


def _take_end(facts: Facts, _: str) -> None:
    facts.ended = True


_TAKERS: dict[str, Callable[[Facts, str], None]] = {
    "clock": _take_clock,
    "shell": _take_shell,
    "refused": _take_refused,
    "user": _take_user,
    "tool": _take_tool,
    "kind": _take_kind,
    "proc": _take_proc,
    "mount": _take_mount,
    "place": _take_place,
    "memory": _take_memory,
    "pids": _take_pids,
    "init": _take_init,
    "reaping": _take_reaping,
    "volume": _take_volume,
    "room": _take_room,
    "checked": _take_checked,
    "end": _take_end,
}
