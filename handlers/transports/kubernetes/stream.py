"""One exec WebSocket as an `ExecStream`: aiohttp moves messages, `frames` says what they mean.

Back-pressure goes both ways: nothing is read ahead here, aiohttp stops the socket at 512 KiB of unread messages, and
`write` waits while the socket takes no more than 256 KiB. So a slow reader stops the program in the container.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import aiohttp

from handlers.transports.kubernetes import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.api import Stream
    from handlers.transports.base import StreamEnd

CLOSE_SECONDS = 0.5
"""How long `close` lets the close frame and what was written before it leave; then the connection is aborted."""

AFTER_STATUS_SECONDS = 1.0
"""How long output may trail the status; servers close at once, with or without a close frame."""

_OVER = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)


class KubernetesStream:
    """A program running in a container. One task reads, any task writes (one at a time), any task may close."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse, forget: Callable[[KubernetesStream], None]) -> None:
        self._websocket = websocket
        self._connection = _transport_of(websocket)
        self._forget = forget
        self._demultiplexer = frames.Demultiplexer()
        self._half_close = websocket.protocol == frames.V5
        self._detail = "the connection to the API server was lost"
        self._status_seen = False
        self._stdin_closed = False
        self._closed = False
        self._end: StreamEnd | None = None

    @property
    def end(self) -> StreamEnd | None:
        """How it ended; None until `receive` returned None."""
        return self._end

    @property
    def protocol(self) -> str:
        """The subprotocol that was agreed on."""
        return self._websocket.protocol or ""

    async def receive(self) -> tuple[Stream, bytes] | None:
        """The next bytes of either stream, or None once the connection is over."""
        while self._end is None:
            message = await self._next()
            if message is None:
                self._end = self._demultiplexer.finish(self._detail)
                self._drop()
                break
            event = self._demultiplexer.feed(message)
            if isinstance(event, tuple):
                return event
            self._status_seen = self._status_seen or event is not None
        return None

    async def _next(self) -> bytes | None:
        """The next message; None when there will be none, with the reason in `_detail`."""
        try:
            async with asyncio.timeout(AFTER_STATUS_SECONDS if self._status_seen else None):
                message = await self._websocket.receive()
        except TimeoutError:
            return None
        if message.type is aiohttp.WSMsgType.BINARY:
            data: bytes = message.data
            return data
        if self._closed:
            self._detail = "the stream was closed here"
            return None
        if message.type is aiohttp.WSMsgType.ERROR:
            self._detail = f"the connection to the API server broke: {message.data or 'protocol error'}"
            return None
        if message.type in _OVER:
            code = self._websocket.close_code
            if code not in (None, 1000, 1006):
                self._detail = f"the API server closed the exec session (code {code})"
            return None
        return b""  # text: no exec subprotocol that we speak has any

    async def write(self, data: bytes) -> None:
        """Send bytes to stdin; BrokenPipeError once the program or the connection is gone, or stdin was closed."""
        for frame in frames.encode_stdin(data):
            if self._gone or self._stdin_closed:
                raise BrokenPipeError
            await self._send(frame)

    @property
    def can_half_close(self) -> bool:
        """Whether `close_stdin` reaches the program now (v5) or only with `close` (v4)."""
        return self._half_close

    async def close_stdin(self) -> None:
        """Half-close: nothing more can be written; harmless when repeated.

        v4 has no half-close. There the program reads EOF only once the connection closes; closing it here would lose
        the output that the caller is still waiting for, so EOF is left to `close`.
        """
        if self._stdin_closed or self._gone:
            return
        self._stdin_closed = True
        if self._half_close:
            with contextlib.suppress(BrokenPipeError):  # the program is gone, and its stdin with it
                await self._send(frames.encode_close(frames.STDIN))

    async def resize(self, rows: int, columns: int) -> None:
        """Tell a TTY its size; BrokenPipeError once the connection is gone."""
        await self._send(frames.encode_resize(rows, columns))

    @property
    def _gone(self) -> bool:
        return self._closed or self._status_seen or self._end is not None

    async def _send(self, frame: bytes) -> None:
        try:
            await self._websocket.send_bytes(frame)
        except (ConnectionError, aiohttp.ClientError) as error:
            raise BrokenPipeError(str(error)) from error

    async def close(self) -> None:
        """Drop the stream; harmless when repeated. What was written still leaves, if it can within CLOSE_SECONDS."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._websocket.close()
        except TimeoutError:
            pass  # the far side reads no more, or has megabytes to send first
        finally:
            self._drop()

    def _drop(self) -> None:
        """Give the socket back at once: closing politely waits until everything unsent is sent."""
        self._connection.abort()
        self._websocket._response.close()  # noqa: SLF001  # or aiohttp complains of a connection that was forgotten
        self._forget(self)


def _transport_of(websocket: aiohttp.ClientWebSocketResponse) -> asyncio.Transport:
    """The socket's transport, set up for small messages and for noticing a peer that vanished."""
    connection = websocket._response.connection  # noqa: SLF001  # aiohttp has no other way to abort a WebSocket
    if connection is None or connection.transport is None:  # lost just after the upgrade
        websocket._response.close()  # noqa: SLF001  # else it is taken for one that was forgotten
        raise aiohttp.ServerDisconnectedError
    sock = connection.transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):  # not on every platform
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return connection.transport
