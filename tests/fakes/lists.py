"""Lists as a real API server gives them: by labels and fields, in pages, as objects, as metadata or as a table.

A page's continue token names the snapshot and the last name that was given; a snapshot that is too old is answered with
410 and a token that goes on in the present one. Pure.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

Object = dict[str, Any]

_SET = re.compile(r"(\S+) (in|notin) \((.*)\)")
_PARTS = re.compile(r",(?![^(]*\))")


class RefusedError(Exception):
    """A status, a reason and a message, and what goes into the metadata."""

    def __init__(self, status: int, reason: str, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.metadata = status, reason, message, metadata


def matches(labels: dict[str, str], selector: str) -> bool:
    """Whether labels match a selector."""
    return all(_matches(labels, part.strip()) for part in _PARTS.split(selector) if part.strip())


def _matches(labels: dict[str, str], part: str) -> bool:
    if found := _SET.fullmatch(part):
        key, operator, values = found.groups()
        listed = {value.strip() for value in values.split(",")}
        return labels.get(key) in listed if operator == "in" else labels.get(key) not in listed
    if "!=" in part:
        key, _, value = part.partition("!=")
        return labels.get(key.strip()) != value.strip()
    if "=" in part:
        key, _, value = part.replace("==", "=").partition("=")
        return labels.get(key.strip()) == value.strip()
    return part[1:] not in labels if part.startswith("!") else part in labels


def matches_fields(item: Object, selector: str) -> bool:
    """Whether an object matches a field selector of phases."""
    phase = item.get("status", {}).get("phase", "")
    return all(phase != part.partition("!=")[2] for part in selector.split(",") if "!=" in part)


def page(items: list[Object], limit: int, token: str, snapshot: str, *, expired: bool = False) -> Object:
    """A page of a list, with its metadata. Raises RefusedError."""
    after = ""
    if token:
        try:
            given = json.loads(base64.urlsafe_b64decode(token))
            after, of = given["start"], given["rv"]
        except (ValueError, KeyError, TypeError):
            raise RefusedError(400, "BadRequest", "continue key is not valid: invalid character") from None
        if expired and of != "-1":
            message = "The provided continue parameter is too old to display a consistent list result."
            raise RefusedError(410, "Expired", message, **{"continue": _token("-1", after)})
    rest = sorted((item for item in items if _name(item) > after), key=_name)
    shown = rest[:limit] if limit else rest
    metadata = {"resourceVersion": snapshot}
    if len(rest) > len(shown):
        metadata |= {"continue": _token(snapshot, _name(shown[-1])), "remainingItemCount": len(rest) - len(shown)}
    return {"metadata": metadata, "items": shown}


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])


def _token(snapshot: str, start: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"rv": snapshot, "start": start}).encode()).decode()


def represented(listing: Object, kind: str, accept: str) -> Object:
    """The list as the client wants it: a table, metadata only, or whole."""
    metadata, items = listing["metadata"], listing["items"]
    if "as=Table" in accept:
        rows = [{"cells": _cells(item), "object": _partial(item)} for item in items]
        columns = [{"name": name, "type": "string", "format": "", "description": "", "priority": 0} for name in COLUMNS]
        table = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns}
        return {**table, "rows": rows}
    if "as=PartialObjectMetadataList" in accept:
        partial = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
        return {**partial, "items": [_partial(item) for item in items]}
    return {"kind": f"{kind}List", "apiVersion": "v1", "metadata": metadata, "items": items}


COLUMNS = ("Name", "Ready", "Status", "Restarts", "Age")


def _cells(item: Object) -> list[str]:
    statuses = item.get("status", {}).get("containerStatuses", [])
    ready = f"{sum(status.get('ready', False) for status in statuses)}/{len(statuses)}"
    return [_name(item), ready, item.get("status", {}).get("phase", ""), "0", "5m"]


def _partial(item: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}


DISCOVERY: dict[str, Object] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get", "list"],
             "shortNames": ["po"]},
        ],
    },
}  # fmt: skip
"""What kubectl asks for before it asks for pods."""
