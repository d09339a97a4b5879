"""From facts to states: what a run is, judged from what the agent found. Pure.

Rules: an end state comes from the end record, never from a guess; a signal is named only where we sent it, since most
shells can't tell `exit 143` from a death by TERM; alive means that this very process (boot, PID namespace, pid, start
time) exists. Which of these states may follow which is in `handlers.transitions`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from handlers.api import Offsets, Process, State, Status

if TYPE_CHECKING:
    from handlers.agent.codec import Snapshot
    from handlers.api import ResolvedTarget

START_SECONDS = 10.0
"""A run without a pid record for this long will never get one: whoever made it has died."""

MISSING = "M"
"""What the life of a run is to who knew it, when its record is not there any more; the agent never says so."""

LOST_REASONS = {
    "F": "containerRestarted",
    "G": "supervisorKilled",
    "R": "pidReused",
    "Z": "zombie",
    MISSING: "recordMissing",
}
"""Why nobody can know how a run ended.

A supervisor writes the end down unless it is killed: then the command is gone, or a zombie where PID 1 reaps nothing,
or its pid is another process's by now.
"""

STOP_REASONS = frozenset({"request", "timeout", "disconnect"})
"""Why a run is being stopped, as its record says; a mere signal ("signal") does not mean that it is to end."""

STATUS_OF_LIVE = {State.STARTING: Status.STARTING, State.RUNNING: Status.RUNNING, State.STOPPING: Status.RUNNING}

_SIGNAL_NUMBERS = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "USR2": 12, "TERM": 15}


def absent(command_id: str, target: ResolvedTarget) -> Process:
    """A command that was never started here, or went with its container."""
    return Process(id=command_id, target=target, status=Status.UNKNOWN, state=State.ABSENT)


def state_of(facts: Snapshot, uptime: float) -> tuple[State, Status, str | None]:
    """State, status and reason of a run; `uptime` is the container's clock now, in seconds."""
    if facts.code is not None:
        return _end_state(facts, facts.code)
    if facts.life in {"A", "L", "E"}:
        state = State.STOPPING if facts.stop_reason in STOP_REASONS else State.RUNNING
        if facts.life == "L":
            state = State.STARTING
        return state, STATUS_OF_LIVE[state], "storageFull" if facts.stdout.full or facts.stderr.full else None
    if facts.life in LOST_REASONS and not (facts.life == "F" and facts.pid is None):
        return State.LOST, Status.UNKNOWN, LOST_REASONS[facts.life]
    if facts.life != "F" and uptime - facts.made_at < START_SECONDS:
        return State.STARTING, Status.STARTING, None
    return State.START_FAILED, Status.ERRORED, "noRecord"


def _end_state(facts: Snapshot, code: int) -> tuple[State, Status, str | None]:
    if facts.why == "stoppedBeforeStart":
        # A stop that came when nothing had been heard for so long found what had failed, and was told to be so, before.
        if facts.ended_at is None or 0 <= facts.ended_at - facts.made_at < START_SECONDS:
            return State.EXITED, Status.STOPPED, None
        return State.START_FAILED, Status.ERRORED, "noRecord"
    if facts.why != "-":
        return State.START_FAILED, Status.ERRORED, facts.why
    stopped = facts.stop_reason in {"request", "disconnect"}
    reason = facts.stop_reason if facts.stop_reason in {"timeout", "disconnect"} else None
    status = Status.STOPPED if stopped or (code == 0 and reason is None) else Status.ERRORED
    state = State.SIGNALED if signal_of(facts) else State.EXITED
    return state, status, reason


def signal_of(facts: Snapshot) -> str | None:
    """The signal that ended the run, where we sent it and the exit code is its 128+n."""
    if facts.stop_signal is None or facts.code is None or facts.why != "-":
        return None
    number = _SIGNAL_NUMBERS.get(facts.stop_signal)
    return facts.stop_signal if number is not None and facts.code == 128 + number else None


def process_of(facts: Snapshot, target: ResolvedTarget, uptime: float) -> Process:
    """The process that the facts amount to."""
    state, status, reason = state_of(facts, uptime)
    started = facts.started_at if facts.started_at is not None else facts.made_at
    return Process(
        id=facts.command_id,
        target=target,
        status=status,
        state=state,
        run_id=facts.run_id,
        pid=facts.pid,
        exit_code=facts.code if state in {State.EXITED, State.SIGNALED} else None,
        signal=signal_of(facts),
        reason=reason,
        command=facts.title,
        started_at=wall_time(facts, started),
        ended_at=None if facts.ended_at is None else wall_time(facts, facts.ended_at),
        spec_hash=facts.spec_hash,
        mode="supervised",
        offsets=Offsets(facts.stdout.size, facts.stderr.size),
        stdout_ended=facts.stdout.ended,
        stderr_ended=facts.stderr.ended or facts.merged,
        takes_input=facts.takes_input,
    )


def lost(facts: Snapshot, target: ResolvedTarget, reason: str, told: Offsets) -> Process:
    """The run, when nobody can look at it any more; `told` is how much of its output was told by then."""
    return dataclasses.replace(
        process_of(facts, target, facts.made_at),
        status=Status.UNKNOWN,
        state=State.LOST,
        exit_code=None,
        signal=None,
        reason=reason,
        ended_at=None,
        offsets=told,
    )


def uptime_at(facts: Snapshot, time_ms: int) -> float:
    """The uptime at a time as `wall_time` tells it."""
    return (time_ms - facts.epoch_ms) / 1000


def wall_time(facts: Snapshot, uptime: float) -> int:
    """Milliseconds since the epoch, by the clock of the server that started the run (the same for every later one)."""
    return facts.epoch_ms + round(uptime * 1000)
