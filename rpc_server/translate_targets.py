"""Inquiries for targets to the domain and inventories to the wire; as `rpc_server.translate`, and part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import api, inventory
from rpc_server import messages, results

if TYPE_CHECKING:
    from collections.abc import Mapping


def judge(good: Mapping[str, Any], _: frozenset[str]) -> list[api.Violation]:
    """The rule of TargetsParams as a whole."""
    kind, listed = good.get("kind"), good.get("list_", "pods")
    if kind == "local":
        return [api.Violation((name,), 'is for kind "kubernetes"') for name in good if name != "kind"]
    needless = {"contexts": ("context", "namespace", "selector", "limit", "continue_"), "namespaces": ("selector",)}
    return [
        api.Violation((name,), f'is not for list "{listed}": leave it out')
        for name in needless.get(listed, ())
        if good.get(name)
    ]


def inquiry_to_domain(params: messages.TargetsParams) -> inventory.Inquiry:
    """What is left out is empty."""
    return inventory.Inquiry(
        kind=params.kind,
        listed=params.list_ or "pods",
        context=params.context or "",
        namespace=params.namespace or "",
        kubeconfig=params.kubeconfig or "",
        selector=params.selector or "",
        limit=params.limit or inventory.PAGE,
        continue_token=params.continue_ or "",
    )


def inventory_to_wire(found: inventory.Inventory) -> results.TargetsResult:
    """The one list that was asked for."""
    local = None
    if found.local_reason is not None:
        local = results.LocalEntry(usable=not found.local_reason, reason=found.local_reason or None)
    return results.TargetsResult(
        context=found.context or None,
        namespace=found.namespace or None,
        contexts=None if found.contexts is None else tuple(map(_context_to_wire, found.contexts)),
        namespaces=None if found.namespaces is None else tuple(map(_namespace_to_wire, found.namespaces)),
        pods=None if found.pods is None else tuple(map(_pod_to_wire, found.pods)),
        local=local,
        continue_=found.continue_token or None,
    )


def _context_to_wire(entry: inventory.ContextEntry) -> results.ContextEntry:
    return results.ContextEntry(name=entry.name, namespace=entry.namespace or None, current=entry.is_current)


def _namespace_to_wire(entry: inventory.NamespaceEntry) -> results.NamespaceEntry:
    return results.NamespaceEntry(name=entry.name, current=entry.is_current)


def _pod_to_wire(entry: inventory.PodEntry) -> results.PodEntry:
    return results.PodEntry(
        pod_name=entry.name,
        phase=entry.phase,
        ready=entry.is_ready,
        created_at=entry.created_at,
        default_container=entry.default_container,
        usable=not entry.reason,
        reason=entry.reason or None,
        containers=tuple(map(_container_to_wire, entry.containers)),
    )


def _container_to_wire(entry: inventory.ContainerEntry) -> results.ContainerEntry:
    return results.ContainerEntry(
        container_name=entry.name,
        state=entry.state,
        ready=entry.is_ready,
        usable=not entry.reason,
        reason=entry.reason or None,
        role=entry.role or None,
    )
