"""The table of transitions against what facts give: every change of state is a row of it, and every row can happen."""

from __future__ import annotations

import itertools
from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from handlers.api import SIGNALS, State
from handlers.lifecycle import STATUS_OF_LIVE, STOP_REASONS
from handlers.transitions import ENDED, LIVE, TRANSITIONS, Event, reachable
from tests.unit.handlers.world import Detail, World, happen, state

TRIPLES = {(row.state, row.event, row.to) for row in TRANSITIONS}
OVER = ENDED | {State.LOST}

DETAILS = [
    Detail(code, signal, reason)
    for code, signal, reason in itertools.product((0, 137, 143), ("TERM", "KILL", "CONT"), ("request", "timeout"))
]
"""One of each that `state_of` tells apart."""


def every_change() -> set[tuple[State, Event, State]]:
    """All that can happen in the model, by walking through every world there is."""
    begin = World()
    seen, ahead = {begin}, deque([begin])
    found = set()
    while ahead:
        world = ahead.popleft()
        for event, detail in itertools.product(Event, DETAILS):
            after = happen(world, event, detail)
            if after is None:
                continue
            found.add((state(world), event, state(after)))
            if after.facts is not None and after not in seen:
                seen.add(after)
                ahead.append(after)
    return found


def test_the_table_is_what_can_happen_no_more_and_no_less() -> None:
    found = every_change()
    assert found - TRIPLES == set(), "these happen and are not in the table"
    assert TRIPLES - found == set(), "these rows can't happen"


def test_rows_are_told_apart() -> None:
    assert len(TRIPLES) == len(TRANSITIONS)
    for key, rows in itertools.groupby(sorted(TRANSITIONS, key=_key), key=_key):
        several = list(rows)
        assert len({row.when for row in several}) == len(several), key
        assert sum(not row.when for row in several) <= 1, key


def _key(row: object) -> tuple[str, str]:
    return row.state, row.event  # type: ignore[attr-defined]


@pytest.mark.parametrize("over", sorted(OVER))
def test_an_end_is_left_only_with_its_records(over: State) -> None:
    onward = {(row.event, row.to) for row in TRANSITIONS if row.state is over and row.to is not over}
    assert onward == {(Event.REMOVED, State.ABSENT), (Event.CONTAINER_GONE, State.ABSENT)}


def test_the_sets_of_states() -> None:
    assert {State.STARTING, State.RUNNING, State.STOPPING} == LIVE == STATUS_OF_LIVE.keys()
    assert {State.EXITED, State.SIGNALED, State.START_FAILED} == ENDED


def test_what_can_be_seen_later_is_what_a_path_leads_to() -> None:
    assert reachable(State.RUNNING) == {State.RUNNING, State.STOPPING, *OVER}
    assert reachable(State.EXITED) == {State.EXITED}
    assert reachable(State.ABSENT) == set(State)


class Lives(RuleBasedStateMachine):
    """One command after another in a container, with whatever may happen, and somebody who looks now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.watched: State | None = None

    @rule(
        event=st.sampled_from(Event),
        code=st.integers(0, 255),
        signal=st.sampled_from(SIGNALS),
        reason=st.sampled_from(sorted(STOP_REASONS)),
        why=st.sampled_from(["executableNotFound", "processLimit", "launchFailed"]),
    )
    def something_happens(self, event: Event, code: int, signal: str, reason: str, why: str) -> None:
        before = state(self.world)
        after = happen(self.world, event, Detail(code, signal, reason, why))
        if after is None:
            return
        assert (before, event, state(after)) in TRIPLES
        self.world = after
        if after.facts is None:
            self.watched = None

    @precondition(lambda self: state(self.world) is not State.STARTING)
    @rule(seconds=st.floats(0, 1e6))
    def time_passes(self, seconds: float) -> None:
        """By itself it changes nothing, but for a claim, which is an event."""
        before = state(self.world)
        self.world = World(self.world.facts, self.world.ran, self.world.uptime + seconds)
        assert state(self.world) is before

    @rule()
    def somebody_looks(self) -> None:
        now = state(self.world)
        assert self.watched is None or now in reachable(self.watched)
        self.watched = None if now is State.ABSENT else now

    @invariant()
    def an_end_is_told_once(self) -> None:
        assert self.watched not in OVER or state(self.world) is self.watched


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
