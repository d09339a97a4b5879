"""The Kubernetes transport: containers of pods, by pods/exec.

Wiring only: `kubeconfig` and `credentials` say how to get in, `connection` talks, `find`, `listing` and `review` look,
`pods` judges what they saw, `stream` carries bytes. Importing this module is cheap; aiohttp and the Kubernetes client
are imported in a thread on first use.
Rules: one connection per (kubeconfig, context), used by all streams; a 401 renews the credentials once.
"""

from __future__ import annotations

import asyncio
import functools
import os
import time
from typing import TYPE_CHECKING, TypeVar

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.inventory import ContextEntry, Inventory
from handlers.transports.kubernetes import credentials, pods
from handlers.transports.kubernetes.find import find
from handlers.transports.kubernetes.kubeconfig import load_access, load_contexts
from handlers.transports.kubernetes.listing import listing
from handlers.transports.kubernetes.review import review
from handlers.transports.kubernetes.threads import run_in_daemon_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from handlers.api import KubernetesTarget, ResolvedTarget
    from handlers.checkup import Rights
    from handlers.inventory import Inquiry
    from handlers.transports.kubernetes.access import Access, Credential
    from handlers.transports.kubernetes.connection import Connection
    from handlers.transports.kubernetes.stream import KubernetesStream

T = TypeVar("T")


class KubernetesTransport:
    """Containers of pods. Safe to use from many tasks of one event loop."""

    def __init__(self, *, plugin_timeout_seconds: float = credentials.PLUGIN_TIMEOUT_SECONDS) -> None:
        self._plugin_timeout_seconds = plugin_timeout_seconds
        self._connections: dict[tuple[str, str], Connection] = {}
        self._retired: list[Connection] = []
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._closed = False

    async def inventory(self, inquiry: Inquiry) -> Inventory:
        """Contexts from the kubeconfig, or a page of what the API server has in one of them."""
        if inquiry.listed == "contexts":
            return await run_in_daemon_thread(lambda: _read_contexts(inquiry.kubeconfig), name="kubeconfig")
        access = await self._load(inquiry.kubeconfig, inquiry.context)
        return await self._attempt(inquiry.kubeconfig, access, functools.partial(listing, inquiry))

    async def resolve(self, target: KubernetesTarget) -> ResolvedTarget:
        """Find the pod and pin its container; the kubeconfig is read afresh, as each kubectl run would."""
        access = await self._load(target.kubeconfig, target.context)
        return await self._attempt(target.kubeconfig, access, functools.partial(find, target))

    async def rights(self, target: KubernetesTarget) -> Rights:
        """What the user may do, asked of the API server."""
        access = await self._load(target.kubeconfig, target.context)
        return await self._attempt(target.kubeconfig, access, functools.partial(review, target))

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


def _read_contexts(kubeconfig: str) -> Inventory:
    entries, current = load_contexts(kubeconfig, os.environ)
    return Inventory(contexts=tuple(ContextEntry(name, space, name == current) for name, space in entries))


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
