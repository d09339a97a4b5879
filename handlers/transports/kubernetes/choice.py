"""Which of the pods that match is meant: the one that runs, if there is exactly one. Pure.

Pods that ended don't count. One that is being deleted counts only while there is no other, so that a rolling update
has one answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes import pods
from handlers.transports.kubernetes.decoded import Json, mapping, mappings, text

if TYPE_CHECKING:
    from handlers.api import ResolvedTarget

MAX_CANDIDATES = 20
"""So many names are told when several pods match; a person narrows the selector then."""

_SHOWN = 5
_OPERATORS = {"In": "in", "NotIn": "notin"}


class Choice:
    """Takes the pods that match, page by page.

    Args:
        wanted: the container's name; empty for the default one.
        matching: what they match, in words: `selector "app=web"`.
        where: the namespace and context, in words.
        place: the context, in words.
        context: the context's name.
        kubeconfig: the path that the user gave.
    """

    def __init__(self, wanted: str, matching: str, *, where: str, place: str, context: str, kubeconfig: str) -> None:
        self._wanted = wanted
        self._matching = matching
        self._where = where
        self._pin = {"place": place, "context": context, "kubeconfig": kubeconfig}
        self._running: list[ResolvedTarget] = []
        self._leaving: list[ResolvedTarget] = []
        self._errors: list[RemoteCommandError] = []

    @property
    def is_ambiguous(self) -> bool:
        """Whether further pods make no difference."""
        return len(self._running) > 1

    def take(self, listing: Json) -> None:
        """Look at a page of them."""
        for pod in mappings(listing, "items"):
            if text(mapping(pod, "status"), "phase") in ("Succeeded", "Failed"):
                continue
            try:
                found = pods.pin(pod, self._wanted, **self._pin)
            except RemoteCommandError as error:
                self._errors.append(error)
            else:
                (self._leaving if pods.is_deleted(pod) else self._running).append(found)

    def made(self, *, may_come: bool) -> ResolvedTarget:
        """The one that is meant; `may_come`: a pod that is not there yet may be on its way.

        Raises:
            RemoteCommandError: targetAmbiguous, targetNotRunning, containerNotFound or targetNotFound.
        """
        starting = [error for error in self._errors if error.kind is ErrorKind.TARGET_NOT_RUNNING and error.retryable]
        running = self._running or ([] if starting else self._leaving)
        if len(running) == 1:
            return running[0]
        if running:
            raise self._ambiguous([target.pod_name for target in running])
        if self._errors:
            raise (starting or self._errors)[0]
        raise RemoteCommandError(
            ErrorKind.TARGET_NOT_FOUND,
            f"No pod that runs or is starting matches {self._matching} in {self._where}; those that ended don't count.",
            remedy="`kubectl get pods --show-labels` shows the pods there and their labels.",
            retryable=may_come,
        )

    def _ambiguous(self, names: list[str]) -> RemoteCommandError:
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        message = f"{len(names)} running pods in {self._where} match {self._matching}: {shown}. Exactly one must."
        return RemoteCommandError(
            ErrorKind.TARGET_AMBIGUOUS,
            message,
            remedy="Name one of them, or narrow the selector.",
            candidates=tuple(names[:MAX_CANDIDATES]),
        )


def selector_of(workload: Json) -> str:
    """The label selector of a workload's pods, as text; empty if it has none.

    Source: the LabelSelector of meta/v1, which `kubectl exec deployment/…` follows in the same way.
    """
    return ",".join(_requirements(mapping(mapping(workload, "spec"), "selector")))


def _requirements(selector: Json) -> Iterator[str]:
    for key, value in mapping(selector, "matchLabels").items():
        yield f"{key}={value}"
    for expression in mappings(selector, "matchExpressions"):
        key, operator, values = text(expression, "key"), text(expression, "operator"), expression.get("values") or []
        if operator in _OPERATORS:
            yield f"{key} {_OPERATORS[operator]} ({','.join(map(str, values))})"
        else:
            yield key if operator == "Exists" else f"!{key}"
