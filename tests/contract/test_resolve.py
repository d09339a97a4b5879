"""What finding a container says, and what it says when there is none: kinds and words, fake and real server alike."""

from __future__ import annotations

import contextlib
import copy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from handlers.api import KubernetesTarget, LocalTarget
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.base import Exited
from handlers.transports.kubernetes.client import KubernetesTransport
from handlers.transports.local import LocalTransport
from tests.contract.conftest import CONTEXT, KUBECONFIG, POD
from tests.contract.test_transport import ARGV, drain
from tests.fakes.api_server import ALL, FakeApiServer, pod

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from handlers.transports.base import Transport

_: type[Transport[KubernetesTarget]] = KubernetesTransport  # it is one, says mypy


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer() as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[KubernetesTransport]:
    transport = KubernetesTransport(plugin_timeout_seconds=5)
    yield transport
    await transport.close()


@pytest.fixture(params=["fake", pytest.param("cluster", marks=pytest.mark.cluster)])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """Arguments of a KubernetesTarget that is there; tests change one."""
    async with contextlib.AsyncExitStack() as stack:
        if request.param == "cluster":
            yield {"pod_name": POD, "kubeconfig": KUBECONFIG, "context": CONTEXT}
            return
        fake = await stack.enter_async_context(FakeApiServer())
        yield {"pod_name": "app", "kubeconfig": str(fake.kubeconfig(tmp_path)), "context": "admin"}


async def failure(transport: KubernetesTransport, **target: Any) -> RemoteCommandError:
    with pytest.raises(RemoteCommandError) as caught:
        await transport.resolve(KubernetesTarget(**target))
    return caught.value


async def test_local_is_pinned_on_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await LocalTransport().resolve(LocalTarget())).kind == "local"
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(RemoteCommandError) as caught:
        await LocalTransport().resolve(LocalTarget())
    assert caught.value.kind is ErrorKind.NOT_SUPPORTED


async def test_everything_is_pinned(transport: KubernetesTransport, target: dict[str, Any]) -> None:
    found = await transport.resolve(KubernetesTarget(**target))
    assert (found.kind, found.context, found.namespace) == ("kubernetes", target["context"], "default")
    assert (found.pod_name, found.container_name) == (target["pod_name"], "main")
    assert found.kubeconfig == target["kubeconfig"]
    assert found.pod_uid and found.container_id.startswith("containerd://")
    side = await transport.resolve(KubernetesTarget(**target, container_name="side"))
    assert side.pod_uid == found.pod_uid and side.channel_key != found.channel_key


@pytest.mark.covers("targetNotFound")
async def test_missing_pod_lists_what_is_there(transport: KubernetesTransport, target: dict[str, Any]) -> None:
    error = await failure(transport, **target | {"pod_name": "apii"})
    assert (error.kind, error.http_status, error.retryable) == (ErrorKind.TARGET_NOT_FOUND, 404, False)
    assert error.message.startswith(f'No pod "apii" in namespace default (context {target["context"]}); pods there: ')
    assert target["pod_name"] in error.message


async def test_missing_namespace_is_told_from_missing_pod(
    transport: KubernetesTransport, target: dict[str, Any]
) -> None:
    error = await failure(transport, **target, namespace="nowhere")
    assert (error.kind, error.http_status) == (ErrorKind.TARGET_NOT_FOUND, 404)
    assert 'No namespace "nowhere"' in error.message


@pytest.mark.parametrize("name", ["..", "a/b", "", "A", "-a", "x" * 300])
async def test_what_can_be_no_name_is_not_asked_for(
    transport: KubernetesTransport, target: dict[str, Any], name: str
) -> None:
    error = await failure(transport, **target | {"pod_name": name})
    assert error.kind is ErrorKind.TARGET_NOT_FOUND


@pytest.mark.covers("containerNotFound")
async def test_missing_container_lists_the_others(transport: KubernetesTransport, target: dict[str, Any]) -> None:
    error = await failure(transport, **target, container_name="mian")
    assert error.kind is ErrorKind.CONTAINER_NOT_FOUND
    assert 'No container "mian"' in error.message and "main, side" in error.message


