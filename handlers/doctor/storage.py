"""Findings about where records and output are kept: directories, the room in them, what it costs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.api import SPOOL_LIMIT_BYTES
from handlers.checkup import Check, Finding, Level
from handlers.doctor.words import size

if TYPE_CHECKING:
    from handlers.doctor.facts import Facts, Spot
    from handlers.doctor.visit import Visit

LOW_KIB = 64 << 10
"""With less room, half of what a single command may keep does not fit."""

FULL_KIB = 64
"""With less room, a volume that was not tried by writing counts as full: an output is read by so much at once."""

COMMAND_PROCESSES = 5
COMMAND_MEMORY_MIB = 0.9
"""What a command that says nothing takes besides itself, as measured on the node of the tests."""

VOLUME = """\
Mount a volume where commands may write, as in:
volumes: [{name: tmp, emptyDir: {}}]
volumeMounts: [{name: tmp, mountPath: /tmp}]"""

_SHOWN = 4

_WHY_NOT = {
    "denied": "can't be written",
    "full": "is full",
    "missing": "is not there",
    "link": "has a link in place of the directory for records, and that is not followed",
    "foreign": "has a directory for records that is somebody else's",
}


def chosen(facts: Facts) -> Spot | None:
    """Where the agent keeps records: where some are already, else where some can be."""
    usable = [spot for spot in facts.spots if spot.state == "usable"]
    return next((spot for spot in usable if spot.is_own), next(iter(usable), None))


def storage(visit: Visit) -> Finding | None:
    """Which directory is used, how much room it has, and what is full."""
    facts = visit.facts
    if facts is None or not facts.spots or not facts.tools.get("mkdir") or not facts.tools.get("rm"):
        return None
    spot = chosen(facts)
    if spot is None:
        return _nowhere(facts, visit)
    where = f"Records and output go to {spot.path.rstrip('/')}/remotecmd-{facts.uid} ({_room(facts, spot.path)})."
    room = facts.rooms.get(spot.path)
    full = _full(facts, visit)
    if full:
        remedy = f"Free some space in {' and '.join(full)}, or mount a larger volume there."
        return Finding(Check.STORAGE, Level.WARNING, f"{_are(full)} full. {where}", remedy)
    if room is not None and room.free < LOW_KIB:
        kept = size(SPOOL_LIMIT_BYTES / 1024)
        detail = f"{where} That is little: up to {kept} of a command's output are kept, and what has no room is lost."
        remedy = "Free some space, give pidDirectory on a larger volume, or a smaller spoolLimitBytes."
        return Finding(Check.STORAGE, Level.WARNING, detail, remedy)
    others = [other.path for other in facts.spots if other.state == "usable" and other != spot]
    others = list(dict.fromkeys([*others, *_volumes(visit)]))
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    also = f" As pidDirectory can be given, too: {', '.join(others[:_SHOWN])}{more}." if others else ""
    return Finding(Check.STORAGE, Level.OK, where + also)


def _nowhere(facts: Facts, visit: Visit) -> Finding:
    """None of the usual directories can be used."""
    why = "; ".join(f"{spot.path} {_WHY_NOT[spot.state]}" for spot in dict.fromkeys(facts.spots))
    detail = f"There is no directory for records and output: {why}."
    full = _full(facts, visit)
    good = [path for path in _volumes(visit) if path not in full]
    if good:
        remedy = f"Give pidDirectory {good[0]}, which can be written ({_room(facts, good[0])})."
    elif any(spot.state == "full" for spot in facts.spots):
        remedy = f"Free some space in {' or '.join(full)}, or mount a volume and give it as pidDirectory."
    else:
        remedy = VOLUME
    return Finding(Check.STORAGE, Level.ERROR, detail, remedy)


def _volumes(visit: Visit) -> list[str]:
    """Other directories that may be written: in a container somebody put them there on purpose, unlike on a machine."""
    is_container = visit.target is not None and bool(visit.target.container_name)
    return visit.facts.volumes if visit.facts is not None and is_container else []


def _full(facts: Facts, visit: Visit) -> list[str]:
    """Directories without room: tried by writing, or by what df says of a volume."""
    spots = [spot.path for spot in facts.spots if spot.state == "full"]
    volumes = [path for path in _volumes(visit) if (room := facts.rooms.get(path)) is not None and room.free < FULL_KIB]
    return list(dict.fromkeys([*spots, *volumes]))


def _are(paths: list[str]) -> str:
    return f"{' and '.join(paths)} {'is' if len(paths) == 1 else 'are'}"


def _room(facts: Facts, path: str) -> str:
    mount, room = facts.mount_of(path), facts.rooms.get(path)
    kind = "" if mount is None else f"{mount.type}, "
    if room is None:
        return f"{kind}free space unknown"
    return f"{kind}{size(room.free)} of {size(room.total)} free"


def root_filesystem(visit: Visit) -> Finding | None:
    """Whether it is read-only."""
    facts = visit.facts
    root = None if facts is None else facts.mount_of("/")
    if facts is None or root is None:
        return None
    if not root.is_read_only:
        return Finding(Check.ROOT_FILESYSTEM, Level.OK, "It is not read-only.")
    detail = "The root is read-only (readOnlyRootFilesystem): commands can write only where a volume is mounted."
    level = Level.WARNING if chosen(facts) is None else Level.INFO
    return Finding(Check.ROOT_FILESYSTEM, level, detail, VOLUME)


def costs(visit: Visit) -> Finding | None:
    """What commands take besides themselves."""
    facts = visit.facts
    spot = None if facts is None else chosen(facts)
    if facts is None or spot is None:
        return None
    mount = facts.mount_of(spot.path)
    is_pod = visit.target is not None and visit.target.kind == "kubernetes"
    against = ""
    if mount is not None and mount.type == "tmpfs":
        against = " All of that is in memory, and counts against its limit."
    elif is_pod:
        against = " All of that counts against the pod's ephemeral storage: above its limit, the kubelet evicts it."
    detail = (
        f"Besides itself, a command takes {COMMAND_PROCESSES} small processes and about {COMMAND_MEMORY_MIB} MiB of "
        f"memory. The newest {size(SPOOL_LIMIT_BYTES / 1024)} of its output are kept, 1 GiB of all commands.{against}"
    )
    remedy = "A start with a smaller spoolLimitBytes keeps less of its output." if against else None
    return Finding(Check.COSTS, Level.INFO, detail, remedy)
