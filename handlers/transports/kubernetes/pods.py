"""A pod as the API shows it: which container is meant, whether it runs, what to say if not. Pure.

A pod is taken as decoded JSON, whatever it holds: fields that are missing or of another type count as empty, since the
API grows and mirror implementations leave fields out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handlers.api import ResolvedTarget
from handlers.errors import ErrorKind, RemoteCommandError

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
"""What a pod or a namespace can be called (a DNS subdomain, RFC 1123)."""

_MAX_NAMES = 8
_MAX_WORDS = 200

Json = Mapping[str, Any]


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
    metadata = _mapping(pod, "metadata")
    name, namespace = _text(metadata, "name"), _text(metadata, "namespace")
    where = f"pod {name} (namespace {namespace}, {place})"
    container = _container(pod, wanted, where)
    status = _container_status(pod, container)
    if not isinstance(_mapping(status, "state").get("running"), dict):  # an empty object is as good as startedAt
        raise _not_running(pod, container, status, where)
    return ResolvedTarget(
        kind="kubernetes",
        context=context,
        namespace=namespace,
        pod_name=name,
        pod_uid=_text(metadata, "uid"),
        container_name=container,
        container_id=_text(status, "containerID"),
        kubeconfig=kubeconfig,
    )


def check_pin(pod: Json, target: ResolvedTarget, *, place: str) -> None:
    """Refuse a pod that is not the pinned one any more: exec goes by name, and a name can be given again.

    Raises:
        RemoteCommandError: targetNotFound (reason podReplaced), targetNotRunning, or containerNotFound (reason
            containerRestarted or containerEnded).
    """
    where = f"Pod {target.pod_name} (namespace {target.namespace}, {place})"
    if _text(_mapping(pod, "metadata"), "uid") != target.pod_uid:
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
    is_deleted = bool(_mapping(pod, "metadata").get("deletionTimestamp"))
    return _text(_mapping(pod, "status"), "phase") in ("Succeeded", "Failed") and not is_deleted


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


def names(listing: Json) -> list[str]:
    """The names in a list of objects."""
    return [name for item in _mappings(listing, "items") if (name := _text(_mapping(item, "metadata"), "name"))]


def _container(pod: Json, wanted: str, where: str) -> str:
    spec = _mapping(pod, "spec")
    regular = [_text(item, "name") for item in _mappings(spec, "containers")]
    others = [
        _text(item, "name")
        for key in ("initContainers", "ephemeralContainers")
        for item in _mappings(spec, key)
    ]  # fmt: skip
    if not wanted:
        annotated = _text(_mapping(_mapping(pod, "metadata"), "annotations"), DEFAULT_CONTAINER)
        wanted = annotated if annotated in regular + others else next(iter(regular), "")
    if wanted not in regular + others or not wanted:
        there = ", ".join(regular + others) or "none"
        message = f'No container "{wanted}" in {where}; containers there: {there}.'
        raise RemoteCommandError(ErrorKind.CONTAINER_NOT_FOUND, message)
    return wanted


def _container_status(pod: Json, container: str) -> Json:
    status = _mapping(pod, "status")
    for key in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for item in _mappings(status, key):
            if item.get("name") == container:
                return item
    return {}


def _not_running(pod: Json, container: str, status: Json, where: str) -> RemoteCommandError:
    details = list(_why(pod, status))
    phase = _text(_mapping(pod, "status"), "phase")
    message = f"Container {container} of {where} is not running: {', '.join(details) or f'the pod is {phase}'}."
    ended = phase in ("Succeeded", "Failed")
    name = _text(_mapping(pod, "metadata"), "name")
    remedy = f"`kubectl describe pod {name}` shows its events."
    return RemoteCommandError(ErrorKind.TARGET_NOT_RUNNING, message, retryable=not ended, remedy=remedy)


def _why(pod: Json, status: Json) -> Iterator[str]:
    state, pod_status = _mapping(status, "state"), _mapping(pod, "status")
    waiting, terminated = _mapping(state, "waiting"), _mapping(state, "terminated")
    if terminated:
        reason = _text(terminated, "reason") or "terminated"
        yield f"{reason}, exit code {terminated.get('exitCode', 'unknown')}"
    elif waiting:
        yield _with_words(_text(waiting, "reason") or "waiting", waiting)
    if _mapping(pod, "metadata").get("deletionTimestamp"):
        yield "the pod is being deleted"
    if terminated or waiting:
        return
    if phase := _text(pod_status, "phase"):
        yield f"the pod is {phase}"
    if reason := _text(pod_status, "reason"):
        yield _with_words(reason, pod_status)
    for condition in _mappings(pod_status, "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield _with_words(_text(condition, "reason") or "not scheduled", condition)


def _with_words(reason: str, holder: Json) -> str:
    words = " ".join(_text(holder, "message").split())[:_MAX_WORDS].rstrip(".")
    return f"{reason} ({words})" if words else reason


def _mapping(holder: Json, key: str) -> Json:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _mappings(holder: Json, key: str) -> list[Json]:
    value = holder.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(holder: Json, key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""
