"""Our stdin, passed on to a command, to its end or to that of the command. Bytes are passed on as they are.

What was not sent, for the connection to the container broke, is sent again from where it broke: the server says how
much has arrived.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from handlers.errors import ErrorKind
from rpc_cli import formats
from rpc_client.errors import RequestError
from rpc_server import messages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rpc_cli.screen import Screen
    from rpc_client.client import Client

READ_BYTES = 64 * 1024
MOST_BYTES = 1 << 20
"""What is read ahead while a write is under way, and sent at once."""


class Source:
    """A descriptor, read on a thread, for which nobody waits in the end.

    It may be a file, which no event loop can wait for, or a terminal, on which a read lasts until somebody types.

    Args:
        descriptor: what to read.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._changed = threading.Condition()
        self._data = bytearray()
        self._ended = False
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    async def next(self) -> bytes:
        """What there is, at most MOST_BYTES or so; nothing at the end."""
        while True:
            self._news.clear()
            with self._changed:
                data, self._data = bytes(self._data), bytearray()
                self._changed.notify()
                if data or self._ended:
                    return data
            await self._news.wait()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._descriptor, READ_BYTES)
            except OSError:  # a terminal that is gone
                data = b""
            with self._changed:
                self._data += data
                self._ended = not data
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                    self._loop.call_soon_threadsafe(self._news.set)
                self._changed.wait_for(lambda: len(self._data) < MOST_BYTES)
            if not data:
                return


@contextlib.asynccontextmanager
async def fed(screen: Screen, client: Client, **where: Any) -> AsyncIterator[None]:
    """Pass our stdin on within the block.

    Args:
        screen: is told what goes wrong.
        client: whom to ask.
        where: the command, as remotecmd/write names it.
    """
    feeding = asyncio.create_task(_feed(screen, client, where), name="feed")
    try:
        yield
    finally:
        feeding.cancel()
        await asyncio.wait({feeding})


async def _feed(screen: Screen, client: Client, where: dict[str, Any]) -> None:
    try:
        if sys.stdin is not None:
            source = Source(sys.stdin.fileno())
            while data := await source.next():
                while data:
                    text = base64.b64encode(data).decode("ascii")
                    params = messages.WriteParams(**where, data=text, encoding="base64")
                    data = data[(await client.request("remotecmd/write", params)).written :]
        await client.request("remotecmd/closeStdin", messages.CloseStdinParams(**where))
    except RequestError as error:
        if error.kind != ErrorKind.STDIN_CLOSED.value:  # nobody has to read all that we have
            screen.warn(f"stdin was not passed on to its end: {formats.sentence(error.message)}")
