"""JSON-RPC on one connection: every request is answered once, whatever it holds, and nothing else is.

pygls' `JsonRPCProtocol` drops requests with invalid params, missing params, malformed JSON, batches and any nested key
named "jsonrpc", and logs bodies; so messages are not structured by it (`structure_message` is the identity) and are
dispatched here over the METHODS table. Everything runs on the loop, a request as a task that `$/cancelRequest` cancels;
its reply is sent when the task is done, however it ended. Must not know: descriptors, threads, what a method does.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from typing import TYPE_CHECKING, Any

import attrs
from pygls.exceptions import (
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
)
from pygls.protocol.json_rpc import JsonRPCProtocol

from handlers.errors import ErrorKind, RemoteCommandError
from rpc_server import envelope, messages, results
from rpc_server.codes import Code
from rpc_server.converter import InvalidParams
from rpc_server.errors import error_object
from rpc_server.methods import METHODS, Reply
from rpc_server.notifications import NOTIFICATIONS, name_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    import cattrs

    from rpc_server.envelope import RequestId
    from rpc_server.server import Server

logger = logging.getLogger(__name__)

MAX_IN_FLIGHT = 16_384
"""Requests read and not answered; more are not read. A client may write ten thousand before it reads a reply."""

MAX_IN_FLIGHT_BYTES = 256 << 20
"""Their bytes, likewise: four of the largest."""


@attrs.frozen
class _Request:
    method: str
    size: int
    received: float
    task: asyncio.Task[Reply]


class Protocol(JsonRPCProtocol):
    """One connection. `server` gives the session, the queue of frames and the way out."""

    def __init__(self, server: Server, converter: cattrs.Converter) -> None:
        super().__init__(server, converter)
        self._owner = server
        self._requests: dict[RequestId, _Request] = {}
        self._bytes_in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def overloaded(self) -> bool:
        """Whether no more requests should be read for now."""
        return len(self._requests) >= MAX_IN_FLIGHT or self._bytes_in_flight > MAX_IN_FLIGHT_BYTES

    async def idle(self) -> None:
        """Wait until no request is in flight."""
        await self._idle.wait()

    def cancel_all(self) -> None:
        """Cancel what is in flight; each is answered with shuttingDown."""
        for request in list(self._requests.values()):
            request.task.cancel()

    def structure_message(self, data: dict[str, Any]) -> dict[str, Any]:
        """Leave messages as they are; `handle_message` reads them."""
        return data

    def handle_body(self, body: bytes) -> None:
        """Take one message as bytes."""
        try:
            message = envelope.decode(body)
        except envelope.MalformedJsonError as error:
            self.refuse(None, JsonRpcParseError(str(error)))
        else:
            self.handle_message(message, len(body))

    def handle_message(self, message: Any, size: int = 0) -> None:
        """Take one message as a JSON value; `size` is that of its body in bytes."""
        if not isinstance(message, dict):
            what = "batches are not supported: send one message a frame" if isinstance(message, list) else None
            self.refuse(None, JsonRpcInvalidRequest(what or "a message must be an object"))
        elif envelope.is_response(message):
            logger.info("ignored a response: this server sends no requests")
        elif (problem := envelope.problem_of(message)) is not None:
            self.refuse(envelope.read_id(message), JsonRpcInvalidRequest(problem))
        elif "id" in message:
            self._receive_request(message["id"], message["method"], message.get("params"), size)
        else:
            self._receive_notification(message["method"], message.get("params"))

    def refuse(self, msg_id: RequestId | None, error: Exception) -> None:
        """Answer with an error."""
        self._send({"jsonrpc": envelope.VERSION, "id": msg_id, "error": error_object(error, self._converter)})

    def refuse_frame(self, problem: str) -> None:
        """Answer bytes that are no message."""
        self.refuse(None, JsonRpcParseError(problem))

    def push(self, params: Any) -> None:
        """Send the notification that has such params now, room or no room."""
        wire = self._converter.unstructure(params)
        self._send({"jsonrpc": envelope.VERSION, "method": name_of(params), "params": wire})

    def _send(self, message: dict[str, Any]) -> None:
        self._owner.outbound.write(envelope.encode(message))

    # -- requests ------------------------------------------------------------------------------------------------------

    def _receive_request(self, msg_id: RequestId, name: str, params: Any, size: int) -> None:
        self._trace("received request", name)
        if name == "exit":  # a notification by right; a script that gives it an id is not left without an answer
            self._reply(msg_id, name, Reply(None), time.monotonic())
            self._owner.exit()
            return
        try:
            self._admit(msg_id, name)
            outcome = METHODS[name].handler(self._owner.session, self._structure(params, METHODS[name].params))
        except Exception as error:  # noqa: BLE001  # every request is answered, also one that meets a bug
            self._fail(msg_id, name, error)
            return
        if isinstance(outcome, Reply):
            self._reply(msg_id, name, outcome, time.monotonic())
        else:
            self._run(msg_id, name, size, outcome)

    def _admit(self, msg_id: RequestId, name: str) -> None:
        """Raise what forbids this request now."""
        if (refusal := self._owner.session.refusal(name)) is not None:
            raise JsonRpcInvalidRequest(refusal)
        if msg_id in self._requests:
            raise JsonRpcInvalidRequest("a request with this id is in flight: give each its own")
        if name in NOTIFICATIONS:
            raise JsonRpcMethodNotFound(f"{name} is a notification: send it without an id")
        if name not in METHODS:
            raise JsonRpcMethodNotFound(f"there is no method {_shown(name)}: initialize lists what there is")

    def _structure(self, params: Any, cls: type) -> Any:
        """Read params; none at all count as an empty object, and so does an empty list."""
        return self._converter.structure({} if params is None or params == [] else params, cls)

    def _run(self, msg_id: RequestId, name: str, size: int, outcome: Coroutine[Any, Any, Reply]) -> None:
        task = asyncio.get_running_loop().create_task(outcome, name=f"request {name}")
        self._requests[msg_id] = _Request(name, size, time.monotonic(), task)
        self._bytes_in_flight += size
        self._idle.clear()
        task.add_done_callback(functools.partial(self._finish, msg_id))

    def _finish(self, msg_id: RequestId, task: asyncio.Task[Reply]) -> None:
        """Answer; a callback, since a task that was cancelled before its first step never runs."""
        request = self._requests.pop(msg_id)
        self._bytes_in_flight -= request.size
        if not self._requests:
            self._idle.set()
        if task.cancelled():
            self._fail(msg_id, request.method, self._reason_of_cancel())
        elif (error := task.exception()) is not None:
            self._fail(msg_id, request.method, error)
        else:
            self._reply(msg_id, request.method, task.result(), request.received)
        self._owner.read_on()

    def _reason_of_cancel(self) -> Exception:
        if self._owner.ending:
            return RemoteCommandError(ErrorKind.SHUTTING_DOWN, "the server is exiting: the request was given up")
        return JsonRpcRequestCancelled("the request was cancelled")

    def _reply(self, msg_id: RequestId, name: str, reply: Reply, received: float) -> None:
        try:
            result = self._converter.unstructure(reply.result)
            self._send({"jsonrpc": envelope.VERSION, "id": msg_id, "result": result})
        except Exception as error:  # noqa: BLE001  # every request is answered, also one whose result is a bug
            self._fail(msg_id, name, error)
            return
        if reply.then is not None:
            reply.then()
        self._trace("answered request", name, f"after {(time.monotonic() - received) * 1000:.0f} ms")

    def _fail(self, msg_id: RequestId, name: str, error: BaseException) -> None:
        answer = error_object(error, self._converter)
        if answer["code"] == Code.INTERNAL_ERROR:
            logger.error("internal error in %s", _shown(name), exc_info=error)
        self._send({"jsonrpc": envelope.VERSION, "id": msg_id, "error": answer})
        self._trace("refused request", name, f"with code {answer['code']}")

    # -- notifications -------------------------------------------------------------------------------------------------

    def _receive_notification(self, name: str, params: Any) -> None:
        self._trace("received notification", name)
        if name not in NOTIFICATIONS:
            if not name.startswith("$/"):
                logger.warning("ignored the notification %s: it is not known", _shown(name))
            return
        cls = NOTIFICATIONS[name].params
        try:
            read = None if cls is None else self._structure(params, cls)
        except InvalidParams:
            logger.warning("ignored the notification %s: its params are invalid", name)
            return
        match read:
            case messages.CancelParams():
                self._cancel(read.id)
            case messages.SetTraceParams():
                self._owner.session.trace = read.value
            case messages.AckParams():
                self._owner.session.pacer.acknowledge(read.run_id, read.stream, read.offset)
            case _ if name == "exit":
                self._owner.exit()

    def _cancel(self, msg_id: RequestId) -> None:
        request = self._requests.get(msg_id)
        if request is None:
            logger.debug("ignored a cancellation: no such request is in flight")
        else:
            request.task.cancel()

    def _trace(self, what: str, name: str, verbose: str | None = None) -> None:
        """Tell a client that traces; names only, and nothing while it does not read."""
        trace = self._owner.session.trace
        if trace == "off" or self._owner.outbound.full:
            return
        known = name if name in METHODS or name in NOTIFICATIONS else "of an unknown name"
        detail = verbose if trace == "verbose" else None
        self.push(results.LogTrace(message=f"{what} {known}", verbose=detail))


def _shown(name: str) -> str:
    """A method's name for a message: printable and short."""
    return ascii(name[:64])
