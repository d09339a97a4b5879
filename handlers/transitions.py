"""The life of one run as data: which event turns which state into which. Pure.

`docs/lifecycle.md` is drawn from this table, the sets of states below are taken from it, and tests
hold `state_of` to it: every change of state that facts can make is a row here, and every row can happen. What happens
is read from records in the container, so an event may have passed before anybody looks: who watches a run sees a path
through this table, with steps left out.
"""

from __future__ import annotations

import dataclasses
import enum

from handlers.api import State


class Event(enum.StrEnum):
    """Something that happens to a run."""

    CLAIMED = "claimed"
    """A start makes the run's directory."""
    RECORD_WRITTEN = "recordWritten"
    """The launcher writes down its pid."""
    EXEC_DONE = "execDone"
    """The launcher becomes the command."""
    SIGNAL_SENT = "signalSent"
    """`remotecmd/signal`: nobody says that it is to end."""
    STOP_BEGUN = "stopBegun"
    """`remotecmd/stop`, a start that replaces it, its time limit, or the end of the server that it belongs to."""
    STOPPED_BEFORE_START = "stoppedBeforeStart"
    """The stop took the claim before a supervisor did, so it never starts."""
    PROCESS_ENDED = "processEnded"
    """The process is gone, and its supervisor is about to write down how."""
    END_RECORDED = "endRecorded"
    """The supervisor writes down the exit code."""
    FAILURE_RECORDED = "failureRecorded"
    """The supervisor writes down why it could not start."""
    NOTHING_HEARD = "nothingHeard"
    """Ten seconds without a pid record: whoever was to write it has died."""
    SUPERVISOR_LOST = "supervisorLost"
    """Process and supervisor are gone, and there is no end record."""
    CONTAINER_RESTARTED = "containerRestarted"
    """The records, on a volume, are of another boot or another PID namespace."""
    REMOVED = "removed"
    """`remotecmd/remove`, or it was put away as old."""
    CONTAINER_GONE = "containerGone"
    """The container was deleted or replaced, and the records with it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Transition:
    """One row: in `state`, `event` leads to `to`, or, where there are several such rows, does so `when` it says."""

    state: State
    event: Event
    to: State
    when: str = ""


_BEGUN = (State.RUNNING, State.STOPPING)
_LIVE = (State.STARTING, *_BEGUN)
_ENDED = (State.EXITED, State.SIGNALED, State.START_FAILED)
_OVER = (*_ENDED, State.LOST)


def _stays(event: Event, *states: State) -> tuple[Transition, ...]:
    return tuple(Transition(state, event, state) for state in states)


def _becomes(to: State, event: Event, *states: State, when: str = "") -> tuple[Transition, ...]:
    return tuple(Transition(state, event, to, when) for state in states)


_ASKED = "a stop was begun before"
_OURS = "the code is that of the signal that was sent last"
_NOT_BEGUN = "there is no pid record, so it never ran"

TRANSITIONS: tuple[Transition, ...] = (
    *_becomes(State.STARTING, Event.CLAIMED, State.ABSENT),
    *_stays(Event.RECORD_WRITTEN, State.STARTING),
    *_becomes(State.RUNNING, Event.EXEC_DONE, State.STARTING),
    *_becomes(State.STOPPING, Event.EXEC_DONE, State.STARTING, when=_ASKED),
    *_stays(Event.SIGNAL_SENT, *_LIVE),
    *_stays(Event.STOP_BEGUN, State.STARTING, State.STOPPING),
    *_becomes(State.STOPPING, Event.STOP_BEGUN, State.RUNNING),
    *_becomes(State.EXITED, Event.STOPPED_BEFORE_START, State.STARTING),
    *_stays(Event.STOPPED_BEFORE_START, State.START_FAILED),
    # Nothing tells a launcher that has just ended from a command that has.
    *_becomes(State.RUNNING, Event.PROCESS_ENDED, State.STARTING, when="it was the launcher"),
    *_becomes(State.STOPPING, Event.PROCESS_ENDED, State.STARTING, when=_ASKED),
    *_stays(Event.PROCESS_ENDED, *_BEGUN),
    *_becomes(State.EXITED, Event.END_RECORDED, *_BEGUN),
    *_becomes(State.SIGNALED, Event.END_RECORDED, *_BEGUN, when=_OURS),
    *_becomes(State.START_FAILED, Event.FAILURE_RECORDED, *_LIVE),
    *_stays(Event.FAILURE_RECORDED, State.START_FAILED),
    *_becomes(State.START_FAILED, Event.NOTHING_HEARD, State.STARTING),
    *_becomes(State.LOST, Event.SUPERVISOR_LOST, *_LIVE),
    *_becomes(State.LOST, Event.CONTAINER_RESTARTED, *_LIVE),
    *_becomes(State.START_FAILED, Event.CONTAINER_RESTARTED, State.STARTING, when=_NOT_BEGUN),
    *_stays(Event.CONTAINER_RESTARTED, *_OVER),
    *_becomes(State.ABSENT, Event.REMOVED, *_OVER),
    *_becomes(State.ABSENT, Event.CONTAINER_GONE, *_LIVE, *_OVER),
)

LIVE = frozenset(row.state for row in TRANSITIONS if row.event is Event.SUPERVISOR_LOST)
"""The run occupies its id: there is a process whose end would be noticed, or one is to come."""

ENDED = frozenset(
    row.to
    for row in TRANSITIONS
    if row.event in {Event.STOPPED_BEFORE_START, Event.END_RECORDED, Event.FAILURE_RECORDED}
)
"""States that an end record gives."""


def reachable(state: State) -> frozenset[State]:
    """What a run that was seen in `state` may be seen in later, as long as its records are there."""
    found = {state}
    while more := {row.to for row in TRANSITIONS if row.state in found and row.to is not State.ABSENT} - found:
        found |= more
    return frozenset(found)
