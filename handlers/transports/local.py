"""The local transport: this machine, by subprocess; it runs exactly the agent that a pod runs.

Linux only, since the agent reads /proc. The program gets a session of its own, as a container's exec gives it, so that
the agent may end its own process group without touching ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence

from handlers.api import LocalTarget, ResolvedTarget, Stream
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.inventory import Inquiry, Inventory
from handlers.transports.base import Exited, StreamEnd

_READ_BYTES = 256 * 1024
"""Per read; also asyncio's flow-control limit, so at most about twice this is buffered per stream."""


class LocalStream:
    """A subprocess as an `ExecStream`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            msg = "all three streams must be pipes"
            raise ValueError(msg)
        self._process = process
        self._stdin = process.stdin
        self._end: StreamEnd | None = None
        self._reads: dict[asyncio.Task[bytes], tuple[Stream, asyncio.StreamReader]] = {}
        self._await_bytes(Stream.STDOUT, process.stdout)
        self._await_bytes(Stream.STDERR, process.stderr)

    def _await_bytes(self, stream: Stream, reader: asyncio.StreamReader) -> None:
        task = asyncio.create_task(reader.read(_READ_BYTES), name=f"local-{stream}")
        self._reads[task] = (stream, reader)

    @property
    def end(self) -> StreamEnd | None:
        """How it ended; None until `receive` returned None."""
        return self._end

    @property
    def protocol(self) -> str:
        """None: these are pipes."""
        return ""

    async def write(self, data: bytes) -> None:
        """Send bytes to stdin; BrokenPipeError once the program is gone."""
        try:
            self._stdin.write(data)
            await self._stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise BrokenPipeError from error

    async def close_stdin(self) -> None:
        """Half-close."""
        self._stdin.close()

    async def receive(self) -> tuple[Stream, bytes] | None:
        """The next bytes of either stream, or None at the end."""
        while self._reads:
            done, _ = await asyncio.wait(self._reads, return_when=asyncio.FIRST_COMPLETED)
            task = next(iter(done))
            stream, reader = self._reads.pop(task)
            data = task.result()
            if data:
                self._await_bytes(stream, reader)
                return stream, data
        if self._end is None:
            code = await self._process.wait()
            self._end = Exited(code if code >= 0 else 128 - code)
        return None

    async def close(self) -> None:
        """Drop the pipes; the agent reads EOF and leaves by itself, a program that doesn't is killed after 1 s."""
        for task in self._reads:
            task.cancel()
        self._reads.clear()
        self._stdin.close()
        transport = self._process._transport  # type: ignore[attr-defined]  # noqa: SLF001  # asyncio has no other way
        for fd in (1, 2):
            pipe = transport.get_pipe_transport(fd)
            if pipe is not None:
                pipe.close()
        try:
            await asyncio.wait_for(self._process.wait(), 1.0)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        finally:
            transport.close()


_LINUX_ONLY = "The local target needs Linux (the agent reads /proc)."


class LocalTransport:
    """This machine as the one target of its kind."""

    async def inventory(self, inquiry: Inquiry) -> Inventory:
        """Whether it can be used."""
        del inquiry
        return Inventory(local_reason="" if sys.platform == "linux" else _LINUX_ONLY)

    async def rights(self, target: LocalTarget) -> None:
        """Nobody has to be asked."""
        del target

    async def resolve(self, target: LocalTarget) -> ResolvedTarget:
        """There is only one; anything but Linux can't be it."""
        if sys.platform != "linux":
            raise RemoteCommandError(ErrorKind.NOT_SUPPORTED, f"{_LINUX_ONLY} Use a container as the target.")
        return ResolvedTarget(kind=target.kind)

    async def open(self, target: ResolvedTarget, argv: Sequence[str], *, tty: bool = False) -> LocalStream:
        """Start `argv` in a session of its own with three pipes."""
        del target
        if tty:
            raise RemoteCommandError(ErrorKind.NOT_SUPPORTED, "The local transport has no TTY yet; leave tty out.")
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_READ_BYTES,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise RemoteCommandError(ErrorKind.SHELL_MISSING, f"There is no {argv[0]} on this machine.") from error
        except OSError as error:
            raise RemoteCommandError(
                ErrorKind.PROCESS_LIMIT, f"This machine could not start {argv[0]}: {error.strerror}.", retryable=True
            ) from error
        return LocalStream(process)

    async def close(self) -> None:
        """Nothing is shared between streams."""
