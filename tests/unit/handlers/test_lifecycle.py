"""The contract's table of states, row by row, and what a process shows of the facts."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from handlers.agent.codec import Snapshot, StreamFacts
from handlers.api import Offsets, Process, ResolvedTarget, State, Status
from handlers.lifecycle import (
    LOST_REASONS,
    MISSING,
    START_SECONDS,
    STATUS_OF_LIVE,
    absent,
    process_of,
    signal_of,
    state_of,
    wall_time,
)
from handlers.transitions import ENDED, LIVE

TARGET = ResolvedTarget(kind="local")
MADE_AT = 100.0
SOON = MADE_AT + START_SECONDS - 0.01
LATE = MADE_AT + START_SECONDS

CLAIMED = Snapshot(
    path="run",
    key="key",
    generation=1,
    command_id="web",
    run_id="run",
    spec_hash="hash",
    merged=False,
    takes_input=False,
    epoch_ms=1_000_000,
    made_at=MADE_AT,
    title="sleep 1",
    pid=None,
    started_at=None,
    life="-",
    code=None,
    ended_at=None,
    why="-",
    stop_signal=None,
    stop_reason=None,
    stdout=StreamFacts(0, 0, None, ended=False, full=False),
    stderr=StreamFacts(0, 0, None, ended=False, full=False),
)
"""A run of which only the directory is there."""


def facts(**changes: Any) -> Snapshot:
    return dataclasses.replace(CLAIMED, **changes)


def began(**changes: Any) -> Snapshot:
    return facts(**{"pid": 42, "started_at": 101.0, "life": "A", **changes})


def ended(code: int, **changes: Any) -> Snapshot:
    return began(**{"life": "G", "code": code, "ended_at": 105.0, **changes})


TERM = {"stop_signal": "TERM", "stop_reason": "request"}
KILL = {"stop_signal": "KILL", "stop_reason": "request"}
TERM_BY_LIMIT = {"stop_signal": "TERM", "stop_reason": "timeout"}
KILL_BY_LIMIT = {"stop_signal": "KILL", "stop_reason": "timeout"}

ROWS: dict[str, tuple[Snapshot, State, Status, str | None, str | None]] = {
    # facts, state, status, reason, signal
    "claimed": (facts(), State.STARTING, Status.STARTING, None, None),
    "launching": (began(life="L"), State.STARTING, Status.STARTING, None, None),
    "launching, stop asked": (began(life="L", **TERM), State.STARTING, Status.STARTING, None, None),
    "alive": (began(), State.RUNNING, Status.RUNNING, None, None),
    "alive, stop asked": (began(**TERM), State.STOPPING, Status.RUNNING, None, None),
    "alive, killed": (began(**KILL), State.STOPPING, Status.RUNNING, None, None),
    "gone, its record to come": (began(life="E"), State.RUNNING, Status.RUNNING, None, None),
    "gone, its record to come, stop asked": (began(life="E", **TERM), State.STOPPING, Status.RUNNING, None, None),
    "alive, time is up": (began(**TERM_BY_LIMIT), State.STOPPING, Status.RUNNING, None, None),
    "exit 0": (ended(0), State.EXITED, Status.STOPPED, None, None),
    "exit 1": (ended(1), State.EXITED, Status.ERRORED, None, None),
    "exit 143, nobody asked": (ended(143), State.EXITED, Status.ERRORED, None, None),
    "exit 137, nobody asked": (ended(137), State.EXITED, Status.ERRORED, None, None),
    "ended, pid taken again": (ended(0, life="A"), State.EXITED, Status.STOPPED, None, None),
    "ended, then another boot": (ended(3, life="F"), State.EXITED, Status.ERRORED, None, None),
    "stopped by TERM": (ended(143, **TERM), State.SIGNALED, Status.STOPPED, None, "TERM"),
    "stopped, exit 0": (ended(0, **TERM), State.EXITED, Status.STOPPED, None, None),
    "stopped, exit 7": (ended(7, **TERM), State.EXITED, Status.STOPPED, None, None),
    "stopped by TERM, killed by another": (ended(137, **TERM), State.EXITED, Status.STOPPED, None, None),
    "KILL after TERM": (ended(137, **KILL), State.SIGNALED, Status.STOPPED, None, "KILL"),
    "KILL after TERM, which had worked": (ended(143, **KILL), State.EXITED, Status.STOPPED, None, None),
    "stopped by a signal without a number": (
        ended(1, stop_signal="CONT", stop_reason="request"), State.EXITED, Status.STOPPED, None, None,
    ),
    "limit, TERM": (ended(143, **TERM_BY_LIMIT), State.SIGNALED, Status.ERRORED, "timeout", "TERM"),
    "limit, KILL": (ended(137, **KILL_BY_LIMIT), State.SIGNALED, Status.ERRORED, "timeout", "KILL"),
    "limit, exit 0": (ended(0, **TERM_BY_LIMIT), State.EXITED, Status.ERRORED, "timeout", None),
    "limit, exit 1": (ended(1, **TERM_BY_LIMIT), State.EXITED, Status.ERRORED, "timeout", None),
    "stopped before it started": (
        facts(code=143, ended_at=102.0, why="stoppedBeforeStart"), State.EXITED, Status.STOPPED, None, None,
    ),
    "stopped when it would never start": (
        facts(code=143, ended_at=LATE, why="stoppedBeforeStart"), State.START_FAILED, Status.ERRORED, "noRecord", None,
    ),
    "stopped in another boot": (
        facts(code=143, ended_at=50.0, why="stoppedBeforeStart"), State.START_FAILED, Status.ERRORED, "noRecord", None,
    ),
    "gone, its end not written down": (began(life="G"), State.LOST, Status.UNKNOWN, "supervisorKilled", None),
    "gone, its end not written down, stop asked": (
        began(life="G", **TERM), State.LOST, Status.UNKNOWN, "supervisorKilled", None,
    ),
    "a zombie": (began(life="Z"), State.LOST, Status.UNKNOWN, "zombie", None),
    "its pid is another's": (began(life="R"), State.LOST, Status.UNKNOWN, "pidReused", None),
    "gone with its record": (began(life=MISSING), State.LOST, Status.UNKNOWN, "recordMissing", None),
    "another boot or namespace": (began(life="F"), State.LOST, Status.UNKNOWN, "containerRestarted", None),
    "another boot, never began": (facts(life="F"), State.START_FAILED, Status.ERRORED, "noRecord", None),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_facts_give_the_state_of_the_contract(name: str) -> None:
    found, state, status, reason, signal = ROWS[name]
    assert state_of(found, SOON) == (state, status, reason)
    assert signal_of(found) == signal


@pytest.mark.parametrize("name", [name for name in ROWS if name != "claimed"])
def test_only_a_claim_goes_stale(name: str) -> None:
    found = ROWS[name][0]
    assert state_of(found, LATE + 1e6) == state_of(found, SOON)


def test_claim_without_a_record_for_ten_seconds_has_failed() -> None:
    assert START_SECONDS == 10
    assert state_of(facts(), LATE) == (State.START_FAILED, Status.ERRORED, "noRecord")


@pytest.mark.parametrize(
    "why", ["workingDirNotFound", "executableNotFound", "permissionDenied", "argumentListTooLong", "processLimit"]
)
@pytest.mark.parametrize("stop", [{}, TERM], ids=["", "stop asked"])
def test_failed_start_keeps_its_reason_and_has_no_exit_code(why: str, stop: dict[str, str]) -> None:
    found = ended(143, why=why, **stop)
    assert state_of(found, SOON) == (State.START_FAILED, Status.ERRORED, why)
    assert signal_of(found) is None
    process = process_of(found, TARGET, SOON)
    assert process.exit_code is None
    assert process.signal is None


SIGNALS = {"HUP": 129, "INT": 130, "QUIT": 131, "KILL": 137, "USR1": 138, "USR2": 140, "TERM": 143}


@pytest.mark.parametrize(("name", "code"), SIGNALS.items(), ids=list(SIGNALS))
def test_signal_is_named_where_it_was_ours_and_the_code_is_its(name: str, code: int) -> None:
    ours = {"stop_signal": name, "stop_reason": "request"}
    assert signal_of(ended(code, **ours)) == name
    assert signal_of(ended(code)) is None
    assert signal_of(ended(code - 128, **ours)) is None


def test_alive_has_no_signal_yet() -> None:
    assert signal_of(began(**TERM)) is None


def test_every_state_belongs_to_one_set() -> None:
    assert LIVE | ENDED | {State.LOST, State.ABSENT} == set(State)
    assert not LIVE & ENDED
    assert set(STATUS_OF_LIVE) == LIVE


def test_absent_has_only_id_target_status_and_state() -> None:
    assert absent("web", TARGET) == Process(id="web", target=TARGET, status=Status.UNKNOWN, state=State.ABSENT)


def test_process_shows_an_ended_run() -> None:
    found = ended(
        143,
        **TERM,
        stdout=StreamFacts(0, 10, 104.0, ended=True, full=False),
        stderr=StreamFacts(64, 70, 104.5, ended=False, full=False, last=(0, 60)),
    )
    assert process_of(found, TARGET, SOON) == Process(
        id="web",
        target=TARGET,
        status=Status.STOPPED,
        state=State.SIGNALED,
        run_id="run",
        pid=42,
        exit_code=143,
        signal="TERM",
        reason=None,
        command="sleep 1",
        started_at=1_101_000,
        ended_at=1_105_000,
        spec_hash="hash",
        mode="supervised",
        offsets=Offsets(10, 70),
        stdout_ended=True,
        stderr_ended=False,
    )


def test_process_that_has_not_begun_shows_when_it_was_asked_for() -> None:
    process = process_of(facts(), TARGET, SOON)
    assert (process.pid, process.started_at, process.ended_at) == (None, 1_100_000, None)


@pytest.mark.parametrize("life", ["A", "L", "E", *LOST_REASONS])
def test_process_without_an_end_record_has_no_exit_code(life: str) -> None:
    assert process_of(began(life=life), TARGET, SOON).exit_code is None


def test_process_stopped_before_it_started_has_the_code_that_was_recorded() -> None:
    process = process_of(facts(code=143, ended_at=102.0, why="stoppedBeforeStart"), TARGET, SOON)
    assert (process.exit_code, process.signal) == (143, None)


def test_merged_stderr_counts_as_ended() -> None:
    process = process_of(began(merged=True), TARGET, SOON)
    assert (process.stdout_ended, process.stderr_ended) == (False, True)


def test_times_are_whole_milliseconds_by_the_clock_of_who_started() -> None:
    assert wall_time(facts(epoch_ms=1_700_000_000_000), 12.349) == 1_700_000_012_349
