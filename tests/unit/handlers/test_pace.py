"""How much is moved at once."""

from handlers.agent.pace import LARGEST_BYTES, QUICK_SECONDS, SLOW_SECONDS, SMALLEST_BYTES, Pace

START = 64 * 1024


def test_it_grows_while_full_ones_are_quick() -> None:
    pace = Pace(START)
    for _ in range(10):
        pace.learn(pace.size, QUICK_SECONDS - 0.1)
    assert pace.size == LARGEST_BYTES


def test_what_is_short_or_neither_quick_nor_slow_changes_nothing() -> None:
    pace = Pace(START)
    pace.learn(START - 1, 0.0)
    pace.learn(START, QUICK_SECONDS)
    pace.learn(START, SLOW_SECONDS)
    pace.learn(SMALLEST_BYTES, SLOW_SECONDS + 1)
    assert pace.size == START


def test_it_shrinks_to_half_of_what_was_slow() -> None:
    pace = Pace(START)
    pace.learn(START // 2, SLOW_SECONDS + 1)
    assert pace.size == START // 4
    for _ in range(10):
        pace.learn(pace.size, SLOW_SECONDS + 1)
    assert pace.size == SMALLEST_BYTES