@pytest.mark.covers("kubeconfigInvalid")
async def test_missing_context_lists_the_others(transport: KubernetesTransport, target: dict[str, Any]) -> None:
    error = await failure(transport, **target | {"context": "prod"})
    assert error.kind is ErrorKind.KUBECONFIG_INVALID
    assert "no context prod" in error.message and target["context"] in error.message


async def test_missing_kubeconfig_names_the_file(transport: KubernetesTransport) -> None:
    error = await failure(transport, pod_name="app", kubeconfig="/nowhere/kubeconfig")
    assert error.kind is ErrorKind.KUBECONFIG_INVALID
    assert "/nowhere/kubeconfig" in error.message


async def test_bad_kubeconfig_shows_the_line_but_not_its_text(transport: KubernetesTransport, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("users:\n- name: a\n  user: {token: hidden-secret\n")
    error = await failure(transport, pod_name="app", kubeconfig=str(file))
    assert error.kind is ErrorKind.KUBECONFIG_INVALID
    assert "line" in error.message and "hidden" not in error.message


@pytest.mark.covers("unauthorized")
async def test_unknown_credentials_are_unauthorized(
    transport: KubernetesTransport, target: dict[str, Any], tmp_path: Path
) -> None:
    document = yaml.safe_load(Path(target["kubeconfig"]).read_text())
    document["users"].append({"name": "stranger", "user": {"token": "made-up"}})
    cluster = next(c["context"]["cluster"] for c in document["contexts"] if c["name"] == target["context"])
    document["contexts"].append({"name": "odd", "context": {"cluster": cluster, "user": "stranger"}})
    file = tmp_path / "other"
    file.write_text(yaml.safe_dump(document))
    error = await failure(transport, **target | {"kubeconfig": str(file), "context": "odd"})
    assert (error.kind, error.http_status) == (ErrorKind.UNAUTHORIZED, 401)
    assert "user stranger" in error.message and "made-up" not in error.message


@pytest.mark.covers("unreachable")
async def test_nothing_listens(transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path) -> None:
    kubeconfig = str(server.kubeconfig(tmp_path))
    await server.stop()
    error = await failure(transport, pod_name="app", kubeconfig=kubeconfig)
    assert (error.kind, error.retryable) == (ErrorKind.UNREACHABLE, True)
    assert f"127.0.0.1:{server.port}" in error.message and "connection refused" in error.message


async def test_a_name_that_is_no_host(transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path) -> None:
    kubeconfig = str(server.kubeconfig(tmp_path, server="https://no-such-host.invalid:6443"))
    error = await failure(transport, pod_name="app", kubeconfig=kubeconfig)
    assert (error.kind, error.retryable) == (ErrorKind.UNREACHABLE, True)
    assert "can't be resolved" in error.message


@pytest.mark.covers("forbidden")
async def test_viewer_sees_the_pod_but_may_not_exec(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    target = KubernetesTarget(pod_name="app", context="view", kubeconfig=str(server.kubeconfig(tmp_path)))
    resolved = await transport.resolve(target)
    with pytest.raises(RemoteCommandError) as caught:
        await transport.open(resolved, ARGV)
    error = caught.value
    assert (error.kind, error.http_status) == (ErrorKind.FORBIDDEN, 403)
    assert 'User "viewer" lacks the verb get on pods/exec' in error.message
    assert "get and create" in error.message


async def test_get_without_create_names_create(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    server.tokens["view-token"] = ("half", frozenset({"get pods", "get pods/exec"}))
    target = KubernetesTarget(pod_name="app", context="view", kubeconfig=str(server.kubeconfig(tmp_path)))
    with pytest.raises(RemoteCommandError, match="lacks the verb create on pods/exec"):
        await transport.open(await transport.resolve(target), ARGV)


@pytest.mark.cluster
async def test_real_viewer_is_forbidden_with_the_verb(transport: KubernetesTransport) -> None:
    """The context `viewer` may at most look; which verb it lacks first depends on the cluster's roles."""
    target = KubernetesTarget(pod_name=POD, kubeconfig=KUBECONFIG, context="viewer")
    with pytest.raises(RemoteCommandError) as caught:
        await transport.open(await transport.resolve(target), ARGV)
    assert (caught.value.kind, caught.value.http_status) == (ErrorKind.FORBIDDEN, 403)
    assert "lacks the verb get on pods" in caught.value.message


async def test_nothing_is_listed_to_who_may_not_list(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    server.tokens["view-token"] = ("blind", frozenset({"get pods"}))
    error = await failure(transport, pod_name="apii", context="view", kubeconfig=str(server.kubeconfig(tmp_path)))
    assert error.message == 'No pod "apii" in namespace default (context view).'


async def test_an_empty_namespace_says_so(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    error = await failure(transport, pod_name="app", namespace="empty", kubeconfig=str(server.kubeconfig(tmp_path)))
    assert "there are no pods in it" in error.message


async def test_default_container_annotation_is_followed(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    annotations = {"kubectl.kubernetes.io/default-container": "side"}
    server.pods["default", "app"]["metadata"]["annotations"] = annotations
    found = await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path))))
    assert found.container_name == "side"


@pytest.mark.covers("targetNotRunning")
async def test_a_waiting_container_says_why(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "nginx:tyop"'}}
    server.pods["default", "app"]["status"]["containerStatuses"][0]["state"] = waiting
    error = await failure(transport, pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path)))
    assert (error.kind, error.retryable) == (ErrorKind.TARGET_NOT_RUNNING, True)
    assert "ImagePullBackOff" in error.message and "nginx:tyop" in error.message


async def test_a_replaced_pod_is_not_exec_ed_into(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    found = await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path))))
    server.pods["default", "app"] = pod("app", uid="uid-new")
    with pytest.raises(RemoteCommandError) as caught:
        await transport.open(found, ARGV)
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.TARGET_NOT_FOUND, "podReplaced")


