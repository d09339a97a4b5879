"""One server process and the conversation with it: requests find their replies, notifications find their runs.

One loop reads the server's stdout. It never waits but for room in a run (see `rpc_client.run`), and when it ends, for
whatever reason, everybody who waits is told why. Must not know: which methods there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import attrs

from rpc_client import wire
from rpc_client.acks import Acknowledgements
from rpc_client.errors import Kind, RequestError
from rpc_client.run import HARD_BYTES, SOFT_BYTES, Event, Run
from rpc_server import results

if TYPE_CHECKING:
    from collections.abc import Callable

    from rpc_server import messages

logger = logging.getLogger(__name__)

LEAVE_SECONDS = 3.0
"""How long a server may take to leave; it promises 1 s, and the rest is for a loaded machine."""

_PIPE_BYTES = 1 << 18
"""Read ahead from the pipe."""

_SLOW = frozenset({"remotecmd/exec", "remotecmd/wait"})
"""Requests that are answered when a command ends: no reason to read past a run's bound."""


@attrs.define
class _Pending:
    method: str
    future: asyncio.Future[Any]
    answered: Callable[[Any], None] | None
    """Called with the result before the next message is read."""


async def launch(command: tuple[str, ...], name: str, stderr: int | None) -> asyncio.subprocess.Process:
    """Start a server in a group of its own, so that a Ctrl-C for this process does not end it, too.

    Raises:
        RequestError: serverGone, if there is no such program.
    """
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            limit=_PIPE_BYTES,
            **apart,
        )
    except OSError as error:
        raise RequestError(Kind.SERVER_GONE, f"the server ({name}) can't be started: {error.strerror}") from None


