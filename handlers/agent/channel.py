"""A live agent in a container: requests and replies, notices, windows of bytes.

One channel serves every operation on one container (and base directory); concurrent requests share it. It always drains
the agent's streams, so that the agent is never blocked by us, and never asks for a window that it has no room for. It
pings, so that an agent whose server vanished can tell (its watchdog) and a dead network is noticed here.
Must not know: which transport carries it, what a run means.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.resources
import secrets
import time
from typing import TYPE_CHECKING, Protocol

from handlers.agent import bootstrap, codec
from handlers.agent.pace import Pace
from handlers.api import Stream

if TYPE_CHECKING:
    from collections.abc import Callable


class AgentStream(Protocol):
    """What a channel needs of a transport's stream; see `handlers.transports.base.ExecStream`, which it mirrors."""

    @property
    def end(self) -> object:
        """How it ended."""

    async def write(self, data: bytes) -> None:
        """Send to stdin."""

    async def receive(self) -> tuple[Stream, bytes] | None:
        """The next bytes."""

    async def close_stdin(self) -> None:
        """Half-close."""

    async def close(self) -> None:
        """Drop it."""


OPEN_SECONDS = 20.0
"""For the hello; a slow link needs a second or two."""

PING_SECONDS = 5.0
"""Between pings."""

SILENT_BEATS = 3
"""When nothing at all came from one ping on for so many times PING_SECONDS, the stream counts as dead. The reply to a
ping alone may be late, behind a window that takes its time on a slow link. Beats are counted, not seconds: this process
may have been stopped.
"""

FIRST_WINDOW_BYTES = 64 * 1024
"""How much is asked for at first."""

FIRST_PIECE_BYTES = 16 * 1024
"""How much is sent at first."""

LEASE_SECONDS = 60
"""A run that is to stop with its server does so when that has not pinged for this long; a shorter cut stops nothing."""

SPOOL_KIB = 1 << 20
"""Output of all runs in one base directory; the oldest goes when there is more."""

WATCHDOG_SECONDS = 30
"""The agent ends itself when it served nothing for this long (it looks every so often: at most twice this)."""


class ChannelLost(Exception):  # noqa: N818  # not an error of anybody: streams end
    """The stream ended with requests in flight; what became of them is not known from here."""


class AgentRefused(Exception):  # noqa: N818  # said by the agent
    """The agent is there and can't work: see `codec.Refused`."""

    def __init__(self, refused: codec.Refused) -> None:
        super().__init__(refused.what)
        self.refused = refused


class AgentMissing(Exception):  # noqa: N818  # said by the stream's end
    """The stream ended before a hello; `complaint` is what the shell wrote to stderr (bounded, untrusted)."""

    def __init__(self, end: object, complaint: str) -> None:
        super().__init__(complaint)
        self.end = end
        self.complaint = complaint


def agent_text() -> str:
    """The agent, without comments."""
    return bootstrap.strip(importlib.resources.files("handlers.agent").joinpath("agent.sh").read_text("ascii"))


