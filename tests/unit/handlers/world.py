"""A model of what happens to a run in a container: events change its records, as the agent writes and reads them.

It knows nothing of states; `handlers.lifecycle` judges what it comes to.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from handlers.agent.codec import Snapshot, StreamFacts
from handlers.api import State
from handlers.lifecycle import START_SECONDS, state_of
from handlers.transitions import LIVE, Event

if TYPE_CHECKING:
    from collections.abc import Callable

NO_STREAM = StreamFacts(0, 0, None, ended=False, full=False)
BOOT_SECONDS = 5.0
"""Uptime when a node has just come up again."""


@dataclasses.dataclass(frozen=True)
class World:
    """One container; `facts` of its one run are None while there are no records.

    Attributes:
        ran: the launcher became the command.
        uptime: the container's clock.
    """

    facts: Snapshot | None = None
    ran: bool = False
    uptime: float = 100.0


@dataclasses.dataclass(frozen=True)
class Detail:
    """What an event may bring along."""

    code: int = 0
    signal: str = "TERM"
    reason: str = "request"
    why: str = "executableNotFound"


def state(world: World) -> State:
    return State.ABSENT if world.facts is None else state_of(world.facts, world.uptime)[0]


def happen(world: World, event: Event, detail: Detail) -> World | None:
    """The world after an event; None where it can't happen."""
    if world.facts is None:
        return dataclasses.replace(world, facts=_claim(world), ran=False) if event is Event.CLAIMED else None
    change = _CHANGES.get(event)
    return None if change is None else change(world, world.facts, detail)


def _claim(world: World) -> Snapshot:
    return Snapshot(
        path="run", key="key", generation=1, command_id="web", run_id="run", spec_hash="hash", merged=False,
        takes_input=False, epoch_ms=0, made_at=world.uptime, title="sleep 1", pid=None, started_at=None, life="-",
        code=None,
        ended_at=None, why="-", stop_signal=None, stop_reason=None, stdout=NO_STREAM, stderr=NO_STREAM,
    )  # fmt: skip


def _with(world: World, facts: Snapshot, **changes: object) -> World:
    return dataclasses.replace(world, facts=dataclasses.replace(facts, **changes))  # type: ignore[arg-type]


def _record_written(world: World, facts: Snapshot, _: Detail) -> World | None:
    in_time = world.uptime - facts.made_at < START_SECONDS  # a supervisor that comes later starts nothing any more
    if facts.life != "-" or facts.code is not None or not in_time:
        return None
    return _with(world, facts, pid=42, started_at=world.uptime, life="L")


def _exec_done(world: World, facts: Snapshot, _: Detail) -> World | None:
    return dataclasses.replace(_with(world, facts, life="A"), ran=True) if facts.life == "L" else None


def _signal_sent(world: World, facts: Snapshot, detail: Detail) -> World | None:
    if state(world) not in LIVE:
        return None
    if facts.life not in {"A", "L"} or facts.stop_reason not in {None, "signal"}:
        return world
    return _with(world, facts, stop_signal=detail.signal, stop_reason="signal")


def _stop_begun(world: World, facts: Snapshot, detail: Detail) -> World | None:
    if state(world) not in LIVE:
        return None
    if facts.life == "-":
        return world  # it waits for a process that it could stop
    return _with(world, facts, stop_signal=detail.signal, stop_reason=detail.reason)


def _stopped_before_start(world: World, facts: Snapshot, _: Detail) -> World | None:
    if facts.pid is not None or facts.code is not None or facts.life == "F":  # nobody stops what was elsewhere
        return None
    return _with(world, facts, code=143, why="stoppedBeforeStart", ended_at=world.uptime)


def _process_ended(world: World, facts: Snapshot, _: Detail) -> World | None:
    return _with(world, facts, life="E") if facts.life in {"A", "L"} else None


def _end_recorded(world: World, facts: Snapshot, detail: Detail) -> World | None:
    if facts.life != "E":
        return None
    return _with(world, facts, life="G", code=detail.code, ended_at=world.uptime)


def _failure_recorded(world: World, facts: Snapshot, detail: Detail) -> World | None:
    if facts.code is not None or not (facts.life == "-" or (facts.life == "E" and not world.ran)):
        return None
    life = "G" if facts.life == "E" else "-"
    return _with(world, facts, life=life, code=126, why=detail.why, ended_at=world.uptime)


def _nothing_heard(world: World, facts: Snapshot, _: Detail) -> World | None:
    if facts.life != "-" or facts.code is not None or world.uptime - facts.made_at >= START_SECONDS:
        return None
    return dataclasses.replace(world, uptime=facts.made_at + START_SECONDS)


def _supervisor_lost(world: World, facts: Snapshot, _: Detail) -> World | None:
    return _with(world, facts, life="G") if facts.life in {"A", "L", "E"} else None


def _container_restarted(world: World, facts: Snapshot, _: Detail) -> World | None:
    if facts.life == "F":
        return None
    return dataclasses.replace(_with(world, facts, life="F"), uptime=BOOT_SECONDS)


def _removed(world: World, _: Snapshot, __: Detail) -> World | None:
    return None if state(world) in LIVE else dataclasses.replace(world, facts=None)


def _container_gone(world: World, _: Snapshot, __: Detail) -> World | None:
    return dataclasses.replace(world, facts=None)


_CHANGES: dict[Event, Callable[[World, Snapshot, Detail], World | None]] = {
    Event.RECORD_WRITTEN: _record_written,
    Event.EXEC_DONE: _exec_done,
    Event.SIGNAL_SENT: _signal_sent,
    Event.STOP_BEGUN: _stop_begun,
    Event.STOPPED_BEFORE_START: _stopped_before_start,
    Event.PROCESS_ENDED: _process_ended,
    Event.END_RECORDED: _end_recorded,
    Event.FAILURE_RECORDED: _failure_recorded,
    Event.NOTHING_HEARD: _nothing_heard,
    Event.SUPERVISOR_LOST: _supervisor_lost,
    Event.CONTAINER_RESTARTED: _container_restarted,
    Event.REMOVED: _removed,
    Event.CONTAINER_GONE: _container_gone,
}
