"""Targets as people write them, to those of the wire. Pure.

    local
    k8s:[[CONTEXT/]NAMESPACE/]POD[/CONTAINER]     k8s:POD · k8s:NAMESPACE/POD · k8s:NAMESPACE/POD/CONTAINER
    k8s:[[CONTEXT/]NAMESPACE/]KIND/NAME[/CONTAINER]     KIND as kubectl has it: pod, deploy, sts, …
    k8s: with a label selector in an option     k8s: -l app=web -n shop
    docker:CONTAINER, podman:CONTAINER
    ID@TARGET     a command in a target; an id has no @

A context may hold slashes, so it can also be given by an option, as can all the rest. Must not know: click, the server.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Literal

import attrs

from handlers.naming import KIND_OF_WORD
from rpc_server import messages

FORMS = (
    "local, k8s:POD, k8s:NAMESPACE/POD, k8s:NAMESPACE/POD/CONTAINER or k8s:CONTEXT/NAMESPACE/POD/CONTAINER; "
    "KIND/NAME, as in deploy/web, may stand for POD"
)

ENGINES: Mapping[str, Literal["docker", "podman"]] = {"docker": "docker", "podman": "podman"}
"""Kinds of target that are a local container engine."""

_PATHS = {
    1: ("pod",),
    2: ("namespace", "pod"),
    3: ("namespace", "pod", "container"),
    4: ("context", "namespace", "pod", "container"),
}
"""What the parts of a path without a kind are, by how many there are."""


class TargetError(ValueError):
    """What was written is no target; the message says what would be one."""


@attrs.frozen(kw_only=True)
class Options:
    """What options say about a Kubernetes target; None is not given."""

    context: str | None = None
    namespace: str | None = None
    container: str | None = None
    kubeconfig: str | None = None
    selector: str | None = None


def split_address(text: str) -> tuple[str, str | None]:
    """ID@TARGET to its halves; the target is None when there is no @. Raises TargetError when there is no id."""
    command_id, at, target = text.partition("@")
    if command_id in {"local", ""} or ":" in command_id:
        raise TargetError(f'"{text}" names no command: write ID@TARGET, as in web@{target or text or "local"}')
    if at and not target:
        raise TargetError(f'"{text}" names no target after the @')
    return command_id, target or None


def parse(text: str, options: Options | None = None) -> messages.Target:
    """Read a target. Raises TargetError."""
    options = options or Options()
    kind, colon, path = text.partition(":")
    if kind in {"k8s", "kubernetes"} and colon:
        return _kubernetes(text, path, options)
    if options != Options():
        raise TargetError(
            f'--context, --namespace, --container, --kubeconfig and --selector are for k8s: targets, not for "{text}"'
        )
    if text == "local":
        return messages.LocalTarget(kind="local")
    if colon and path and kind in ENGINES:
        return messages.ContainerTarget(kind=ENGINES[kind], container=path)
    guess = "" if colon or not text else f'; did you mean "k8s:{text}"?'
    raise TargetError(f'"{text}" is no target{guess or ":"} Targets are {FORMS}')


def _kubernetes(text: str, path: str, options: Options) -> messages.KubernetesTarget:
    if options.selector is not None and path:
        raise TargetError(f'the pod is given twice: in "{text}" and by --selector; write k8s: or nothing with it')
    given = {} if options.selector is not None else _names(text, path)
    for name in ("context", "namespace", "container"):
        by_option = getattr(options, name)
        if by_option is not None and name in given:
            raise TargetError(f'the {name} is given twice: in "{text}" and by --{name}')
        given |= {} if by_option is None else {name: by_option}
    return messages.KubernetesTarget(
        kind="kubernetes",
        pod_name=given.get("pod"),
        workload=given.get("workload"),
        selector=options.selector,
        container_name=given.get("container"),
        namespace=given.get("namespace"),
        context=given.get("context"),
        kubeconfig=options.kubeconfig,
    )


def _names(text: str, path: str) -> dict[str, str]:
    """The parts of a path by what they are."""
    parts = path.split("/")
    if not all(parts):
        raise TargetError(f'"{text}" is no target: it has an empty part. Write {FORMS}')
    at = next((i for i, part in enumerate(parts[:-1]) if part in KIND_OF_WORD and i <= 2), None)
    if at is None:
        if len(parts) not in _PATHS:
            raise TargetError(f'"{text}" has too many parts; a context with slashes goes in --context. Write {FORMS}')
        return dict(zip(_PATHS[len(parts)], parts, strict=True))
    before, kind, (name, *after) = parts[:at], KIND_OF_WORD[parts[at]], parts[at + 1 :]
    if len(after) > 1:
        raise TargetError(f'"{text}" has too many parts: after {parts[at]}/{name} only a container can come')
    places = dict(zip(("namespace", "context"), reversed(before), strict=False))
    container = {"container": after[0]} if after else {}
    return {**places, **container, **({"pod": name} if kind == "pod" else {"workload": f"{kind}/{name}"})}


def describe(target: messages.Target) -> str:
    """A target as it was meant, short, for a line on the terminal and for commands that a hint proposes."""
    match target:
        case messages.LocalTarget():
            return "local"
        case messages.ContainerTarget():
            return f"{target.kind}:{target.container}"
        case messages.KubernetesTarget(selector=str(selector)):
            options = {"-l": selector, "-n": target.namespace, "-c": target.container_name}
            return " ".join(["k8s:", *(f"{name} {shlex.quote(value)}" for name, value in options.items() if value)])
        case messages.KubernetesTarget():
            name = target.pod_name or target.workload or ""
            parts = [
                target.namespace if target.namespace or target.container_name else None,
                name,
                target.container_name,
            ]
            return "k8s:" + "/".join(part for part in parts if part)