async def test_a_restarted_container_is_not_exec_ed_into(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    found = await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path))))
    again = copy.deepcopy(server.pods["default", "app"])
    again["status"]["containerStatuses"][0]["containerID"] = "containerd://another"
    server.pods["default", "app"] = again
    with pytest.raises(RemoteCommandError) as caught:
        await transport.open(found, ARGV)
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.CONTAINER_NOT_FOUND, "containerRestarted")


async def test_a_pod_that_vanished_meanwhile(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    found = await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path))))
    del server.pods["default", "app"]
    with pytest.raises(RemoteCommandError) as caught:
        await transport.open(found, ARGV)
    assert (caught.value.kind, caught.value.http_status) == (ErrorKind.TARGET_NOT_FOUND, 404)


async def test_changed_kubeconfig_is_noticed(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    kubeconfig = server.kubeconfig(tmp_path, context="nobody")
    error = await failure(transport, pod_name="app", kubeconfig=str(kubeconfig))
    assert error.kind is ErrorKind.UNAUTHORIZED
    server.kubeconfig(tmp_path, context="admin")
    assert (await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(kubeconfig)))).context == "admin"


async def test_rotated_token_keeps_open_streams(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("admin-token\n")
    kubeconfig = str(server.kubeconfig_for(tmp_path, {"tokenFile": "token"}))
    found = await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=kubeconfig))
    stream = await transport.open(found, ARGV)
    server.tokens = {"rotated": ("admin", ALL)}
    token.write_text("rotated\n")
    again = await transport.open(found, ARGV)  # refused once, then with the new token
    for open_stream in (stream, again):
        await open_stream.write(b"echo here\n")
        assert await drain(open_stream) == (b"here\n", b"", Exited(0))


async def test_only_the_constant_argv_reaches_the_audit_log(
    transport: KubernetesTransport, server: FakeApiServer, tmp_path: Path
) -> None:
    found = await transport.resolve(KubernetesTarget(pod_name="app", kubeconfig=str(server.kubeconfig(tmp_path))))
    stream = await transport.open(found, ARGV)
    await stream.write(b"echo secret\n")
    await drain(stream)
    path = "/api/v1/namespaces/default/pods/app/exec?command=%2Fbin%2Fsh&command=-c"
    line = "&command=IFS%3D%20read%20-r%20l%3B%20eval%20%22%24l%22"
    assert server.exec_urls == [f"{path}{line}&container=main&stdin=true&stdout=true&stderr=true"]
