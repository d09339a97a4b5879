"""TLS, client certificates, proxies, impersonation and servers that are none: all over real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from handlers.api import KubernetesTarget, ResolvedTarget
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.base import Exited
from handlers.transports.kubernetes import connection as connection_module
from handlers.transports.kubernetes.client import KubernetesTransport
from tests.contract.test_transport import ARGV, drain
from tests.fakes.api_server import TLS, FakeApiServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer(tls=True) as server:
        yield server


@pytest.fixture
async def transport(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubernetesTransport]:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    transport = KubernetesTransport(plugin_timeout_seconds=5)
    yield transport
    await transport.close()


async def use(transport: KubernetesTransport, kubeconfig: Path) -> ResolvedTarget:
    """Both ways: REST and a WebSocket."""
    found = await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(kubeconfig)))
    stream = await transport.open(found, ARGV)
    await stream.write(b"exit 4\n")
    assert await drain(stream) == (b"", b"", Exited(4))
    return found


async def failure(transport: KubernetesTransport, kubeconfig: Path) -> RemoteCommandError:
    with pytest.raises(RemoteCommandError) as caught:
        await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(kubeconfig)))
    return caught.value


def pem(name: str) -> str:
    return base64.b64encode((TLS / name).read_bytes()).decode()


async def test_tls_with_the_right_authority(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    await use(transport, server.kubeconfig(tmp_path))
    data: dict[str, Any] = {"certificate-authority": None, "certificate-authority-data": pem("ca.pem")}
    await use(transport, server.kubeconfig(tmp_path, **data))


async def test_unknown_authority_is_explained(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    unknown: dict[str, Any] = {"certificate-authority": None}
    error = await failure(transport, server.kubeconfig(tmp_path, **unknown))
    assert (error.kind, error.retryable) == (ErrorKind.UNREACHABLE, False)
    assert "certificate that can't be trusted" in error.message
    assert error.remedy is not None and "certificate-authority" in error.remedy
    unknown["insecure-skip-tls-verify"] = True
    await use(transport, server.kubeconfig(tmp_path, **unknown))


async def test_tls_server_name_is_what_is_checked(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    await use(transport, server.kubeconfig(tmp_path, **{"tls-server-name": "api.test"}))
    error = await failure(transport, server.kubeconfig(tmp_path, **{"tls-server-name": "other.test"}))
    assert "can't be trusted" in error.message and "other.test" in error.message


async def test_tls_spoken_to_a_plain_server(transport: KubernetesTransport, tmp_path: Path) -> None:
    async with FakeApiServer() as plain:
        kubeconfig = plain.kubeconfig(tmp_path, server=f"https://127.0.0.1:{plain.port}")
        error = await failure(transport, kubeconfig)
    assert (error.kind, error.retryable) == (ErrorKind.UNREACHABLE, False)
    assert "could not agree on TLS" in error.message


@pytest.mark.parametrize("form", ["file", "data", "plugin"])
async def test_client_certificates(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path, form: str
) -> None:
    script = tmp_path / "plugin"
    text = (TLS / "client.pem").read_text()
    status = {"clientCertificateData": text, "clientKeyData": text}
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
    script.chmod(0o755)
    users: dict[str, dict[str, Any]] = {
        "file": {"client-certificate": str(TLS / "client.pem"), "client-key": str(TLS / "client.pem")},
        "data": {"client-certificate-data": pem("client.pem"), "client-key-data": pem("client.pem")},
        "plugin": {"exec": {"command": "./plugin", "apiVersion": answer["apiVersion"]}},
    }
    await use(transport, server.kubeconfig_for(tmp_path, users[form]))


@pytest.mark.parametrize(
    ("user", "cluster", "words"),
    [
        ({"client-certificate-data": "UEVN"}, {}, "client certificate and key of context own can't be used"),
        ({"client-certificate": "/nowhere.pem"}, {}, "/nowhere.pem, can't be read"),
        ({}, {"certificate-authority-data": "UEVN"}, "authority of context own is not a PEM certificate"),
        ({}, {"certificate-authority": "/nowhere.pem"}, "/nowhere.pem, can't be read"),
        (
            {
                "client-certificate-data": "UEVN",
                "client-key-data": base64.b64encode(b"-BEGIN ENCRYPTED PRIVATE-").decode(),
            },
            {},
            "is encrypted",
        ),
    ],
)
async def test_certificates_that_can_not_be_used(
    transport: KubernetesTransport,
    server: FakeApiServer,
    tmp_path: Path,
    user: dict[str, Any],
    cluster: dict[str, Any],
    words: str,
) -> None:
    error = await failure(transport, server.kubeconfig_for(tmp_path, user, **cluster))
    assert error.kind is ErrorKind.KUBECONFIG_INVALID and words in error.message


async def test_keys_do_not_stay_on_disk(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    user = {"client-certificate-data": pem("client.pem"), "client-key-data": pem("client.pem")}
    await use(transport, server.kubeconfig_for(tmp_path, user))
    assert list(scratch.iterdir()) == []


async def test_impersonation_reaches_rest_and_exec(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    user = {"token": "admin-token", "as": "jane", "as-groups": ["a", "b"]}
    await use(transport, server.kubeconfig_for(tmp_path, user))
    assert {request.path.endswith("exec") for request in server.requests} == {True, False}
    for request in server.requests:
        assert request.headers["Impersonate-User"] == "jane"
        assert request.headers.getall("Impersonate-Group") == ["a", "b"]
        assert request.headers["Authorization"] == "Bearer admin-token"
        assert request.headers["User-Agent"] == "remotecmd"


@pytest.mark.parametrize("by", ["proxy-url", "environment"])
async def test_proxies_are_used_for_rest_and_exec(
    transport: KubernetesTransport,
    server: FakeApiServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    by: str,
) -> None:
    async with connect_proxy(lambda host: server.port if host == "api.test" else None) as proxy:
        url = f"http://me:hidden@127.0.0.1:{proxy.port}"
        cluster = {"server": "https://api.test:6443"}
        if by == "environment":
            monkeypatch.setenv("HTTPS_PROXY", url)
        else:
            cluster["proxy-url"] = url
        await use(transport, server.kubeconfig(tmp_path, **cluster))
        assert proxy.asked[0].startswith("CONNECT api.test:6443 ")
        assert "Proxy-Authorization: Basic bWU6aGlkZGVu" in proxy.asked[0]
        assert len(proxy.asked) >= 2
        error = await failure(transport, server.kubeconfig(tmp_path, **cluster | {"server": "https://other.test"}))
        assert error.kind is ErrorKind.UNREACHABLE and "HTTP 502" in error.message
    error = await failure(transport, server.kubeconfig(tmp_path, **cluster | {"server": "https://third.test"}))
    assert "proxy 127.0.0.1" in error.message and "can't be reached" in error.message
    assert "hidden" not in error.message


async def test_socks_proxies_are_refused(transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path) -> None:
    error = await failure(transport, server.kubeconfig(tmp_path, **{"proxy-url": "socks5://127.0.0.1:1"}))
    assert error.kind is ErrorKind.NOT_SUPPORTED and "socks5" in error.message


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"[" * 60_000])
async def test_a_server_that_is_no_api_server(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path, body: bytes
) -> None:
    server.refusals = [(200, body)]
    error = await failure(transport, server.kubeconfig(tmp_path))
    assert error.kind is ErrorKind.UNREACHABLE and "not a Kubernetes API server" in error.message


async def test_a_body_without_end_is_given_up(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "MAX_JSON_BYTES", 1000)
    server.refusals = [(200, b" " * 2000)]
    error = await failure(transport, server.kubeconfig(tmp_path))
    assert error.kind is ErrorKind.NOT_SUPPORTED and "is larger than" in error.message


async def test_an_upgrade_refused_keeps_its_reason(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    found = await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path))))
    body = {"kind": "Status", "message": "error dialing backend: no route to host"}
    server.refusals = [(500, json.dumps(body).encode())] * 2
    with pytest.raises(RemoteCommandError, match="error dialing backend: no route to host") as caught:
        await transport.open(found, ARGV)
    assert caught.value.retryable


async def test_a_server_that_does_not_upgrade(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path))))
    server.exec_answer = (200, b"{}")
    with pytest.raises(RemoteCommandError) as caught:
        await transport.open(found, ARGV)
    assert caught.value.kind is ErrorKind.NOT_SUPPORTED and "WebSocket" in caught.value.message


async def test_a_server_that_speaks_no_subprotocol(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    found = await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path))))
    server.protocols = ()
    server.check_protocols = False
    with pytest.raises(RemoteCommandError) as caught:
        await transport.open(found, ARGV)
    assert caught.value.kind is ErrorKind.NOT_SUPPORTED and "v5.channel.k8s.io" in caught.value.message


@pytest.mark.parametrize("silent", [True, False])
async def test_a_server_that_does_not_answer(
    transport: KubernetesTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    monkeypatch.setattr(connection_module, "REQUEST_SECONDS", 0.2)
    async with FakeApiServer() as server:
        pass
    done = asyncio.Event()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if silent:
            await done.wait()
        writer.transport.abort()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    error = await failure(transport, server.kubeconfig(tmp_path, server=f"http://127.0.0.1:{port}"))
    done.set()
    listener.close()
    await listener.wait_closed()
    assert (error.kind, error.retryable) == (ErrorKind.UNREACHABLE, True)
    assert re.search("did not answer in time" if silent else "closed the connection|reset", error.message)


def test_importing_the_transport_is_cheap() -> None:
    code = (
        "import sys, handlers.transports.kubernetes.client;"
        "sys.exit(any(m in sys.modules for m in ('aiohttp', 'kubernetes', 'yaml')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Proxy:
    """A CONNECT proxy: remembers what it was asked."""

    def __init__(self, port_of: Callable[[str], int | None]) -> None:
        self.port = 0
        self.asked: list[str] = []
        self._port_of = port_of

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            port = self._port_of(head.split()[1].rpartition(":")[0])
            if port is None:
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            else:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def connect_proxy(port_of: Callable[[str], int | None]) -> AsyncIterator[Proxy]:
    proxy = Proxy(port_of)
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        await listener.wait_closed()
