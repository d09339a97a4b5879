"""Waiting for a container; the clock is the loop's turns, so no test takes time."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from handlers import waiting
from handlers.api import ResolvedTarget, Wait
from handlers.errors import ErrorKind, RemoteCommandError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FOUND = ResolvedTarget(kind="kubernetes", pod_name="web")


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it paused; it doesn't here."""
    taken: list[float] = []

    async def pause(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", pause)
    return taken


def error(message: str = "It is starting.", *, retryable: bool = True, not_found: bool = False) -> RemoteCommandError:
    kind = ErrorKind.TARGET_NOT_FOUND if not_found else ErrorKind.TARGET_NOT_RUNNING
    return RemoteCommandError(kind, message, retryable=retryable, remedy="Look.")


def finding(*outcomes: RemoteCommandError | ResolvedTarget) -> Callable[[], Awaitable[ResolvedTarget]]:
    """Finds these one after the other, and the last again and again."""
    left = itertools.chain(outcomes, itertools.repeat(outcomes[-1]))

    async def find() -> ResolvedTarget:
        outcome = next(left)
        if isinstance(outcome, RemoteCommandError):
            raise outcome
        return outcome

    return find


async def test_what_runs_is_not_waited_for(pauses: list[float]) -> None:
    assert await waiting.until_running(finding(FOUND), Wait(10)) == FOUND
    assert pauses == []


async def test_it_is_looked_at_until_it_runs_and_each_change_is_told(pauses: list[float]) -> None:
    told: list[str] = []

    async def tell(message: str) -> None:
        told.append(message)

    find = finding(error("None yet.", not_found=True), error("A."), error("A."), error("B."), error("B."), FOUND)
    assert await waiting.until_running(find, Wait(10, tell), clock=lambda: 0.0) == FOUND
    assert told == ["None yet.", "A.", "B."]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.0]


async def test_the_time_is_over() -> None:
    clock = itertools.count(0.0, 1.0)
    with pytest.raises(RemoteCommandError) as caught:
        await waiting.until_running(finding(error(not_found=True)), Wait(2.5), clock=lambda: next(clock))
    assert (caught.value.kind, caught.value.retryable) == (ErrorKind.TARGET_NOT_RUNNING, True)
    assert (caught.value.message, caught.value.remedy) == ("It is starting. It was waited for 2.5 s.", "Look.")


@pytest.mark.parametrize(
    "failure",
    [
        error(retryable=False),
        error(retryable=False, not_found=True),
        RemoteCommandError(ErrorKind.UNREACHABLE, "Gone.", retryable=True),
        RemoteCommandError(ErrorKind.TARGET_AMBIGUOUS, "Two."),
    ],
    ids=["ended", "not there", "unreachable", "ambiguous"],
)
async def test_what_does_not_pass_is_not_waited_for(failure: RemoteCommandError, pauses: list[float]) -> None:
    with pytest.raises(RemoteCommandError) as caught:
        await waiting.until_running(finding(failure, FOUND), Wait(10))
    assert caught.value is failure and pauses == []


async def test_nothing_is_waited_for_unasked() -> None:
    failure = error()
    with pytest.raises(RemoteCommandError) as caught:
        await waiting.until_running(finding(failure, FOUND))
    assert caught.value is failure
