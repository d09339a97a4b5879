"""Decoded JSON of the API server, read without trust. Pure.

Fields that are missing or of another type count as empty, since the API grows and mirror implementations leave fields
out. What it says in words is put on one line and bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]

_MAX_WORDS = 200


def mapping(holder: Json, key: str) -> Json:
    """An object, or an empty one."""
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def mappings(holder: Json, key: str) -> list[Json]:
    """The objects of an array."""
    value = holder.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(holder: Json, key: str) -> str:
    """A string, or an empty one."""
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def with_words(reason: str, holder: Json) -> str:
    """A reason with the message that explains it, if there is one."""
    words = " ".join(text(holder, "message").split())[:_MAX_WORDS].rstrip(".")
    return f"{reason} ({words})" if words else reason


def names(listing: Json) -> list[str]:
    """The names in a list of objects."""
    return [name for item in mappings(listing, "items") if (name := text(mapping(item, "metadata"), "name"))]
