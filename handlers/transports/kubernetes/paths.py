"""Where the API server keeps what we ask for. Pure; names are quoted, so none can lead elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

Query = Mapping[str, str | int]
"""Of a list, as the API names its parts: limit, continue, labelSelector, fieldSelector. Empty ones are left out."""

NAMESPACES = "/api/v1/namespaces"

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
"""Where to ask what one may do."""

_GROUPS = {"job": "batch/v1"}


def namespace(name: str) -> str:
    """One namespace."""
    return f"{NAMESPACES}/{quote(name, safe='')}"


def pods(in_namespace: str) -> str:
    """The pods of a namespace."""
    return f"{namespace(in_namespace)}/pods"


def pod(in_namespace: str, name: str) -> str:
    """One pod."""
    return f"{pods(in_namespace)}/{quote(name, safe='')}"


def workload(kind: str, in_namespace: str, name: str) -> str:
    """One deployment, statefulset, daemonset, replicaset or job."""
    group = _GROUPS.get(kind, "apps/v1")
    return f"/apis/{group}/namespaces/{quote(in_namespace, safe='')}/{kind}s/{quote(name, safe='')}"
