"""What is Kubernetes' own about a stream: subprotocols, cuts, ends without a close frame. The contract has the rest."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import pytest

from handlers.api import KubernetesTarget, Stream
from handlers.transports.base import Cut, Exited
from handlers.transports.kubernetes import stream as stream_module
from handlers.transports.kubernetes.client import KubernetesTransport
from tests.contract.test_transport import ARGV, drain
from tests.fakes.api_server import V4, V5, FakeApiServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from handlers.transports.kubernetes.stream import KubernetesStream


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer() as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[KubernetesTransport]:
    transport = KubernetesTransport()
    yield transport
    await transport.close()


async def run(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path, line: str, *, tty: bool = False
) -> KubernetesStream:
    target = KubernetesTarget(pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path)))
    stream = await transport.open(await transport.resolve(target), ARGV, tty=tty)
    await stream.write(line.encode() + b"\n")
    return stream


@pytest.mark.parametrize(("protocols", "agreed"), [((V5, V4), V5), ((V4, V5), V5), ((V4,), V4)])
async def test_v5_is_preferred(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path, protocols: tuple[str, ...], agreed: str
) -> None:
    server.protocols = protocols
    stream = await run(transport, server, tmp_path, "exit 0")
    assert (stream.protocol, stream.can_half_close) == (agreed, agreed == V5)
    assert await drain(stream) == (b"", b"", Exited(0))


@pytest.mark.parametrize("protocol", [V4, V5])
async def test_nothing_can_be_written_after_close_stdin(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path, protocol: str
) -> None:
    server.protocols = (protocol,)
    stream = await run(transport, server, tmp_path, "exec cat")
    await stream.close_stdin()
    with pytest.raises(BrokenPipeError):
        await stream.write(b"x")
    await stream.close()
    await stream.close_stdin()


@pytest.mark.parametrize("close_frame", [True, False])
async def test_the_end_needs_no_close_frame(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path, close_frame: bool
) -> None:
    server.close_frame = close_frame
    stream = await run(transport, server, tmp_path, "echo x; exit 6")
    assert await drain(stream) == (b"x\n", b"", Exited(6))


async def test_a_server_that_never_closes_is_not_waited_for(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "AFTER_STATUS_SECONDS", 0.1)
    server.lingers = True
    stream = await run(transport, server, tmp_path, "exit 6")
    assert await drain(stream) == (b"", b"", Exited(6))


async def test_a_cut_is_a_cut_and_the_program_stays(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    stream = await run(transport, server, tmp_path, f"echo up; read -r x; echo still here > {mark}")
    assert await stream.receive() == (Stream.STDOUT, b"up\n")
    server.cut()
    assert await stream.receive() is None
    assert isinstance(stream.end, Cut)
    with pytest.raises(BrokenPipeError):
        await stream.write(b"x")
    async with asyncio.timeout(5):
        while not mark.exists():  # noqa: ASYNC110  # the file of another process can only be looked for
            await asyncio.sleep(0.01)


async def test_a_cut_wakes_a_reader_and_a_writer(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    stream = await run(transport, server, tmp_path, "echo up; exec sleep 600")
    assert await stream.receive() == (Stream.STDOUT, b"up\n")
    writing = asyncio.create_task(stream.write(bytes(64 << 20)), name="writing")
    reading = asyncio.create_task(stream.receive(), name="reading")
    await asyncio.sleep(0.2)
    assert not writing.done(), "nobody reads: the writer waits"
    server.cut()
    async with asyncio.timeout(5):
        assert await reading is None
        with pytest.raises(BrokenPipeError):
            await writing


async def test_close_while_a_writer_waits(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    stream = await run(transport, server, tmp_path, "echo up; exec sleep 600")
    writing = asyncio.create_task(stream.write(bytes(64 << 20)), name="writing")
    await asyncio.sleep(0.1)
    before = time.monotonic()
    await stream.close()
    assert time.monotonic() - before < 1
    async with asyncio.timeout(5):
        with pytest.raises(BrokenPipeError):
            await writing


async def test_a_message_beyond_all_bounds_ends_the_stream(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    server.greeting = b"\x01" + bytes(5 << 20)
    stream = await run(transport, server, tmp_path, "exec cat")
    assert await stream.receive() is None
    assert isinstance(stream.end, Cut) and "5242881" in stream.end.detail


async def test_text_messages_are_ignored_and_a_close_code_is_told(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    server.greeting = "text"
    server.close_code = 1011
    stream = await run(transport, server, tmp_path, "exec cat")
    assert await stream.receive() is None
    assert stream.end == Cut("the API server closed the exec session (code 1011)")


async def test_tty_asks_for_one_output(transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path) -> None:
    stream = await run(transport, server, tmp_path, "exit 0", tty=True)
    await stream.resize(24, 80)
    await drain(stream)
    assert server.exec_urls[0].endswith("&stdin=true&stdout=true&tty=true")


async def test_sockets_are_set_up_for_small_messages_and_lost_peers(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    stream = await run(transport, server, tmp_path, "exec cat")
    sock = stream._connection.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    await stream.close()
