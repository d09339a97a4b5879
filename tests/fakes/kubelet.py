"""The far end of a fake exec: a real local process, and what a kubelet says of it over the WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

SUCCESS = {"metadata": {}, "status": "Success"}


def exited(code: int) -> dict[str, Any]:
    """A V1Status for an exit code other than 0, as kubelet 1.34 writes it."""
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: command terminated with exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def start_failed(program: str, error: OSError) -> dict[str, Any]:
    """A V1Status for a program that never ran, in containerd's and runc's words."""
    if isinstance(error, PermissionError):
        why = f'exec: "{program}": permission denied'
    elif "/" in program:
        why = f'exec: "{program}": stat {program}: no such file or directory'
    else:
        why = f'exec: "{program}": executable file not found in $PATH'
    inner = (
        "Internal error occurred: error executing command in container: failed to exec in container: failed to start "
        f'exec "d46da1": OCI runtime exec failed: exec failed: unable to start container process: {why}: unknown'
    )
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {inner}",
        "reason": "InternalError",
        "details": {"causes": [{"message": inner}]},
        "code": 500,
    }


class Session:
    """One exec: a process in a session of its own, joined to one WebSocket. As under containerd, it outlives it."""

    def __init__(self, websocket: web.WebSocketResponse, argv: Sequence[str]) -> None:
        self._websocket = websocket
        self._argv = argv
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Run to the process's end or the connection's, whichever comes first."""
        await self._websocket.send_bytes(b"\x01")  # as the real one does, before anything runs
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            await self._say(start_failed(self._argv[0], error))
            return
        feed = asyncio.create_task(self._feed(self._process), name="fake-exec-stdin")
        serve = asyncio.create_task(self._serve(self._process), name="fake-exec-output")
        try:
            await asyncio.wait([feed, serve], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (feed, serve):
                task.cancel()
            await asyncio.gather(feed, serve, return_exceptions=True)
            self._process.stdin.close()  # type: ignore[union-attr]  # it is a pipe

    async def _serve(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for channel, reader in ((b"\x01", process.stdout), (b"\x02", process.stderr)):
                    assert reader is not None
                    group.create_task(self._pump(channel, reader), name="fake-exec-pump")
            code = await process.wait()
            await self._say(SUCCESS if code == 0 else exited(code if code > 0 else 128 - code))
        except* (ConnectionError, RuntimeError):
            pass  # the client is gone; the process stays

    async def _pump(self, channel: bytes, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(32 * 1024):
            await self._websocket.send_bytes(channel + data)

    async def _feed(self, process: asyncio.subprocess.Process) -> None:
        """Messages into stdin; returns when the connection ends, never because the process does."""
        assert process.stdin is not None
        async for message in self._websocket:
            if message.type is not WSMsgType.BINARY:
                continue
            if message.data[:1] == b"\0":
                with contextlib.suppress(ConnectionError):
                    process.stdin.write(message.data[1:])
                    await process.stdin.drain()
            elif message.data == b"\xff\0" and self._websocket.ws_protocol == "v5.channel.k8s.io":
                process.stdin.close()

    async def _say(self, status: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):
            await self._websocket.send_bytes(b"\x03" + json.dumps(status).encode())

    async def end(self) -> None:
        """Kill what is left of the process's group, and close its pipes."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process._transport.close()  # type: ignore[attr-defined]  # else wait waits for unread pipes as well
        await self._process.wait()
