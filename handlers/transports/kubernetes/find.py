"""Finding the one container that a target means: by the pod's name, a selector, or a workload.

It only looks; whether to look again while a pod is starting is decided above. Names and labels that a message shows
are those of the target or of what the API server lists.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.inventory import PAGE
from handlers.naming import quoted, read_workload
from handlers.transports.kubernetes import pods
from handlers.transports.kubernetes.choice import Choice, selector_of
from handlers.transports.kubernetes.decoded import names
from handlers.transports.kubernetes.entries import continue_token

if TYPE_CHECKING:
    from handlers.api import KubernetesTarget, ResolvedTarget
    from handlers.transports.kubernetes.connection import Connection

_NOT_ENDED = "status.phase!=Succeeded,status.phase!=Failed"
"""A job that runs every minute leaves hundreds of pods behind: the server does not even send them."""

_LISTED_PODS = 500
"""How many pods are looked at to suggest one; a namespace has seldom more."""


async def find(target: KubernetesTarget, connection: Connection) -> ResolvedTarget:
    """The container that is meant, running."""
    namespace = target.namespace or connection.access.namespace
    if not pods.NAME.fullmatch(namespace):  # never let "..", say, into a path
        raise pods.no_such_namespace(namespace, place=connection.access.place)
    if target.workload:
        return await _by_workload(target, namespace, connection)
    if target.selector:
        matching = f"the selector {quoted(target.selector)}"
        return await _by_selector(target, target.selector, matching, namespace, connection)
    return await _by_name(target, namespace, connection)


async def _by_name(target: KubernetesTarget, namespace: str, connection: Connection) -> ResolvedTarget:
    access = connection.access
    if not pods.NAME.fullmatch(target.pod_name):
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


async def _by_workload(target: KubernetesTarget, namespace: str, connection: Connection) -> ResolvedTarget:
    kind, name = read_workload(target.workload) or ("", "")
    try:
        workload = await connection.get_workload(kind, namespace, name)
    except RemoteCommandError as error:
        if error.kind is ErrorKind.TARGET_NOT_FOUND:
            await refuse_missing_namespace(connection, namespace)
        raise
    matching = f"the {kind} {name}"
    selector = selector_of(workload)
    if not selector:
        message = f"The {kind} {name} in namespace {namespace} ({connection.access.place}) has no selector of pods."
        raise RemoteCommandError(ErrorKind.NOT_SUPPORTED, message, remedy="Name one of its pods.")
    return await _by_selector(target, selector, matching, namespace, connection, may_come=True)


async def _by_selector(
    target: KubernetesTarget,
    selector: str,
    matching: str,
    namespace: str,
    connection: Connection,
    *,
    may_come: bool = False,
) -> ResolvedTarget:
    access = connection.access
    choice = Choice(
        target.container_name,
        matching,
        where=f"namespace {namespace} ({access.place})",
        place=access.place,
        context=access.context,
        kubeconfig=target.kubeconfig,
    )
    query: dict[str, str | int] = {"limit": PAGE, "labelSelector": selector, "fieldSelector": _NOT_ENDED}
    token = ""
    while True:
        listing = await connection.list_pods(namespace, {**query, "continue": token})
        choice.take(listing)
        token = continue_token(listing)
        if not token or choice.is_ambiguous:
            break
    try:
        return choice.made(may_come=may_come)
    except RemoteCommandError as error:
        if error.kind is ErrorKind.TARGET_NOT_FOUND:
            await refuse_missing_namespace(connection, namespace)
        raise


async def _missing(connection: Connection, namespace: str, name: str) -> RemoteCommandError:
    """Say what is there instead, as far as the user may see it."""
    place = connection.access.place
    there: list[str] | None = None
    with contextlib.suppress(RemoteCommandError):  # may not list: then nothing is suggested
        there = names(await connection.list_pods(namespace, {"limit": _LISTED_PODS}, names_only=True))
    if there == []:
        try:
            await refuse_missing_namespace(connection, namespace)
        except RemoteCommandError as error:
            return error
    return pods.no_such_pod(name, there, namespace=namespace, place=place)


async def refuse_missing_namespace(connection: Connection, namespace: str) -> None:
    """Raise targetNotFound if the namespace is known not to be there: to the API, it is just one without pods."""
    try:
        await connection.get_namespace(namespace)
    except RemoteCommandError as error:
        if error.kind is ErrorKind.TARGET_NOT_FOUND:
            raise pods.no_such_namespace(namespace, place=connection.access.place) from None
