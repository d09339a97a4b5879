"""What a client sends to a command's stdin: piece after piece, each whole or not at all, none of them twice.

A piece that has arrived is a file in the container, from which the run's feeder takes it: so it is known what has
arrived, also after the connection broke in the midst of one. Must not know: who sends, what a run means.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING

from handlers import explain
from handlers.agent.channel import Channel, ChannelLost
from handlers.errors import RemoteCommandError
from handlers.retry import back_off, is_passing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Hashable

    from handlers.api import Written
    from handlers.spool import Ask

LOOK_SECONDS = 30.0
"""Who waits for room looks by himself this often: a feeder that was killed tells nobody."""

FIND_OUT_TRIES = 5
"""How often it is tried to find out what has arrived before a connection broke: for a minute or so."""

CANCEL_SECONDS = 2.0
"""How long a cancelled write waits for the reply to the piece that is under way."""


class Stdin:
    """The stdin of one run.

    Args:
        path: the run's directory.
        reach: gives the live channel.
        ask: asks the agent what may be asked twice.
    """

    def __init__(self, path: str, reach: Callable[[], Awaitable[Channel]], ask: Ask) -> None:
        self._path = path
        self._reach = reach
        self._ask = ask
        self.has_waited = False
        """Whether a write waited for room: then there is a bell that its run need not have any more."""

    async def write(self, data: bytes, written: Written) -> None:
        """Send what there is room for, and wait for room for the rest; less has arrived if the connection broke.

        Args:
            data: to be sent.
            written: counts what has arrived, also when this ends in an error or is cancelled.

        Raises:
            RemoteCommandError: the command takes no input, or not all of this.
        """
        tag = secrets.token_hex(4)
        channel = await self._reach()
        try:
            if not data:
                await self._until_room(channel, written)
            while written.size < len(data):
                piece = data[written.size : written.size + channel.upload.size]
                if not await self._send(channel, tag, piece, written):
                    await self._until_room(channel, written)
        except ChannelLost:
            await self._find_out(tag, written)

    async def close(self) -> None:
        """What has arrived is the whole of it; closing twice is no error."""
        if (await self._ask("close_stdin", self._path)).words[0] == "none":
            raise explain.takes_no_input("none", 0)

    async def _send(self, channel: Channel, tag: str, piece: bytes, written: Written) -> bool:
        """Send a piece; False if there is no room. In a task of its own, for half a piece must never be sent."""
        sending = asyncio.create_task(channel.send(piece, "write", self._path, tag, len(piece)), name="write")
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait({sending}, timeout=CANCEL_SECONDS)
            with contextlib.suppress(ChannelLost, asyncio.InvalidStateError):
                if sending.result().words[:1] == ("ok",):
                    written.size += len(piece)
            raise
        if not self._is_ok(sending.result().words, written):
            return False
        written.size += len(piece)
        return True

    async def _until_room(self, channel: Channel, written: Written) -> None:
        self.has_waited = True
        news = asyncio.Event()
        stop_listening = channel.listen(self._path, lambda _: news.set())
        try:
            while True:
                news.clear()
                reply = await channel.request("room", self._path)
                if self._is_ok(reply.words, written):
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await news.wait()
        finally:
            stop_listening()

    def _is_ok(self, words: tuple[str, ...], written: Written) -> bool:
        """False if there is no room."""
        match words[:1]:
            case ("ok",):
                return True
            case ("crowded",):
                return False
            case ("full",):
                raise explain.no_room_for_input(written.size)
            case ("none" | "closed" | "ended" as why,):
                raise explain.takes_no_input(why, written.size)
            case _:
                raise ChannelLost  # the agent could not read what was sent, and leaves

    async def _find_out(self, tag: str, written: Written) -> None:
        for failures in range(1, FIND_OUT_TRIES + 1):
            try:
                written.size = int((await self._ask("wrote", self._path, tag)).words[1])
            except RemoteCommandError as error:
                if not is_passing(error):
                    raise explain.input_unknown(written.size) from error
                await back_off(failures)
            except (ValueError, IndexError):
                raise explain.broken_record() from None
            else:
                return
        raise explain.input_unknown(written.size)


class Turns:
    """Whoever comes first goes first, for each key."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, tuple[asyncio.Lock, int]] = {}

    @contextlib.asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for it; the next one's comes at the end."""
        lock, count = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, count + 1)
        try:
            async with lock:
                yield
        finally:
            lock, count = self._locks.pop(key)
            if count > 1:
                self._locks[key] = (lock, count - 1)
