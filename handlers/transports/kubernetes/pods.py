"""A pod as the API shows it: which container is meant, whether it runs, what to say if not. Pure.

A pod is taken as decoded JSON, whatever it holds (`decoded`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from handlers.api import ResolvedTarget
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes.decoded import Json, mapping, mappings, text, with_words

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
"""What a pod or a namespace can be called (a DNS subdomain, RFC 1123)."""

_MAX_NAMES = 8


def pin(pod: Json, wanted: str, *, place: str, context: str, kubeconfig: str) -> ResolvedTarget:
    """The container that is meant, running.

    Args:
        pod: the pod.
        wanted: the container's name; empty for the annotated one, else the first, as kubectl chooses.
        place: the context, as messages name it.
        context: the context's name; empty in a cluster.
        kubeconfig: the path that the user gave.

    Raises:
        RemoteCommandError: containerNotFound or targetNotRunning.
    """
    metadata = mapping(pod, "metadata")
    name, namespace = text(metadata, "name"), text(metadata, "namespace")
    where = f"pod {name} (namespace {namespace}, {place})"
    container = _container(pod, wanted, where)
    status = _container_status(pod, container)
    if not isinstance(mapping(status, "state").get("running"), dict):  # an empty object is as good as startedAt
        raise _not_running(pod, container, status, where)
    return ResolvedTarget(
        kind="kubernetes",
        context=context,
        namespace=namespace,
        pod_name=name,
        pod_uid=text(metadata, "uid"),
        container_name=container,
        container_id=text(status, "containerID"),
        kubeconfig=kubeconfig,
    )


def check_pin(pod: Json, target: ResolvedTarget, *, place: str) -> None:
    """Refuse a pod that is not the pinned one any more: exec goes by name, and a name can be given again.

    Raises:
        RemoteCommandError: targetNotFound (reason podReplaced), targetNotRunning, or containerNotFound (reason
            containerRestarted or containerEnded).
    """
    where = f"Pod {target.pod_name} (namespace {target.namespace}, {place})"
    if text(mapping(pod, "metadata"), "uid") != target.pod_uid:
        message = f"{where} was replaced by a new pod of the same name; what ran in the old one is gone."
        raise RemoteCommandError(ErrorKind.TARGET_NOT_FOUND, message, reason="podReplaced")
    if _is_over(pod):
        message = f"{where}: its container {target.container_name} has ended, and what ran in it."
        raise RemoteCommandError(ErrorKind.CONTAINER_NOT_FOUND, message, reason="containerEnded")
    now = pin(pod, target.container_name, place=place, context=target.context, kubeconfig=target.kubeconfig)
    if now.container_id != target.container_id:
        message = f"{where}: its container {target.container_name} was restarted; what ran in the old one is gone."
        raise RemoteCommandError(ErrorKind.CONTAINER_NOT_FOUND, message, reason="containerRestarted")


def _is_over(pod: Json) -> bool:
    """Whether none of its containers runs or will run again; one that is being deleted is told to be missing soon."""
    return text(mapping(pod, "status"), "phase") in ("Succeeded", "Failed") and not is_deleted(pod)


def is_deleted(pod: Json) -> bool:
    """Whether it is on its way out."""
    return bool(mapping(pod, "metadata").get("deletionTimestamp"))


def no_such_pod(name: str, there: Sequence[str] | None, *, namespace: str, place: str) -> RemoteCommandError:
    """The error for a pod that isn't there; `there` are the names that are, most alike first, or None if not known."""
    message = f'No pod "{name}" in namespace {namespace} ({place})'
    if there is None:
        message += "."
    elif not there:
        message += "; there are no pods in it."
    else:
        alike = difflib.get_close_matches(name, there, n=_MAX_NAMES, cutoff=0.5)
        shown = [*alike, *(other for other in there if other not in alike)][:_MAX_NAMES]
        message += f"; pods there: {', '.join(shown)}{', …' if len(there) > len(shown) else ''}."
    return RemoteCommandError(ErrorKind.TARGET_NOT_FOUND, message, http_status=404)


def no_such_namespace(namespace: str, *, place: str) -> RemoteCommandError:
    """The error for a namespace that isn't there."""
    message = f'No namespace "{namespace}" ({place}). Give target.namespace, or mend the context\'s.'
    return RemoteCommandError(ErrorKind.TARGET_NOT_FOUND, message, http_status=404)


def default_container(pod: Json, regular: Sequence[str], others: Sequence[str]) -> str:
    """The container that is meant when none is named, as kubectl chooses; empty if the pod has none."""
    annotated = text(mapping(mapping(pod, "metadata"), "annotations"), DEFAULT_CONTAINER)
    return annotated if annotated and (annotated in regular or annotated in others) else next(iter(regular), "")


def _container(pod: Json, wanted: str, where: str) -> str:
    spec = mapping(pod, "spec")
    regular = [text(item, "name") for item in mappings(spec, "containers")]
    others = [
        text(item, "name")
        for key in ("initContainers", "ephemeralContainers")
        for item in mappings(spec, key)
    ]  # fmt: skip
    wanted = wanted or default_container(pod, regular, others)
    if wanted not in regular + others or not wanted:
        there = ", ".join(regular + others) or "none"
        message = f'No container "{wanted}" in {where}; containers there: {there}.'
        raise RemoteCommandError(ErrorKind.CONTAINER_NOT_FOUND, message)
    return wanted


def _container_status(pod: Json, container: str) -> Json:
    status = mapping(pod, "status")
    for key in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for item in mappings(status, key):
            if item.get("name") == container:
                return item
    return {}


def _not_running(pod: Json, container: str, status: Json, where: str) -> RemoteCommandError:
    details = list(why_not_running(pod, status))
    phase = text(mapping(pod, "status"), "phase")
    message = f"Container {container} of {where} is not running: {', '.join(details) or f'the pod is {phase}'}."
    ended = phase in ("Succeeded", "Failed")
    name = text(mapping(pod, "metadata"), "name")
    remedy = f"`kubectl describe pod {name}` shows its events."
    return RemoteCommandError(ErrorKind.TARGET_NOT_RUNNING, message, retryable=not ended, remedy=remedy)


def why_not_running(pod: Json, status: Json) -> Iterator[str]:
    """Why a container that does not run doesn't, in a few words each; `status` is the container's."""
    state, pod_status = mapping(status, "state"), mapping(pod, "status")
    waiting, terminated = mapping(state, "waiting"), mapping(state, "terminated")
    if terminated:
        reason = text(terminated, "reason") or "terminated"
        yield f"{reason}, exit code {terminated.get('exitCode', 'unknown')}"
    elif waiting:
        yield with_words(text(waiting, "reason") or "waiting", waiting)
    if is_deleted(pod):
        yield "the pod is being deleted"
    if terminated or waiting:
        return
    if phase := text(pod_status, "phase"):
        yield f"the pod is {phase}"
    if reason := text(pod_status, "reason"):
        yield with_words(reason, pod_status)
    for condition in mappings(pod_status, "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield with_words(text(condition, "reason") or "not scheduled", condition)