class Channel:
    """An open agent. Create with `open_channel`."""

    def __init__(self, stream: AgentStream, nonce: str) -> None:
        self._stream = stream
        self._decoder = codec.ReplyDecoder(nonce)
        self._notices = codec.NoticeDecoder(nonce)
        self._next_id = 0
        self._pending: dict[int, asyncio.Future[codec.Reply]] = {}
        self._hearers: dict[str, set[Callable[[codec.Snapshot | None], None]]] = {}
        self._write_lock = asyncio.Lock()
        self._greeting: asyncio.Future[codec.Hello] = asyncio.get_running_loop().create_future()
        self._complaint = b""
        self._hello_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self.lost = asyncio.Event()
        """Set once the stream is gone; every later request fails with ChannelLost."""
        self.last_used = time.monotonic()
        """When a request was made last, by the monotonic clock (pings do not count)."""

        self.last_record = 0.0
        """When a run that was started here got its record last: then at least the spawner was alive."""

        self.download = Pace(FIRST_WINDOW_BYTES)
        """How much to ask for at once."""

        self.upload = Pace(FIRST_PIECE_BYTES)
        """How much to send at once."""

        self._silent_beats = 0

    async def greet(self, line: bytes) -> None:
        """Send the bootstrap line and wait for the hello.

        Raises:
            AgentRefused, AgentMissing: see there.
            TimeoutError: no hello in time.
        """
        self._tasks.append(asyncio.create_task(self._receive(), name="channel-receive"))
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                with contextlib.suppress(BrokenPipeError):  # the stream's end says more
                    await self._stream.write(line)
                await asyncio.shield(self._greeting)
        except BaseException:
            await self.close()
            raise
        self._hello_at = time.monotonic()
        self._tasks.append(asyncio.create_task(self._beat(), name="channel-beat"))

    @property
    def hello(self) -> codec.Hello:
        """What the agent said of itself."""
        return self._greeting.result()

    def uptime(self) -> float:
        """The container's clock now: seconds since its machine started."""
        return self.hello.uptime + time.monotonic() - self._hello_at

    async def request(self, operation: str, *words: str | int, spec: str | None = None) -> codec.Reply:
        """Ask the agent; `spec` is a long value that goes ahead in pieces.

        Raises:
            ChannelLost: the stream ended first.
        """
        self.last_used = time.monotonic()
        return await self._ask(operation, *words, spec=spec)

    async def send(self, data: bytes, operation: str, *words: str | int) -> codec.Reply:
        """Ask for something that is done with raw bytes, which follow the request.

        Must not be cancelled: what followed half of them would be taken for the rest.

        Raises:
            ChannelLost: the stream ended first.
        """
        self.last_used = asked = time.monotonic()
        reply = await self._ask(operation, *words, data=data)
        self.upload.learn(len(data), time.monotonic() - asked)
        return reply

    async def _ask(self, operation: str, *words: str | int, spec: str | None = None, data: bytes = b"") -> codec.Reply:
        asked = time.monotonic()
        if self.lost.is_set():
            raise ChannelLost
        self._next_id += 1
        request_id = self._next_id
        future: asyncio.Future[codec.Reply] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = future
        try:
            for piece in codec.chunks(spec or ""):
                await self._write(codec.request_line("put", request_id, piece))
            await self._write(codec.request_line(operation, request_id, *words) + data)
            reply = await future
        finally:
            self._pending.pop(request_id, None)
            if future.done() and not future.cancelled():
                future.exception()  # seen, also where a write has failed first
        self.download.learn(len(reply.body), time.monotonic() - asked)
        return reply

    async def tell(self, operation: str, *words: str | int) -> None:
        """Ask for something without waiting for the reply.

        Raises:
            ChannelLost: the stream ended first.
        """
        self._next_id += 1
        await self._write(codec.request_line(operation, self._next_id, *words))

    async def _write(self, line: bytes) -> None:
        try:
            async with self._write_lock:
                await self._stream.write(line)
        except BrokenPipeError as error:
            self._fail("its stdin is closed")  # now: who asks again must get another channel, not this one
            raise ChannelLost from error

    def listen(self, path: str, hearer: Callable[[codec.Snapshot | None], None]) -> Callable[[], None]:
        """Call `hearer` with each snapshot of the run at `path`, and with None once the channel is lost.

        Args:
            path: that of a run, or the key of a command for all its runs.
            hearer: must not block.

        Returns:
            What ends the listening.
        """
        self._hearers.setdefault(path, set()).add(hearer)

        def stop() -> None:
            hearers = self._hearers.get(path, set())
            hearers.discard(hearer)
            if not hearers:
                self._hearers.pop(path, None)

        return stop

    def is_heard(self, snapshot: codec.Snapshot) -> bool:
        """Whether anybody listens to that run; if not, its bell may go."""
        return bool(self._hearers.get(snapshot.path) or self._hearers.get(snapshot.key))

    @property
    def is_idle(self) -> bool:
        """Whether nobody listens and nothing is asked."""
        return not self._hearers and not self._pending

    async def _receive(self) -> None:
        complaint = ""
        try:
            while (received := await self._stream.receive()) is not None:
                self._take(*received)
        except codec.ProtocolError as error:
            complaint = str(error)
            await self._stream.close()  # nobody reads it any more
        finally:
            self._fail(complaint)

    def _take(self, stream: Stream, data: bytes) -> None:
        self._silent_beats = 0
        if stream is Stream.STDERR:
            if not self._greeting.done():
                self._complaint = (self._complaint + data)[:2048]
            for snapshot in self._notices.feed(data):
                for path in (snapshot.path, snapshot.key):
                    for hearer in list(self._hearers.get(path, ())):
                        hearer(snapshot)
            return
        for event in self._decoder.feed(data):
            if isinstance(event, codec.Reply):
                waiter = self._pending.get(event.request_id)
                if waiter is not None and not waiter.done():
                    waiter.set_result(event)
            elif not self._greeting.done():
                if isinstance(event, codec.Hello):
                    self._greeting.set_result(event)
                else:
                    self._greeting.set_exception(AgentRefused(event))

    def _fail(self, complaint: str) -> None:
        self.lost.set()
        if not self._greeting.done():
            text = complaint or self._complaint.decode("utf-8", "replace")
            self._greeting.set_exception(AgentMissing(self._stream.end, text))
            self._greeting.exception()  # greet() may be gone by now
        for waiter in self._pending.values():
            if not waiter.done():
                waiter.set_exception(ChannelLost())
        for hearers in list(self._hearers.values()):
            for hearer in list(hearers):
                hearer(None)

    async def _beat(self) -> None:
        """Ping, one at a time, and see whether anything comes."""
        pinging: asyncio.Task[None] | None = None
        try:
            while True:
                await asyncio.sleep(PING_SECONDS)
                self._silent_beats += 1  # any byte makes it 0
                if self._silent_beats > SILENT_BEATS:
                    break
                if pinging is None or pinging.done():
                    pinging = asyncio.create_task(self._ping(), name="channel-ping")
        finally:
            if pinging is not None:
                pinging.cancel()
        self._fail("nothing was heard of the agent")
        await self._stream.close()

    async def _ping(self) -> None:
        with contextlib.suppress(ChannelLost):  # whoever waits is told
            await self._ask("ping")

    async def close(self) -> None:
        """Let the agent go: EOF on its stdin, after which it leaves by itself. Commands are not touched."""
        for task in self._tasks:
            task.cancel()
        self._fail("closed")
        with contextlib.suppress(BrokenPipeError):
            await self._stream.close_stdin()
        await self._stream.close()
        for task in self._tasks:
            if task is not asyncio.current_task():
                with contextlib.suppress(asyncio.CancelledError):
                    await task


