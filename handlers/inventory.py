"""What there is to run commands in: contexts, namespaces, pods and their containers, for a picker. Pure data.

Everything that can be seen is told, also what can't be used, with the reason: a picker greys it out. What the user may
not see is an error (forbidden) and never an empty list. Must not know: any transport, JSON.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

PAGE = 500
"""Entries of a list that are given at once, unless asked otherwise: what kubectl asks for, too."""

MAX_PAGE = 1000
"""A page is read in one piece while nothing else is done; a thousand pods are some 60 ms."""

Listed = Literal["pods", "namespaces", "contexts"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What to list; fields that a kind does not have are empty. `continue_token` comes from the page before."""

    kind: Literal["local", "kubernetes"]
    listed: Listed = "pods"
    context: str = ""
    namespace: str = ""
    kubeconfig: str = ""
    selector: str = ""
    limit: int = PAGE
    continue_token: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ContextEntry:
    """A context of the kubeconfig; the namespace is empty where it names none."""

    name: str
    namespace: str
    is_current: bool


@dataclasses.dataclass(frozen=True, slots=True)
class NamespaceEntry:
    """A namespace; the current one is that of the context."""

    name: str
    is_current: bool


@dataclasses.dataclass(frozen=True, slots=True)
class ContainerEntry:
    """A container; one without `reason` can be used. `role` is empty for an ordinary one."""

    name: str
    state: Literal["running", "waiting", "terminated"]
    is_ready: bool
    reason: str
    role: Literal["", "init", "sidecar", "ephemeral"]


@dataclasses.dataclass(frozen=True, slots=True)
class PodEntry:
    """A pod; one without `reason` can be used, as its default container can. `created_at`: ms since the epoch."""

    name: str
    phase: str
    is_ready: bool
    created_at: int | None
    default_container: str
    reason: str
    containers: tuple[ContainerEntry, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """A page of what was asked for; the other lists are None. `continue_token` is empty on the last page."""

    context: str = ""
    namespace: str = ""
    contexts: tuple[ContextEntry, ...] | None = None
    namespaces: tuple[NamespaceEntry, ...] | None = None
    pods: tuple[PodEntry, ...] | None = None
    continue_token: str = ""
    local_reason: str | None = None
    """Of an inquiry for this machine: why it can't be used, or empty."""
