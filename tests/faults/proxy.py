"""A TCP proxy between the server under test and the API server, on which everything goes wrong that can.

It runs on an event loop of its own, in a thread, so that tests may block. It sees TLS records only: where it cuts, it
cuts in the middle of whatever is there. Must not know: HTTP, Kubernetes, what is tested.

    with Proxy("127.0.0.1", 6443, cuts(seed, 100)) as proxy:
        ... proxy.port ...
        proxy.throttle(40_000)
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.faults.plan import Cut, Direction, Kind

T = TypeVar("T")

CHUNK_BYTES = 64 * 1024


class Link:
    """One connection through the proxy."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter, cut: Cut | None) -> None:
        self.near, self.far, self.cut = near, far, cut
        self.passed = dict.fromkeys(Direction, 0)
        self.is_hole = False

    def end(self, kind: Kind) -> None:
        for writer in (self.near, self.far):
            if kind is Kind.RESET:
                sock = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):  # closed by its peer already
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()


class Proxy:
    """Passes bytes on between its port and an address, as long as nothing else is asked for.

    Args:
        host: of the address.
        port: of the address.
        cuts: one for each connection that is made, as long as there are any.
        most: so many connections are cut by plan; some connections never get as far as their cut.
    """

    def __init__(self, host: str, port: int, cuts: Iterable[Cut] = (), most: int = 1 << 30) -> None:
        self._address = (host, port)
        self._cuts: Iterator[Cut] = iter(cuts)
        self._most = most
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = {direction: asyncio.Event() for direction in Direction}
        for flows in self._flows.values():
            flows.set()
        self._bytes_per_second: float | None = None
        self._delay_seconds = 0.0
        self._refuses = False
        self.port = 0
        self.cut_count = 0
        """How many connections were cut."""
        self.connection_count = 0
        self.passed = dict.fromkeys(Direction, 0)
        """Bytes that got through."""

    # -- what a test can do, from its own thread -----------------------------------------------------------------------

    def cut(self, kind: Kind = Kind.RESET) -> int:
        """End every connection that there is; returns how many there were."""

        async def end() -> int:
            links = list(self._links)
            for link in links:
                self._end(link, kind)
            return len(links)

        return self._call(end())

    def swallow(self) -> int:
        """Take what comes on the connections that there are, pass nothing on and say nothing; returns how many."""

        async def begin() -> int:
            for link in self._links:
                link.is_hole = True
            return len(self._links)

        return self._call(begin())

    def stall(self, *directions: Direction) -> None:
        """Let nothing move, in these directions or in both, until `resume`."""

        async def begin() -> None:
            for direction in directions or Direction:
                self._flows[direction].clear()

        self._call(begin())

    def resume(self) -> None:
        async def end() -> None:
            self._let_go()

        self._call(end())

    def stall_for(self, seconds: float) -> None:
        """Let nothing move for so long."""

        async def hold() -> None:
            await asyncio.sleep(seconds)
            self._let_go()

        self.stall()
        self._loop.call_soon_threadsafe(lambda: self._keep(asyncio.create_task(hold())))

    def throttle(self, bytes_per_second: float | None) -> None:
        """Pass on no more than that, of each direction of each connection."""
        self._bytes_per_second = bytes_per_second

    def delay(self, seconds: float) -> None:
        """Hold up whatever comes."""
        self._delay_seconds = seconds

    def refuse(self, *, refuses: bool) -> None:
        """End every connection as it is made, and those that there are."""
        self._refuses = refuses
        if refuses:
            self.cut()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=4 * CHUNK_BYTES))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async def close() -> None:
            self._server.close()
            for link in list(self._links):
                link.end(Kind.RESET)
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._call(close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    # -- on the loop ---------------------------------------------------------------------------------------------------

    async def _serve(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        if self._refuses:
            near.transport.abort()
            return
        try:
            far_reader, far = await asyncio.open_connection(*self._address, limit=4 * CHUNK_BYTES)
        except OSError:  # the API server is away
            near.transport.abort()
            return
        link = Link(near, far, next(self._cuts, None))
        self._links.add(link)
        for work in (
            self._pass_on(link, near_reader, far, Direction.UP),
            self._pass_on(link, far_reader, near, Direction.DOWN),
        ):
            self._keep(asyncio.create_task(work))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _let_go(self) -> None:
        for flows in self._flows.values():
            flows.set()

    async def _pass_on(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                while data:
                    piece = data[: self._piece_bytes()]
                    data = data[len(piece) :]
                    await self._hold_up(direction, len(piece))
                    if not link.is_hole and not await self._pass(link, piece, writer, direction):
                        return
        if not link.is_hole:  # who is behind a hole is not told either
            self._links.discard(link)
            link.end(Kind.CLOSE)

    async def _pass(self, link: Link, data: bytes, writer: asyncio.StreamWriter, direction: Direction) -> bool:
        """Pass on as much as is to be; False if that is the end of the connection."""
        cut = link.cut
        if cut is not None and (cut.direction is not direction or self.cut_count >= self._most):
            cut = None
        if cut is not None:
            data = data[: max(cut.after - link.passed[direction], 0)]
        link.passed[direction] += len(data)
        self.passed[direction] += len(data)
        writer.write(data)
        if cut is not None and link.passed[direction] >= cut.after:
            self._end(link, cut.kind)
            return False
        await writer.drain()
        return True

    def _piece_bytes(self) -> int:
        rate = self._bytes_per_second
        return CHUNK_BYTES if rate is None else max(min(round(rate / 20), CHUNK_BYTES), 1)

    async def _hold_up(self, direction: Direction, size: int) -> None:
        await self._flows[direction].wait()
        if self._delay_seconds:
            await asyncio.sleep(self._delay_seconds)
        if self._bytes_per_second is not None:
            await asyncio.sleep(size / self._bytes_per_second)

    def _end(self, link: Link, kind: Kind) -> None:
        if link in self._links:
            self._links.discard(link)
            self.cut_count += 1
            link.end(kind)