async def open_channel(
    stream: AgentStream,
    *,
    owner: str,
    directory: str = "",
    shell: str = "/bin/sh",
    watchdog: int = WATCHDOG_SECONDS,
    lease: int = LEASE_SECONDS,
    spool_kib: int = SPOOL_KIB,
) -> Channel:
    """Turn a fresh exec stream (started with `bootstrap.ARGV`) into a channel.

    Args:
        stream: the exec; it belongs to the channel from now on.
        owner: names the server and the container; an older agent of the same owner is ended.
        directory: base directory asked for, or empty.
        shell: what supervisors run in; only tests choose another.
        watchdog: seconds without a request after which the agent ends itself.
        lease: seconds without a ping after which runs end that are to stop with their server.
        spool_kib: output kept in the base directory.

    Raises:
        AgentRefused: the agent can't work there.
        AgentMissing: the stream ended first; who opened it knows what its end means.
        TimeoutError: there was no hello within OPEN_SECONDS.
    """
    nonce = secrets.token_hex(8)
    channel = Channel(stream, nonce)
    line = bootstrap.bootstrap_line(
        agent_text(),
        nonce=nonce,
        owner=owner,
        directory=directory,
        watchdog_seconds=watchdog,
        lease_seconds=lease,
        spool_kib=spool_kib,
        shell=shell,
    )
    await channel.greet(line)
    return channel
