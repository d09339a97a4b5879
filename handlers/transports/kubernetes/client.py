"""The Kubernetes transport: containers of pods, by pods/exec.

Wiring only: `kubeconfig` and `credentials` say how to get in, `connection` talks, `pods` judges what it saw, `stream`
carries bytes. Importing this module is cheap; aiohttp and the Kubernetes client are imported in a thread on first use.
Rules: one connection per (kubeconfig, context), used by all streams; a 401 renews the credentials once.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import time
from typing import TYPE_CHECKING, TypeVar

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes import credentials, pods
from handlers.transports.kubernetes.kubeconfig import load_access
from handlers.transports.kubernetes.threads import run_in_daemon_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from handlers.api import KubernetesTarget, ResolvedTarget
    from handlers.transports.kubernetes.access import Access, Credential
    from handlers.transports.kubernetes.connection import Connection
    from handlers.transports.kubernetes.stream import KubernetesStream

T = TypeVar("T")

_LISTED_PODS = 500
"""How many pods are looked at to suggest one; a namespace has seldom more."""


class KubernetesTransport:
    """Containers of pods. Safe to use from many tasks of one event loop."""

    def __init__(self, *, plugin_timeout_seconds: float = credentials.PLUGIN_TIMEOUT_SECONDS) -> None:
        self._plugin_timeout_seconds = plugin_timeout_seconds
        self._connections: dict[tuple[str, str], Connection] = {}
        self._retired: list[Connection] = []
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._closed = False

    async def resolve(self, target: KubernetesTarget) -> ResolvedTarget:
        """GET the pod and pin its container; the kubeconfig is read afresh, as each kubectl run would."""
        access = await self._load(target.kubeconfig, target.context)
        return await self._attempt(target.kubeconfig, access, functools.partial(_resolve, target))

    async def open(self, target: ResolvedTarget, argv: Sequence[str], *, tty: bool = False) -> KubernetesStream:
        """Exec into the pinned container; refuses a pod or container that took its place."""
        known = self._connections.get((target.kubeconfig, target.context))
        access = known.access if known else await self._load(target.kubeconfig, target.context)
        return await self._attempt(target.kubeconfig, access, functools.partial(_open, target, argv, tty))

    async def close(self) -> None:
        """Drop every stream and session; takes at most about a second."""
        self._closed = True
        connections = [*self._connections.values(), *self._retired]
        self._connections.clear()
        self._retired.clear()
        await asyncio.gather(*(connection.close() for connection in connections))

    async def _load(self, kubeconfig: str, context: str) -> Access:
        return await run_in_daemon_thread(lambda: _read_access(kubeconfig, context), name="kubeconfig")

    async def _attempt(self, kubeconfig: str, access: Access, use: Callable[[Connection], Awaitable[T]]) -> T:
        """Use a connection; if its credentials are refused, read everything again and use it once more."""
        connection = await self._connect(kubeconfig, access)
        shown = connection.credential
        try:
            return await use(connection)
        except RemoteCommandError as error:
            if error.kind is not ErrorKind.UNAUTHORIZED:
                raise
        access = await self._load(kubeconfig, access.context)
        return await use(await self._connect(kubeconfig, access, refused=shown))

    async def _connect(self, kubeconfig: str, access: Access, *, refused: Credential | None = None) -> Connection:
        """The connection of a context, with credentials that are neither refused nor expired."""
        key = (kubeconfig, access.context)
        async with self._locks.setdefault(key, asyncio.Lock()):
            self._refuse_if_closed()
            await self._sweep()
            current = self._connections.get(key)
            same = current is not None and current.access == access
            if same and current is not None and current.credential is not refused and _good(current.credential):
                return current
            credential = await credentials.obtain(access, plugin_timeout_seconds=self._plugin_timeout_seconds)
            if same and current is not None and _same_certificate(current.credential, credential):
                current.renew(credential)
                return current
            library = await run_in_daemon_thread(_import_connection, name="import-kubernetes")
            connection = await library(access, credential)
            if self._closed:
                await connection.close()
            self._refuse_if_closed()
            self._connections[key] = connection
            if current is not None:
                self._retired.append(current)
            return connection

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise RemoteCommandError(ErrorKind.SHUTTING_DOWN, "The server is shutting down.")

    async def _sweep(self) -> None:
        """Close connections that were replaced and have no stream left."""
        for connection in [connection for connection in self._retired if not connection.busy]:
            self._retired.remove(connection)
            await connection.close()


async def _resolve(target: KubernetesTarget, connection: Connection) -> ResolvedTarget:
    access = connection.access
    namespace = target.namespace or access.namespace
    if not (
        pods.NAME.fullmatch(namespace) and pods.NAME.fullmatch(target.pod_name)
    ):  # never let "..", say, into a path
        raise pods.no_such_pod(target.pod_name, None, namespace=namespace, place=access.place)
    try:
        pod = await connection.get_pod(namespace, target.pod_name)
    except RemoteCommandError as error:
        if error.kind is not ErrorKind.TARGET_NOT_FOUND:
            raise
        raise await _missing(connection, namespace, target.pod_name) from None
    return pods.pin(
        pod, target.container_name, place=access.place, context=access.context, kubeconfig=target.kubeconfig
    )


async def _missing(connection: Connection, namespace: str, name: str) -> RemoteCommandError:
    """Say what is there instead, as far as the user may see it."""
    place = connection.access.place
    there: list[str] | None = None
    with contextlib.suppress(RemoteCommandError):  # may not list: then nothing is suggested
        there = pods.names(await connection.list_pods(namespace, limit=_LISTED_PODS))
    if there == []:
        try:
            await connection.get_namespace(namespace)
        except RemoteCommandError as error:
            if error.kind is ErrorKind.TARGET_NOT_FOUND:
                return pods.no_such_namespace(namespace, place=place)
    return pods.no_such_pod(name, there, namespace=namespace, place=place)


async def _open(target: ResolvedTarget, argv: Sequence[str], tty: bool, connection: Connection) -> KubernetesStream:  # noqa: FBT001  # a partial's argument
    """Exec, and look at the pod meanwhile: exec goes by name, and a name can be given to another pod."""
    check = asyncio.create_task(_check_pin(target, connection), name=f"kubernetes-pin-{target.pod_name}")
    try:
        try:
            stream = await connection.exec(target, argv, tty=tty)
        except RemoteCommandError:
            await check  # says more than a failed exec, if it has anything to say
            raise
        try:
            await check
        except BaseException:
            await stream.close()
            raise
        return stream
    finally:
        if not check.done():
            check.cancel()
            await asyncio.wait([check])
        elif not check.cancelled():
            check.exception()  # seen, whichever error is raised


async def _check_pin(target: ResolvedTarget, connection: Connection) -> None:
    pod = await connection.get_pod(target.namespace, target.pod_name)
    pods.check_pin(pod, target, place=connection.access.place)


def _read_access(kubeconfig: str, context: str) -> Access:
    access = load_access(kubeconfig, context, os.environ)
    if access is None:
        from handlers.transports.kubernetes.incluster import in_cluster_access  # noqa: PLC0415  # imports kubernetes

        access = in_cluster_access()
    return access


def _import_connection() -> Callable[[Access, Credential], Awaitable[Connection]]:
    from handlers.transports.kubernetes.connection import connect  # noqa: PLC0415  # 0.5 s: not on the event loop

    return connect


def _good(credential: Credential) -> bool:
    return credential.expires_at is None or time.time() < credential.expires_at


def _same_certificate(one: Credential, other: Credential) -> bool:
    return (one.certificate, one.key) == (other.certificate, other.key)
