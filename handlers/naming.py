"""Pods that are named otherwise than by their name: by a label selector, or by the workload that made them. Pure.

The grammar of selectors is Kubernetes' own (apimachinery `labels.Parse`), looked at here so that a mistake is told
before anything is asked, and told with its place. What is let through and is none after all, the API server refuses.
Must not know: the API server, what a selector matches.
"""

from __future__ import annotations

import re

from handlers.api import Violation

_MAX_QUOTED = 100

_NAME = r"[A-Za-z0-9](?:[-._A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_KEY = rf"(?:[a-z0-9](?:[-.a-z0-9]{{0,251}}[a-z0-9])?/)?{_NAME}"
_VALUE = rf"(?:{_NAME})?"
_SET = rf"\(\s*{_VALUE}\s*(?:,\s*{_VALUE}\s*)*\)"
_REQUIREMENT = re.compile(
    rf"\s*(?:!\s*{_KEY}|{_KEY}(?:\s*(?:==?|!=)\s*{_VALUE}|\s*[<>]\s*\d+|\s+(?:not)?in\s*{_SET})?)\s*(?=,|\Z)"
)
_OBJECT_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?\Z")

_WORDS = {
    "pod": ("pod", "pods", "po"),
    "deployment": ("deployment", "deployments", "deploy"),
    "statefulset": ("statefulset", "statefulsets", "sts"),
    "daemonset": ("daemonset", "daemonsets", "ds"),
    "replicaset": ("replicaset", "replicasets", "rs"),
    "job": ("job", "jobs"),
}
KIND_OF_WORD = {word: kind for kind, words in _WORDS.items() for word in words}
"""The kinds that may stand before a name, by each word that kubectl has for them."""


def quoted(text: str) -> str:
    """A selector or a name as messages show it: on one line, and not all of a long one."""
    shown = "".join(c if c.isprintable() else " " for c in text[: _MAX_QUOTED + 1])
    return f'"{shown[:_MAX_QUOTED]}…"' if len(shown) > _MAX_QUOTED else f'"{shown}"'


def check_selector(value: str, path: tuple[str | int, ...]) -> list[Violation]:
    """Say where a text stops being a label selector. It is quoted: labels are names, not values of a command."""
    at = 0
    while (match := _REQUIREMENT.match(value, at)) is not None:
        at = match.end()
        if at == len(value):
            return []
        at += 1  # the comma
    message = (
        f"is no label selector: {quoted(value)}, from character {at + 1} on; "
        "write it as app=web, tier!=db, env in (dev,test), or a key alone"
    )
    return [Violation(path, message)]


def check_workload(value: str, path: tuple[str | int, ...]) -> list[Violation]:
    """Say why a text names no workload."""
    if read_workload(value) is not None:
        return []
    kinds = ", ".join(_WORDS)
    return [Violation(path, f'must be KIND/NAME, as in "deployment/api"; kinds are {kinds}, or kubectl\'s short forms')]


def read_workload(value: str) -> tuple[str, str] | None:
    """Kind (in full) and name of KIND/NAME; None for anything else."""
    word, slash, name = value.partition("/")
    kind = KIND_OF_WORD.get(word)
    return (kind, name) if kind is not None and slash and _OBJECT_NAME.match(name) else None