class Connection:
    """The pipes of one server; `name` is for messages."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        assert process.stdin is not None  # noqa: S101  # for mypy: both are pipes, see `launch`
        assert process.stdout is not None  # noqa: S101
        self.name = name
        self.window_bytes: int | None = None
        """How much of a stream the server sends ahead of what was taken; None: as much as the pipe takes."""
        self.on_progress: Callable[[results.Progress], None] | None = None
        """Hears what requests with a workDoneToken wait for."""
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._ids = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._runs: dict[str, Run] = {}
        self._changed = asyncio.Event()
        self._gone: RequestError | None = None
        self._reading = asyncio.create_task(self._read(), name="read the server")

    # -- asking --------------------------------------------------------------------------------------------------------

    async def ask(self, method: str, params: Any, answered: Callable[[Any], None] | None = None) -> Any:
        """Send a request and wait for its result; see `Client.request`."""
        if self._gone is not None:
            raise self._gone
        number = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[number] = _Pending(method, future, answered)
        self._changed.set()
        try:
            try:
                await self._send({"id": number, "method": method, "params": wire.to_json(params or {})})
            except ValueError:
                what = "the params hold a number that JSON does not have, as infinity"
                raise RequestError(Kind.INVALID_PARAMS, what) from None
            return await future
        except asyncio.CancelledError:
            if number in self._pending:
                self._write({"method": "$/cancelRequest", "params": {"id": number}})
            raise
        finally:
            self._pending.pop(number, None)

    async def notify(self, method: str) -> None:
        """Send a notification without params."""
        await self._send({"method": method, "params": {}})

    async def _send(self, message: dict[str, Any]) -> None:
        """Write once there is room. A broken pipe is no error here: the reader finds out what became of the server."""
        self._write(message)
        with contextlib.suppress(ConnectionError):
            await self._stdin.drain()

    def _write(self, message: dict[str, Any]) -> None:
        if not self._stdin.is_closing():
            self._stdin.write(wire.frame(message))

    # -- runs ----------------------------------------------------------------------------------------------------------

    def find(self, run_id: str) -> Run | None:
        """The run that hears of this run id."""
        return self._runs.get(run_id)

    def open(self, run_id: str, process: results.Process | None, *, created: bool = False) -> Run:
        """Make the run that hears of this run id from now on; another one ends."""
        acks = None if self.window_bytes is None else Acknowledgements(self.window_bytes, self._acknowledge)
        run = Run(process, created=created, taken=self._changed.set, acks=acks)
        if run_id in self._runs:
            self._runs[run_id].end()
        self._runs[run_id] = run
        return run

    def _acknowledge(self, params: messages.AckParams) -> None:
        self._write({"method": "remotecmd/ack", "params": wire.to_json(params)})

    def forget(self, run: Run) -> None:
        """Hand on no more events of a run."""
        self._runs = {run_id: other for run_id, other in self._runs.items() if other is not run}
        run.end()

    # -- listening -----------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        problem = RequestError(Kind.SERVER_GONE, f"the server ({self.name}) was left")
        try:
            while body := await wire.read_body(self._stdout):
                await self._receive(json.loads(body), len(body))
            problem = await self._epitaph()
        except asyncio.IncompleteReadError:
            problem = await self._epitaph()
        except RequestError as error:
            problem = error
        except (ValueError, asyncio.LimitOverrunError):
            what = "wrote something that is no message to its stdout: it is no such server, or prints there"
            problem = RequestError(Kind.BAD_REPLY, f"{self.name} {what}")
        finally:
            self._lose(problem)

    async def _epitaph(self) -> RequestError:
        """Say how the server ended."""
        how = "closed its stdout"
        with contextlib.suppress(TimeoutError):
            code = await asyncio.wait_for(self._process.wait(), LEAVE_SECONDS)
            how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        return RequestError(Kind.SERVER_GONE, f"the server ({self.name}) {how}")

    def _lose(self, problem: RequestError) -> None:
        """Tell everybody who waits that there is no more."""
        self._gone = problem
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_exception(problem)
        for run in self._runs.values():
            run.end(problem)
        self._runs.clear()

    async def _receive(self, message: Any, size: int) -> None:
        if not isinstance(message, dict):
            raise ValueError("not an object")  # noqa: TRY004  # as whatever else is no message
        if "method" in message:
            await self._notice(message["method"], message.get("params"), size)
        elif (pending := self._pending.pop(message.get("id", 0), None)) is not None and not pending.future.done():
            self._answer(pending, message)
        elif message.get("id") is None and "error" in message:
            self._refused(wire.error_of(message["error"]))

    def _refused(self, error: RequestError) -> None:
        """The server could not read a message (it takes no more than so much) and can't tell which request it was.

        So none that is under way may wait for ever: all of them end, and are cancelled for what they are worth.
        """
        for number, pending in list(self._pending.items()):
            if not pending.future.done():
                pending.future.set_exception(error)
                self._write({"method": "$/cancelRequest", "params": {"id": number}})

    def _answer(self, pending: _Pending, message: dict[str, Any]) -> None:
        try:
            if "error" in message:
                raise wire.error_of(message["error"])
            result = wire.result_of(pending.method, message.get("result"))
        except RequestError as error:
            pending.future.set_exception(error)
            return
        if pending.answered is not None:
            pending.answered(result)
        pending.future.set_result(result)

    async def _notice(self, method: str, params: Any, size: int) -> None:
        if method not in wire.NOTIFICATIONS:
            return
        event = wire.event_of(method, params)
        if isinstance(event, results.LogMessage):
            logger.log({1: logging.ERROR, 2: logging.WARNING}.get(event.type, logging.INFO), "%s", event.message)
            return
        if isinstance(event, results.Progress):
            if self.on_progress is not None:
                self.on_progress(event)
            return
        for run in self._runs_of(event):
            run.feed(event, size)
            if run.over:
                self.forget(run)
            while self._is_full(run):
                self._changed.clear()
                await self._changed.wait()

    def _runs_of(self, event: Event) -> list[Run]:
        match event:
            case results.Connection():
                return [run for run in self._runs.values() if run.process and run.process.target == event.target]
            case results.StatusChanged():
                run = self._runs.get(event.process.run_id or "")
            case _:
                run = self._runs.get(event.run_id)
        return [] if run is None else [run]

    def _is_full(self, run: Run) -> bool:
        if self.window_bytes is not None:
            return False  # the server itself sends no more than that
        reply_is_due = any(pending.method not in _SLOW for pending in self._pending.values())
        return not run.over and run.waiting_bytes > (HARD_BYTES if reply_is_due else SOFT_BYTES)

    # -- the end -------------------------------------------------------------------------------------------------------

    async def leave(self) -> None:
        """End the server by ending its stdin; kill one that does not leave."""
        for run in list(self._runs.values()):
            self.forget(run)
        self._stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), LEAVE_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        finally:
            self._reading.cancel()
            await asyncio.wait([self._reading])
