from __future__ import annotations

import pytest

from handlers.rounds import LEAST_BYTES, QUICK_SECONDS, SLOW_SECONDS, Rounds
from handlers.spool import WINDOW_BYTES


def test_who_keeps_up_gets_the_largest_window_after_a_few_rounds() -> None:
    rounds = Rounds(WINDOW_BYTES)
    sizes = []
    for _ in range(6):
        sizes.append(rounds.size)
        rounds.taken(rounds.size, 0.0)
    assert sizes == [LEAST_BYTES << i for i in range(5)] + [WINDOW_BYTES]
    assert sizes[4] == WINDOW_BYTES


@pytest.mark.parametrize(
    ("size", "seconds"), [(1 << 18, QUICK_SECONDS), (1 << 18, SLOW_SECONDS), ((1 << 18) - 1, 0.0), (0, 0.0)]
)
def test_neither_quick_nor_slow_and_not_full_change_nothing(size: int, seconds: float) -> None:
    rounds = Rounds(WINDOW_BYTES)
    rounds.size = 1 << 18
    rounds.taken(size, seconds)
    assert rounds.size == 1 << 18


def test_who_is_slow_gets_less_and_never_less_than_the_least() -> None:
    rounds = Rounds(WINDOW_BYTES)
    rounds.size = WINDOW_BYTES
    for _ in range(9):
        rounds.taken(1, SLOW_SECONDS + 0.1)
    assert rounds.size == LEAST_BYTES
