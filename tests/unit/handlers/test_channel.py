"""The channel over a stream that breaks."""

from __future__ import annotations

import asyncio

import pytest

from handlers.agent.channel import Channel, ChannelLost
from handlers.api import Stream

NONCE = "n0nce"


class HalfBroken:
    """Says hello; then its stdin is closed, while its output has not ended yet."""

    end = None

    def __init__(self) -> None:
        self._out: asyncio.Queue[tuple[Stream, bytes] | None] = asyncio.Queue()
        self._greeted = False
        self.closed = False

    async def write(self, _: bytes) -> None:
        if self._greeted:
            raise BrokenPipeError
        self._greeted = True
        self._out.put_nowait((Stream.STDOUT, f"{NONCE} hello 1 1 0 1.00 ns\n".encode()))

    async def receive(self) -> tuple[Stream, bytes] | None:
        return await self._out.get()

    async def close_stdin(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True
        self._out.put_nowait(None)

    def say(self, data: bytes) -> None:
        self._out.put_nowait((Stream.STDOUT, data))


async def test_channel_whose_stdin_is_closed_is_lost_at_once() -> None:
    channel = Channel(HalfBroken(), NONCE)
    await channel.greet(b"line\n")
    with pytest.raises(ChannelLost):
        await channel.request("status")
    assert channel.lost.is_set()  # or whoever asks again would be given the same one
    await channel.close()


@pytest.mark.parametrize("data", [b"no header\n", f"{NONCE} 1 {1 << 40} ok\n".encode(), b"x" * 70_000], ids=str)
async def test_channel_whose_agent_talks_nonsense_is_closed(data: bytes) -> None:
    stream = HalfBroken()
    channel = Channel(stream, NONCE)
    await channel.greet(b"line\n")
    stream.say(data)
    await asyncio.wait_for(channel.lost.wait(), 10)
    assert stream.closed  # else it would stay open, read by nobody, while others take its place
    await channel.close()
