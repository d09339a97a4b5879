"""Pods and namespaces as the API lists them, to entries of a picker. Pure.

A page may hold a thousand pods, each of some kilobytes: only what is shown is looked at, and each field once.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from handlers.inventory import ContainerEntry, NamespaceEntry, PodEntry
from handlers.transports.kubernetes.decoded import Json, mapping, mappings, names, text
from handlers.transports.kubernetes.pods import default_container, is_deleted, why_not_running

Role = Literal["", "init", "sidecar", "ephemeral"]

_MAX_REASON = 300


def pods(listing: Json) -> tuple[PodEntry, ...]:
    """The pods of a list."""
    return tuple(pod(item) for item in mappings(listing, "items"))


def namespaces(listing: Json, current: str) -> tuple[NamespaceEntry, ...]:
    """The namespaces of a list."""
    return tuple(NamespaceEntry(name, name == current) for name in names(listing))


def continue_token(listing: Json) -> str:
    """What asks for the next page; empty on the last one."""
    return text(mapping(listing, "metadata"), "continue")


def pod(found: Json) -> PodEntry:
    """One pod."""
    metadata, status = mapping(found, "metadata"), mapping(found, "status")
    containers = tuple(_containers(found))
    regular = [entry.name for entry in containers if not entry.role]
    default = default_container(found, regular, [entry.name for entry in containers if entry.role])
    meant = next((entry for entry in containers if entry.name == default), None)
    reason = "it has no containers" if meant is None else meant.reason
    if not reason and is_deleted(found):
        reason = "the pod is being deleted"
    return PodEntry(
        name=text(metadata, "name"),
        phase=text(status, "phase"),
        is_ready=any(
            condition.get("type") == "Ready" and condition.get("status") == "True"
            for condition in mappings(status, "conditions")
        ),
        created_at=milliseconds(text(metadata, "creationTimestamp")),
        default_container=default,
        reason=reason,
        containers=containers,
    )


def _containers(found: Json) -> list[ContainerEntry]:
    """Ordinary ones first. An init container that has done its work is left out: it never runs again."""
    spec, status = mapping(found, "spec"), mapping(found, "status")
    entries = _of_role(found, mappings(spec, "containers"), mappings(status, "containerStatuses"), "")
    if inits := mappings(spec, "initContainers"):
        told = mappings(status, "initContainerStatuses")
        sidecars = [item for item in inits if item.get("restartPolicy") == "Always"]
        entries += _of_role(found, sidecars, told, "sidecar")
        others = _of_role(found, [item for item in inits if item.get("restartPolicy") != "Always"], told, "init")
        entries += [entry for entry in others if entry.state != "terminated"]
    if extras := mappings(spec, "ephemeralContainers"):
        entries += _of_role(found, extras, mappings(status, "ephemeralContainerStatuses"), "ephemeral")
    return entries


def _of_role(found: Json, specified: list[Json], told: list[Json], role: Role) -> list[ContainerEntry]:
    status_of = {status.get("name"): status for status in told}
    there = [name for item in specified if (name := text(item, "name"))]
    return [_container(found, name, status_of.get(name, {}), role) for name in there]


def _container(found: Json, name: str, status: Json, role: Role) -> ContainerEntry:
    state = mapping(status, "state")
    if isinstance(state.get("running"), dict):
        return ContainerEntry(name, "running", status.get("ready") is True, "", role)
    reason = ", ".join(why_not_running(found, status)) or "it does not run"
    has_ended = bool(mapping(state, "terminated"))
    return ContainerEntry(name, "terminated" if has_ended else "waiting", False, reason[:_MAX_REASON], role)  # noqa: FBT003  # it is not ready


def milliseconds(timestamp: str) -> int | None:
    """RFC 3339 to milliseconds since the epoch; None for anything else."""
    try:
        moment = dt.datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp() * 1000)
