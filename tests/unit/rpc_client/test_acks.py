from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.output import MAX_CHUNK_BYTES
from rpc_client.acks import LARGEST_CHUNK_BYTES, Acknowledgements
from rpc_server.windows import Window

if TYPE_CHECKING:
    from rpc_server import messages


def test_the_largest_chunk_is_the_servers() -> None:
    assert LARGEST_CHUNK_BYTES == MAX_CHUNK_BYTES


@pytest.mark.parametrize("window", [1 << 20, 64 << 10])
def test_one_acknowledgement_stands_for_many_chunks(window: int) -> None:
    sent: list[messages.AckParams] = []
    acks = Acknowledgements(window, sent.append)
    for offset in range(1000, 10 * window, 1000):
        acks.processed("r", "stdout", offset)
    assert 30 <= len(sent) <= 41
    assert sent[-1].run_id == "r"
    assert sent[-1].stream == "stdout"


def test_streams_are_acknowledged_apart() -> None:
    sent: list[tuple[str, int]] = []
    acks = Acknowledgements(32_768, lambda ack: sent.append((ack.stream, ack.offset)))
    acks.processed("r", "stdout", 5)
    acks.processed("r", "stderr", 3)
    acks.processed("r", "stdout", 6)
    assert sent == [("stdout", 5), ("stderr", 3), ("stdout", 6)]


@given(
    size=st.integers(32_768, 200_000),
    start=st.integers(0, 2**40),
    chunks=st.lists(st.integers(1, MAX_CHUNK_BYTES), min_size=1, max_size=60),
)
def test_a_server_never_waits_for_who_has_taken_everything(size: int, start: int, chunks: list[int]) -> None:
    window = Window(size, start)
    acks = Acknowledgements(size, lambda ack: window.acknowledge(ack.offset))
    at = start
    for chunk in chunks:
        at += chunk
        assert window.has_room(at)
        window.send(at)
        acks.processed("r", "stdout", at)
