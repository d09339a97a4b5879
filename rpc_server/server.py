"""The server: wires stdin, protocol, outbound queue and process handler together, and takes them down again.

The event loop does nothing that can block: stdin is read and stdout is written by daemon threads, and a `Deadline`
ends the process should anything be stuck. `end` may be called from any thread and any signal handler.
Must not know: what messages mean, how a command runs.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
from typing import TYPE_CHECKING, Any

from pygls.server import JsonRPCServer

from rpc_server import converter, logs, parent, results, translate
from rpc_server.descriptors import write_all
from rpc_server.ending import Deadline, Ending
from rpc_server.inbound import Body, FrameDecoder, Malformed
from rpc_server.listener import ClientListener
from rpc_server.outbound import Outbound
from rpc_server.protocol import Protocol
from rpc_server.session import ClientState, Session
from rpc_server.stdio import StdinReader, Stdio

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import FrameType

    from pygls.exceptions import JsonRpcException

    from handlers.api import ProcessHandler

logger = logging.getLogger(__name__)

MAX_WAITING_REPLY_BYTES = 64 << 20
"""While more than this waits for a client that does not read, no more requests are read."""

FINISH_SECONDS = 0.35
CANCEL_SECONDS = 0.15
CLOSE_SECONDS = 0.1
FLUSH_SECONDS = 0.1
"""Parts of the second within which the server must be gone: requests in flight may finish, then they are cancelled,
the handler closes its channels, and the last frames go out."""


class Server(JsonRPCServer):
    """One server for one client.

    Args:
        stdio: descriptors of the client.
        version: of this server.
        deadline: ends the process if the way out takes too long.
    """

    protocol: Protocol

    def __init__(self, stdio: Stdio, version: str, deadline: Deadline) -> None:
        self.session = Session(self._process_handler, self._watch_parent, version, self._push)
        self.outbound = Outbound(
            functools.partial(write_all, stdio.stdout),
            on_broken=lambda: self.end(Ending.STDOUT),
            on_written=self.read_on,
        )
        super().__init__(Protocol, lambda: converter.make_converter(translate.RULES))
        self._deadline = deadline
        self._decoder = FrameDecoder()
        self._reader = StdinReader(stdio.stdin, self._from_reader, lambda: self.end(Ending.STDIN))
        self._reader_waits = False
        self._handler: ProcessHandler | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._ending: Ending | None = None

    @property
    def ending(self) -> bool:
        """Whether the server is on its way out."""
        return self._ending is not None

    async def serve(self) -> int:
        """Serve until the end has come, and return the exit code."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_log_loop_error)
        logs.tell_client(self._tell_client)
        self.outbound.start()
        self._reader.start()
        await self._ended.wait()
        assert self._ending is not None  # noqa: S101  # for mypy: set together with the event
        await self._leave(self._ending)
        return self._ending.code

    # -- the end -------------------------------------------------------------------------------------------------------

    def end(self, ending: Ending) -> None:
        """Begin to end; the first reason counts. For any thread and any signal handler."""
        self._deadline.arm(ending.code)
        if self._loop is not None:
            self._call(self._end, ending)

    def exit(self) -> None:
        """End as the client asked."""
        shut_down = self.session.state is ClientState.SHUT_DOWN
        ending = Ending.EXIT if shut_down else Ending.EXIT_WITHOUT_SHUTDOWN
        self._deadline.arm(ending.code)
        self._end(ending)

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            logger.info("ending: %s%s", ending.text, ", inside a message" if self._decoder.mid_message else "")
            self._ended.set()

    async def _leave(self, ending: Ending) -> None:
        if ending.patient:
            await _at_most(FINISH_SECONDS, self.protocol.idle())
        self.protocol.cancel_all()
        await _at_most(CANCEL_SECONDS, self.protocol.idle())
        if self._handler is not None:
            await _at_most(CLOSE_SECONDS, self._handler.close())
        await _at_most(FLUSH_SECONDS, self.outbound.flushed())
        self.outbound.close()

    # -- what the threads report ---------------------------------------------------------------------------------------

    def _call(self, what: Any, *args: Any) -> None:
        """Run something on the loop, unless that is closed already."""
        assert self._loop is not None  # noqa: S101  # for mypy: threads start after it is set
        try:
            self._loop.call_soon_threadsafe(what, *args)
        except RuntimeError:
            return

    def _from_reader(self, chunk: bytes) -> None:
        self._call(self._received, chunk)

    def _received(self, chunk: bytes) -> None:
        for event in self._decoder.feed(chunk):
            if self.ending:
                return
            try:
                self._handle(event)
            except Exception:  # a bug with one message must not end the reading of others
                logger.exception("a message could not be dealt with")
        self._reader_waits = True
        self.read_on()

    def _handle(self, event: Body | Malformed) -> None:
        if isinstance(event, Body):
            self.protocol.handle_body(event.data)
        else:
            self.protocol.refuse_frame(event.message)

    def read_on(self) -> None:
        """Let the reader go on, if it waits and neither requests nor replies pile up."""
        overloaded = self.protocol.overloaded or self.outbound.waiting > MAX_WAITING_REPLY_BYTES
        if self._reader_waits and not overloaded:
            self._reader_waits = False
            self._reader.resume()

    def _watch_parent(self, pid: int) -> None:
        parent.watch(pid, lambda: self.end(Ending.PARENT))

    # -- what the client is told without asking ------------------------------------------------------------------------

    def _process_handler(self) -> ProcessHandler:
        if self._handler is None:
            from handlers.supervisor import Supervisor  # noqa: PLC0415  # initialize is answered before it is needed

            self._handler = Supervisor(ClientListener(self.session, self._push))
        return self._handler

    async def _push(self, params: Any) -> None:
        await self.outbound.drain()
        self.protocol.push(params)

    def _tell_client(self, kind: int, message: str) -> None:
        """Tell nothing before `initialize`; for any thread."""
        if self.session.state is ClientState.INITIALIZED:
            self._call(self._log_to_client, kind, message)

    def _log_to_client(self, kind: int, message: str) -> None:
        """Drop log messages while the client does not read."""
        if not self.outbound.full:
            self.protocol.push(results.LogMessage(type=kind, message=message))

    def report_server_error(self, error: Exception, source: type[Exception | JsonRpcException]) -> None:
        """Take what pygls itself has to report; its text may hold values."""
        logger.error("pygls reported %s from %s", type(error).__name__, source.__name__)


def run(stdio: Stdio, version: str) -> int:
    """Serve one client until the end and return the exit code. Call it in the main thread."""
    deadline = Deadline()
    server = Server(stdio, version, deadline)

    def on_signal(_: int, __: FrameType | None) -> None:
        server.end(Ending.SIGNAL)

    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):  # the last two are not everywhere
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), on_signal)
    return asyncio.run(server.serve())


def _log_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What asyncio reports, by type; its own text shows arguments of calls."""
    error = context.get("exception")
    logger.error("an error that nobody awaited: %s", type(error).__name__, exc_info=error)


async def _at_most(seconds: float, step: Coroutine[Any, Any, None]) -> None:
    """Wait for a step on the way out, but no longer: then it is cancelled and not waited for. Errors are logged."""
    task = asyncio.get_running_loop().create_task(step, name="leave")
    done, _ = await asyncio.wait([task], timeout=seconds)
    if not done:
        task.cancel()
    elif not task.cancelled() and (error := task.exception()) is not None:
        logger.error("an error on the way out: %s", type(error).__name__, exc_info=error)
