"""Sharing and renewing connections, credentials that change, being closed in the middle of things."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from handlers.api import KubernetesTarget, ResolvedTarget
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes.client import KubernetesTransport
from handlers.transports.kubernetes.threads import run_in_daemon_thread
from tests.contract.test_transport import ARGV
from tests.fakes.api_server import ALL, TLS, FakeApiServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer() as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[KubernetesTransport]:
    transport = KubernetesTransport(plugin_timeout_seconds=5)
    yield transport
    await transport.close()


async def resolve(transport: KubernetesTransport, kubeconfig: Path, **more: Any) -> ResolvedTarget:
    return await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(kubeconfig), **more))


def plugin(directory: Path, *, token_file: Path, **status: Any) -> dict[str, Any]:
    """A user entry whose plugin shows what a file holds, and counts its runs."""
    api = "client.authentication.k8s.io/v1"
    answer = json.dumps({"apiVersion": api, "kind": "ExecCredential", "status": {"token": "TOKEN", **status}})
    script = directory / "plugin"
    script.write_text(
        f"#!/bin/sh\necho run >> {directory}/runs\nsed \"s/TOKEN/$(cat {token_file})/\" <<'E'\n{answer}\nE\n"
    )
    script.chmod(0o755)
    return {"exec": {"command": "./plugin", "apiVersion": api}}


def runs(directory: Path) -> int:
    return len((directory / "runs").read_text().splitlines())


async def test_one_connection_per_context(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    kubeconfig = server.kubeconfig(tmp_path)
    await asyncio.gather(*(resolve(transport, kubeconfig) for _ in range(5)))
    await resolve(transport, kubeconfig, context="admin")
    assert len(transport._connections) == 1
    await resolve(transport, kubeconfig, context="view")
    assert len(transport._connections) == 2


async def test_plugin_runs_once_and_again_when_refused(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("admin-token")
    kubeconfig = server.kubeconfig_for(tmp_path, plugin(tmp_path, token_file=token))
    await asyncio.gather(*(resolve(transport, kubeconfig) for _ in range(5)))
    assert runs(tmp_path) == 1
    server.tokens = {"second": ("admin", ALL)}
    token.write_text("second")
    await asyncio.gather(*(resolve(transport, kubeconfig) for _ in range(5)))
    assert runs(tmp_path) == 2
    server.tokens = {}
    with pytest.raises(RemoteCommandError) as caught:
        await resolve(transport, kubeconfig)
    assert caught.value.kind is ErrorKind.UNAUTHORIZED
    assert runs(tmp_path) == 3


async def test_expired_token_is_renewed_before_use(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("admin-token")
    user = plugin(tmp_path, token_file=token, expirationTimestamp="2001-01-01T00:00:00Z")
    kubeconfig = server.kubeconfig_for(tmp_path, user)
    await resolve(transport, kubeconfig)
    await resolve(transport, kubeconfig)
    assert runs(tmp_path) == 2
    assert len(server.requests) == 2, "no request was refused"


@pytest.mark.covers("credentialPluginFailed")
async def test_failing_plugin_is_the_answer(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    kubeconfig = server.kubeconfig_for(tmp_path, {"exec": {"command": "false", "apiVersion": "v"}})
    with pytest.raises(RemoteCommandError) as caught:
        await resolve(transport, kubeconfig)
    assert caught.value.kind is ErrorKind.CREDENTIAL_PLUGIN_FAILED


async def test_replaced_connection_lives_until_its_streams_end(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    kubeconfig = server.kubeconfig(tmp_path)
    stream = await transport.open(await resolve(transport, kubeconfig), ARGV)
    server.kubeconfig(tmp_path, **{"tls-server-name": "changed"})
    await resolve(transport, kubeconfig)
    assert len(transport._retired) == 1
    await stream.write(b"echo still here; exec cat\n")
    event = await stream.receive()
    assert event is not None and event[1] == b"still here\n"
    await stream.close()
    await resolve(transport, kubeconfig)
    assert transport._retired == []


async def test_open_needs_no_resolve_before(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    """As after a restart of the server, with a target that was pinned earlier."""
    found = await resolve(transport, server.kubeconfig(tmp_path))
    other = KubernetesTransport()
    stream = await other.open(found, ARGV)
    await stream.close()
    await other.close()


async def test_a_closed_transport_opens_nothing(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    kubeconfig = server.kubeconfig(tmp_path)
    await transport.close()
    await transport.close()
    with pytest.raises(RemoteCommandError) as caught:
        await resolve(transport, kubeconfig)
    assert caught.value.kind is ErrorKind.SHUTTING_DOWN


async def test_cancelled_open_leaves_no_stream(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    found = await resolve(transport, server.kubeconfig(tmp_path))
    for delay in (0, 0.001, 0.003, 0.01):
        task = asyncio.create_task(transport.open(found, ARGV), name="open")
        await asyncio.sleep(delay)
        task.cancel()
        try:
            stream = await task
        except asyncio.CancelledError:
            continue
        await stream.close()
    async with asyncio.timeout(5):
        while server.open_execs:  # noqa: ASYNC110  # the server's side has no event for it
            await asyncio.sleep(0.01)
    assert not any("pin" in task.get_name() for task in asyncio.all_tasks())


async def test_in_cluster_account(
    transport: KubernetesTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = tmp_path / "account"
    account.mkdir()
    monkeypatch.setattr("kubernetes.aio.config.incluster_config.SERVICE_TOKEN_FILENAME", str(account / "token"))
    monkeypatch.setattr("kubernetes.aio.config.incluster_config.SERVICE_CERT_FILENAME", str(TLS / "ca.pem"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    async with FakeApiServer(tls=True) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        with pytest.raises(RemoteCommandError) as caught:
            await transport.resolve(KubernetesTarget(pod_name="app"))
        assert caught.value.kind is ErrorKind.KUBECONFIG_INVALID and "service account" in caught.value.message
        (account / "token").write_text("admin-token\n")
        found = await transport.resolve(KubernetesTarget(pod_name="app"))
        assert (found.context, found.namespace) == ("", "default")
        (account / "namespace").write_text("empty")
        with pytest.raises(RemoteCommandError, match=r"namespace empty \(in-cluster\)"):
            await transport.resolve(KubernetesTarget(pod_name="app"))


async def test_abandoned_thread_is_not_waited_for() -> None:
    release = threading.Event()
    task = asyncio.create_task(run_in_daemon_thread(release.wait, name="stuck"), name="waiting")
    await asyncio.sleep(0)
    before = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - before < 1
    release.set()
    await asyncio.sleep(0.05)  # its late result goes nowhere, and says nothing


def test_a_thread_that_outlives_its_loop_is_silent() -> None:
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait()
        ended.set()

    async def main() -> None:
        task = asyncio.create_task(run_in_daemon_thread(work, name="late"), name="waiting")
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(main())
    release.set()
    assert ended.wait(5)


async def test_a_thread_s_error_arrives() -> None:
    def work() -> None:
        raise RemoteCommandError(ErrorKind.INTERNAL, "from the thread")

    with pytest.raises(RemoteCommandError, match="from the thread"):
        await run_in_daemon_thread(work, name="failing")
