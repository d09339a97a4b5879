"""What a user may do in a cluster, by access reviews of the user's own: a right that everybody has.

It asks for the verbs that commands need and for those that are convenient; what follows is decided above.
Source: SelfSubjectAccessReview, authorization.k8s.io/v1.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from handlers.checkup import Right, Rights
from handlers.naming import read_workload
from handlers.transports.kubernetes import pods
from handlers.transports.kubernetes.decoded import mapping

if TYPE_CHECKING:
    from handlers.api import KubernetesTarget
    from handlers.transports.kubernetes.connection import Connection


async def review(target: KubernetesTarget, connection: Connection) -> Rights:
    """Which of the rights that matter for a target the user has."""
    access = connection.access
    namespace = target.namespace or access.namespace
    if not pods.NAME.fullmatch(namespace):
        raise pods.no_such_namespace(namespace, place=access.place)
    asked = rights_for(target)
    answers = await asyncio.gather(*(connection.create_review(_body(right, namespace)) for right in asked))
    held = [mapping(answer, "status").get("allowed") is True for answer in answers]
    return Rights(
        place=f"namespace {namespace} ({access.place})",
        held=tuple(right for right, is_held in zip(asked, held, strict=True) if is_held),
        missing=tuple(right for right, is_held in zip(asked, held, strict=True) if not is_held),
    )


def rights_for(target: KubernetesTarget) -> tuple[Right, ...]:
    """What matters: a pod that is named can be used without listing any. Rules may be for that pod only."""
    is_named = bool(target.pod_name)
    rights = [
        Right("get", "pods", is_needed=True, name=target.pod_name),
        Right("list", "pods", is_needed=not is_named),
        Right("get", "pods/exec", is_needed=True, name=target.pod_name),
        Right("create", "pods/exec", is_needed=True, name=target.pod_name),
    ]
    if target.workload:
        kind, name = read_workload(target.workload) or ("", "")
        group = "batch" if kind == "job" else "apps"
        rights.append(Right("get", f"{kind}s", is_needed=True, group=group, name=name))
    return tuple(rights)


def _body(right: Right, namespace: str) -> dict[str, Any]:
    resource, _, subresource = right.resource.partition("/")
    attributes = {
        "namespace": namespace,
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "name": right.name,
    }
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
