"""The channel over a stream that breaks, is silent, or is slow."""

from __future__ import annotations

import asyncio
import contextlib
import shlex

import pytest

import handlers.agent.channel
from handlers.agent.channel import FIRST_PIECE_BYTES, FIRST_WINDOW_BYTES, Channel, ChannelLost
from handlers.api import Stream

NONCE = "n0nce"


class HalfBroken:
    """Says hello; then its stdin is closed, while its output has not ended yet."""

    end = None

    def __init__(self) -> None:
        self._out: asyncio.Queue[tuple[Stream, bytes] | None] = asyncio.Queue()
        self._greeted = False
        self.closed = False

    async def write(self, data: bytes) -> None:
        if self._greeted:
            self.take(data)
        else:
            self._greeted = True
            self.say(f"{NONCE} hello 1 1 0 1.00 ns\n".encode())

    def take(self, _: bytes) -> None:
        raise BrokenPipeError

    async def receive(self) -> tuple[Stream, bytes] | None:
        return await self._out.get()

    async def close_stdin(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True
        self._out.put_nowait(None)

    def say(self, data: bytes) -> None:
        self._out.put_nowait((Stream.STDOUT, data))


class BlackHole(HalfBroken):
    """Takes what it gets and says nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[list[str]] = []
        self._more = asyncio.Event()

    def take(self, data: bytes) -> None:
        self.taken.append(shlex.split(data.decode()))
        self._more.set()

    async def asked(self) -> list[str]:
        """The next request."""
        await self._more.wait()
        self._more.clear()
        return self.taken[-1]


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


async def test_channel_on_which_nothing_comes_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers.agent.channel, "PING_SECONDS", 0.01)
    stream = BlackHole()
    channel = Channel(stream, NONCE)
    await channel.greet(b"line\n")
    asked = asyncio.create_task(channel.request("status"))
    await asyncio.wait_for(channel.lost.wait(), 10)
    with pytest.raises(ChannelLost):
        await asked
    assert stream.closed
    assert [words[0] for words in stream.taken] == ["status", "ping"]  # one at a time: the first had no reply
    await channel.close()


async def test_channel_is_alive_as_long_as_a_window_trickles_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers.agent.channel, "PING_SECONDS", 0.02)
    stream = BlackHole()
    channel = Channel(stream, NONCE)
    await channel.greet(b"line\n")
    asked = asyncio.create_task(channel.request("window", "run", "o.0", 0, 100))
    await stream.asked()
    stream.say(f"{NONCE} 1 100 ok\n".encode())
    for _ in range(100):  # a ping waits behind it for a hundred times what it may be silent
        stream.say(b"x")
        await asyncio.sleep(0.02)
    assert (await asked).body == b"x" * 100
    assert not channel.lost.is_set()
    await channel.close()


async def ask_for_window(stream: BlackHole, channel: Channel, size: int) -> None:
    asked = asyncio.create_task(channel.request("window", "run", "o.0", 0, size))
    number = (await stream.asked())[1]
    stream.say(f"{NONCE} {number} {size} ok\n".encode() + bytes(size))
    await asked


async def test_windows_grow_while_they_come_quickly() -> None:
    stream = BlackHole()
    channel = Channel(stream, NONCE)
    await channel.greet(b"line\n")
    assert channel.download.size == FIRST_WINDOW_BYTES
    await ask_for_window(stream, channel, 10)
    assert channel.download.size == FIRST_WINDOW_BYTES  # so little says nothing of the link
    await ask_for_window(stream, channel, channel.download.size)
    assert channel.download.size == 2 * FIRST_WINDOW_BYTES
    with contextlib.suppress(ChannelLost):
        await channel.close()


async def test_raw_bytes_follow_their_request() -> None:
    stream = BlackHole()
    channel = Channel(stream, NONCE)
    await channel.greet(b"line\n")
    sent = asyncio.create_task(channel.send(bytes(FIRST_PIECE_BYTES), "write", "run", FIRST_PIECE_BYTES))
    number = (await stream.asked())[1]
    stream.say(f"{NONCE} {number} 0 ok\n".encode())
    assert (await sent).words == ("ok",)
    assert channel.upload.size == 2 * FIRST_PIECE_BYTES
    with contextlib.suppress(ChannelLost):
        await channel.close()
