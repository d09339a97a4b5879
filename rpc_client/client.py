"""The client: starts a server, asks it, and hands on what it tells.

    async with Client.spawn() as client:
        definition = Definition(id="hello", args=("echo", "hello"))
        run = await client.start(StartParams(target=LocalTarget(kind="local"), definition=definition))
        async for event in run:
            ...

Params and results are the classes of `rpc_server.messages` and `rpc_server.results`. Output is told only of runs that
were opened by `start`, `attach` or `watch`; what comes of others is dropped. Every request ends: with a result, with a
`RequestError` (also when the server dies), or by cancelling it, which the server is told.
Must not know: frames, pipes, what a command is.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, Literal, overload

from rpc_client.connection import Connection, launch
from rpc_client.errors import Kind, RequestError
from rpc_server import messages, results

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from rpc_client.run import Run

SERVER = (sys.executable, "-P", "-m", "rpc_server")
"""-P: without it the current directory comes first on Python's path, and a `handlers` there would be taken for ours."""

PROTOCOL_VERSION = 1
"""The contract that this client knows."""


class Client:
    """A typed face of one server; made by `Client.spawn`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.server: results.InitializeResult
        """What the server said of itself."""

    @classmethod
    @contextlib.asynccontextmanager
    async def spawn(
        cls, *argv: str, stderr: int | None = None, output_window_bytes: int | None = None
    ) -> AsyncIterator[Client]:
        """Start a server, and end it when the block is left; commands go on.

        Args:
            argv: the server's command line; this Python's own server when left out.
            stderr: where the server's stderr goes, as for `subprocess`; that of this process when left out.
            output_window_bytes: asks for flow control, at least 32768: so much of each stream of a run is sent ahead
                of what was taken from its `Run`, and a run whose output nobody takes holds up no other. Without it all
                runs share the pipe, and one that is not taken holds it up.

        Raises:
            RequestError: serverGone when it can't be started or ends at once, badReply when it is no such server.
        """
        command = argv or SERVER
        name = " ".join((os.path.basename(command[0]), *command[1:]))  # noqa: PTH119  # it may be a bare name
        connection = Connection(await launch(command, name, stderr), name)
        try:
            client = cls(connection)
            await client._initialize(output_window_bytes)
            yield client
        finally:
            await connection.leave()

    @overload
    async def request(
        self, method: Literal["remotecmd/start"], params: messages.StartParams
    ) -> results.StartResult: ...
    @overload
    async def request(
        self, method: Literal["remotecmd/status"], params: messages.StatusParams
    ) -> results.StatusResult: ...
    @overload
    async def request(self, method: Literal["remotecmd/list"], params: messages.ListParams) -> results.ListResult: ...
    @overload
    async def request(self, method: Literal["remotecmd/stop"], params: messages.StopParams) -> results.StopResult: ...
    @overload
    async def request(
        self, method: Literal["remotecmd/signal"], params: messages.SignalParams
    ) -> results.SignalResult: ...
    @overload
    async def request(self, method: Literal["remotecmd/exec"], params: messages.ExecParams) -> results.ExecResult: ...
    @overload
    async def request(
        self, method: Literal["remotecmd/attach"], params: messages.AttachParams
    ) -> results.AttachResult: ...
    @overload
    async def request(self, method: Literal["remotecmd/detach"], params: messages.DetachParams) -> None: ...
    @overload
    async def request(self, method: Literal["remotecmd/read"], params: messages.ReadParams) -> results.ReadResult: ...
    @overload
    async def request(self, method: Literal["remotecmd/wait"], params: messages.WaitParams) -> results.WaitResult: ...
    @overload
    async def request(
        self, method: Literal["remotecmd/write"], params: messages.WriteParams
    ) -> results.WriteResult: ...
    @overload
    async def request(self, method: Literal["remotecmd/closeStdin"], params: messages.CloseStdinParams) -> None: ...
    @overload
    async def request(self, method: Literal["remotecmd/remove"], params: messages.RemoveParams) -> None: ...
    @overload
    async def request(
        self, method: Literal["remotecmd/devfile"], params: messages.DevfileParams
    ) -> results.DevfileResult: ...
    @overload
    async def request(
        self, method: Literal["remotecmd/targets"], params: messages.TargetsParams
    ) -> results.TargetsResult: ...
    @overload
    async def request(
        self, method: Literal["remotecmd/doctor"], params: messages.DoctorParams
    ) -> results.DoctorResult: ...
    @overload
    async def request(self, method: Literal["rpc.discover"]) -> dict[str, Any]: ...

    async def request(self, method: str, params: Any = None) -> Any:
        """Ask, and wait for the result. Cancelling it cancels it at the server.

        A request that was cancelled may have been done all the same, when its answer was under way.

        Raises:
            RequestError: the server refused, failed, or is gone.
        """
        return await self._connection.ask(method, params)

    async def start(self, params: messages.StartParams) -> Run:
        """Start a command and follow it. A run that is followed already gives the same object again."""
        opened: list[Run] = []

        def answered(result: results.StartResult) -> None:
            name = result.process.run_id or ""
            run = self._connection.find(name)
            opened.append(run or self._connection.open(name, result.process, created=result.created))

        await self._connection.ask("remotecmd/start", params, answered)
        return opened[0]

    async def attach(self, params: messages.AttachParams) -> Run:
        """Follow the newest run of a command; whoever followed it here before hears no more of it."""
        opened: list[Run] = []

        def answered(result: results.AttachResult) -> None:
            run = self._connection.open(result.process.run_id or "", result.process)
            run.offsets = result.offsets
            opened.append(run)

        await self._connection.ask("remotecmd/attach", params, answered)
        return opened[0]

    def on_progress(self, hear: Callable[[results.Progress], None]) -> None:
        """Call this with what requests that gave a `work_done_token` wait for."""
        self._connection.on_progress = hear

    def watch(self, run_id: str) -> Run:
        """Hear of a run by its name before it is made: for an exec with `stream`.

        Give it to `forget` when that request is over, for one that failed may have no final event.
        """
        return self._connection.open(run_id, None)

    def forget(self, run: Run) -> None:
        """Hand on no more events of a run; those that wait can still be taken."""
        self._connection.forget(run)

    async def detach(self, run: Run) -> None:
        """Follow a run no more."""
        self.forget(run)
        if run.process is not None and run.process.run_id is not None:
            await self.request("remotecmd/detach", messages.DetachParams(run_id=run.process.run_id))

    async def _initialize(self, output_window_bytes: int | None) -> None:
        params = messages.InitializeParams(
            process_id=os.getpid(),
            client_info=messages.ClientInfo(name="rpc_client"),
            protocol_version=PROTOCOL_VERSION,
            capabilities=messages.ClientCapabilities(output_window_bytes=output_window_bytes),
        )
        self.server = await self._connection.ask("initialize", params)
        if self.server.capabilities.flow_control:  # an older server is paced by its pipe
            self._connection.window_bytes = output_window_bytes
        if (version := self.server.protocol_version) != PROTOCOL_VERSION:
            name = self._connection.name
            raise RequestError(Kind.BAD_REPLY, f"{name} speaks version {version} of the protocol, and this client 1")
        await self._connection.notify("initialized")
