"""The arithmetic of flow control, also against a model that keeps every byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.output import MAX_CHUNK_BYTES
from rpc_server import messages
from rpc_server.converter import fields_of
from rpc_server.windows import Window

SIZE = 10


def test_as_much_as_the_window_is_sent_ahead() -> None:
    window = Window(SIZE, 100)
    assert window.has_room(110)
    assert not window.has_room(111)
    window.send(106)
    assert (window.has_room(110), window.has_room(111)) == (True, False)
    window.acknowledge(103)
    assert (window.ahead, window.has_room(113), window.has_room(114)) == (3, True, False)


@pytest.mark.parametrize("offset", [0, 99, 100, 103, 107, 2**60])
def test_what_goes_back_or_beyond_says_nothing(offset: int) -> None:
    window = Window(SIZE, 100)
    window.send(106)
    window.acknowledge(103)
    window.acknowledge(offset)
    assert (window.ahead, window.has_room(113), window.has_room(114)) == (3, True, False)


def test_a_gap_takes_no_room_and_is_not_waited_for() -> None:
    window = Window(SIZE, 0)
    window.send(4)
    window.skip(1000)
    assert window.ahead == 4
    window.send(1006)
    assert not window.has_room(1007)
    window.acknowledge(4)
    assert (window.ahead, window.has_room(1010)) == (6, True)
    window.acknowledge(1006)
    assert window.ahead == 0


def test_a_gap_may_be_acknowledged_in_part() -> None:
    window = Window(SIZE, 0)
    window.send(4)
    window.skip(1000)
    window.acknowledge(500)
    assert (window.ahead, window.has_room(1010), window.has_room(1011)) == (0, True, False)


def test_a_gap_at_the_beginning_moves_the_base() -> None:
    window = Window(SIZE, 0)
    window.skip(50)
    window.skip(50)
    assert (window.ahead, window.has_room(60), window.has_room(61)) == (0, True, False)


def test_the_least_window_takes_the_largest_chunk() -> None:
    """Else a client could wait for ever."""
    field = next(f for f in fields_of(messages.ClientCapabilities) if f.name == "output_window_bytes")
    assert field.kind.__metadata__[0].minimum == MAX_CHUNK_BYTES
    assert Window(MAX_CHUNK_BYTES, 7).has_room(7 + MAX_CHUNK_BYTES)


STEPS = st.lists(st.tuples(st.sampled_from(["send", "skip", "acknowledge"]), st.integers(0, 14)), max_size=60)


@given(start=st.integers(0, 5), steps=STEPS)
def test_it_counts_as_one_who_keeps_every_byte(start: int, steps: list[tuple[str, int]]) -> None:
    """The model: offsets that are sent and not acknowledged, as a set."""
    window = Window(SIZE, start)
    unacknowledged: set[int] = set()
    sent, highest = start, start
    for step, size in steps:
        if step == "send":
            end = sent + size
            assert window.has_room(end) == (len(unacknowledged) + size <= SIZE)
            if window.has_room(end):
                window.send(end)
                unacknowledged |= set(range(sent, end))
                sent = end
        elif step == "skip":
            window.skip(sent + size)
            sent += size
        else:
            offset = highest - 3 + size
            window.acknowledge(offset)
            if highest < offset <= sent:
                highest = offset
                unacknowledged = {byte for byte in unacknowledged if byte >= offset}
        assert window.ahead == len(unacknowledged)
