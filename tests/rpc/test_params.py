"""Every field of every method's params with every kind of wrong value: the contract's tables, generated from them.

The cases come from the METHODS table, the message classes and their checks, so a new method or field has its cases
without anybody writing them, and a check without a value that breaks it fails here.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import attrs
import pytest

from handlers import api
from rpc_server import checks, messages
from rpc_server.converter import fields_of
from rpc_server.methods import METHODS

if TYPE_CHECKING:
    from tests.rpc.client import Client

Path = tuple[str | int, ...]

HUGE = "@1e400@"
"""Stands for the number 1e400, which Python's JSON reads and does not write."""

ONE_OF_EACH_TYPE: list[Any] = [True, 7, 7.5, "text", [], {}]
WHOLE_CLASS: dict[type, dict[str, Any]] = {
    messages.Definition: {"cmdLine": "true"},
    messages.ExecParams: {"cmdLine": "true"},
    messages.KubernetesTarget: {"podName": "a"},
    messages.ReadParams: {"offset": 0},
    messages.WriteParams: {"id": "a"},
    messages.CloseStdinParams: {"id": "a"},
    messages.TargetsParams: {"kind": "kubernetes"},
    messages.DevfileParams: {"text": "schemaVersion: 2.0.0"},
}
"""Fields that are optional each, and of which a class wants one."""

EXCLUDES = {
    "args": "cmdLine",
    "from": "offset",
    "path": "text",
    "selector": "podName",
    "workload": "podName",
}
"""What must not be given beside a field."""

HALF = "\ud800"
LONG = 131_072
PERMITTED: dict[Callable[..., Any], tuple[str, list[str]]] = {
    api.check_id: ("a", ["", "-a", "a b", "é", "a" * 64, "a\n", "a\0", HALF]),
    api.check_directory: ("/tmp/x", ["relative", "/a\0", f"/{HALF}", "/" + "a" * 3072]),
    api.check_key: ("A", ["", "1A", "A=B", "A\0", "é", "A\n", HALF]),
    checks.check_argument: ("true", ["a\0b", HALF, "a" * LONG, "é" * (LONG // 2)]),
    checks.check_plain_text: ("a", ["", "a\0", HALF, "a" * 4096]),
    checks.check_optional_text: ("", ["a\0", HALF, "a" * 4096]),
    checks.check_input: ("\0", [HALF]),
    checks.check_kubernetes_name: ("a", ["", "A", "-a", "a/b", "a" * 254, "a\n", "a\0", HALF]),
    checks.check_kubernetes_name_or_empty: ("", ["A", "a/..", "a" * 254, "a\0", HALF]),
    checks.check_selector: (
        "a",
        ["", "a\0", HALF, "a" * 4096, ",", "a,", "=b", "a=b=c", "a in b", "!", "a\n b"],
    ),
    checks.check_workload: (
        "deployment/a",
        [
            "",
            "a",
            "deployment/",
            "/a",
            "deployment/a/b",
            "Deployment/a",
            "secret/a",
            "deployment/A",
            "deployment/a\0",
            HALF,
        ],
    ),
    checks.check_signal: ("TERM", ["", "term", "SIGSIGTERM", "15", "KILL\n", "\0", HALF]),
}
"""For each check a value that passes it and some that do not."""


def members(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)


def right(kind: Any) -> Any:
    """A value that a type takes: of a class no more than it needs."""
    kind = members(kind)[0]
    if attrs.has(kind):
        needed = {field.wire: right(field.kind) for field in fields_of(kind) if field.required}
        return {**needed, **WHOLE_CLASS.get(kind, {})}
    origin = typing.get_origin(kind)
    if origin is Literal:
        return typing.get_args(kind)[0]
    if origin is tuple:
        return [right(typing.get_args(kind)[0])]
    if origin is Annotated:
        return right_by(*typing.get_args(kind))
    return {str: "a", int: 1, float: 0.5, bool: False}[kind]


def right_by(inner: Any, rule: Any) -> Any:
    """A value that a check lets pass."""
    match rule:
        case checks.Bounds():
            return rule.maximum if inner is float else int(rule.maximum)
        case checks.OneOf():
            return next(iter(rule.values)).value
        case _:
            return PERMITTED[rule][0]


def wrong(kind: Any) -> Iterator[tuple[Path, Any]]:
    """Where below a value of that type, and what: a wrong type, null, a value out of range, an unknown field."""
    taken = {type_ for member in members(kind) for type_ in types_of(member)}
    yield from (((), value) for value in (None, *ONE_OF_EACH_TYPE) if type(value) not in taken)
    for member in members(kind):
        others = [right(other) for other in members(kind) if other is not member]
        yield from ((path, value) for path, value in wrong_of_one(member) if value not in others)


def types_of(kind: Any) -> set[type]:
    """The JSON types of a type that is no union."""
    if attrs.has(kind):
        return {dict}
    origin = typing.get_origin(kind)
    if origin is Annotated:
        return types_of(typing.get_args(kind)[0])
    if origin is Literal:
        return {str}
    if origin is tuple:
        return {list}
    return {float, int} if kind is float else {kind}


def _excluded(kind: type, name: str) -> str | None:
    if name == "runId" and kind in {messages.WriteParams, messages.CloseStdinParams}:
        return "id"
    return EXCLUDES.get(name)


def wrong_of_one(kind: Any) -> Iterator[tuple[Path, Any]]:
    """As `wrong`, for what is of the right JSON type."""
    origin = typing.get_origin(kind)
    if attrs.has(kind):
        whole = right(kind)
        yield ("nonsense",), {**whole, "nonsense": 1}
        yield ("jsonrpc",), {**whole, "jsonrpc": "2.0"}
        yield ('["a b\\u001b"]',), {**whole, "a b\x1b": None}
        for field in fields_of(kind):
            if field.required:
                yield (field.wire,), {key: value for key, value in whole.items() if key != field.wire}
            others = {key: value for key, value in whole.items() if key != _excluded(kind, field.wire)}
            for path, value in wrong(field.kind):
                yield (field.wire, *path), {**others, field.wire: value}
    elif origin is Literal:
        yield from (((), value) for value in ("", "nonsense", "\0", HALF))
    elif origin is tuple:
        (element, _) = typing.get_args(kind)
        yield from (((0, *path), [value]) for path, value in wrong(element))
        yield from (((1, *path), [right(element), value]) for path, value in wrong(element))
    elif origin is Annotated:
        yield from (((), value) for value in wrong_by(*typing.get_args(kind)))


def wrong_by(inner: Any, rule: Any) -> Iterator[Any]:
    """Values that a check does not let pass."""
    match rule:
        case checks.Bounds():
            step = 1 if inner is int else 0.001
            yield from (-(2**80), 2**80, -1, rule.maximum + step, HUGE, f"-{HUGE}")
            yield from [rule.minimum, -0.0] if rule.exclusive else [rule.minimum - step]
            yield from [1e3, -0.0] if inner is int else []  # as whole numbers they would be right
        case checks.OneOf():
            yield from ("", "nonsense", "\0", HALF)
        case _:
            yield from PERMITTED[rule][1]


def render(path: Path) -> str:
    """A path as the server writes it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text and not part.startswith("[") else part
    return text


def cases(method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Paths, and params that are wrong there and nowhere else."""
    if METHODS[method].params in messages.TOLERANT:
        for field in fields_of(METHODS[method].params):
            for path, value in wrong(field.kind):
                if value is not None and not is_ignored(field.kind, path, value):
                    yield render((field.wire, *path)), {field.wire: value}
        return
    for path, params in wrong(METHODS[method].params):
        if path:
            yield render(path), params


def is_ignored(kind: Any, path: Path, value: Any) -> bool:
    """Whether it is a field that nobody knows, or null, in a class where those are ignored."""
    if not attrs.has(kind) or not path:
        return False
    return path[0] not in {field.wire for field in fields_of(kind)} or value[path[0]] is None


def frame(message: dict[str, Any]) -> bytes:
    text = json.dumps(message).replace(f'"{HUGE}"', "1e400").replace(f'"-{HUGE}"', "-1e400")
    return b"Content-Length: %d\r\n\r\n%b" % (len(text), text.encode())


@pytest.mark.parametrize("method", METHODS)
def test_each_field_that_is_wrong_is_named_and_only_that(shared: Client, method: str) -> None:
    told = list(cases(method))
    for i, (_, params) in enumerate(told):
        shared.send_bytes(frame({"jsonrpc": "2.0", "id": i, "method": method, "params": params}))
    for i, (path, params) in enumerate(told):
        error = shared.reply(i).get("error", {})
        assert error.get("code") == -32602, (method, params, error)
        assert [field["path"] for field in error["data"]] == [path], (method, params, error)
        assert path in error["message"]
        assert error["data"][0]["message"] in error["message"]
        assert error["message"].isprintable()
    assert not shared.others


def test_there_are_cases_for_all_fields() -> None:
    """Unless a method takes none."""
    for method, entry in METHODS.items():
        firsts = {path.split(".")[0].split("[")[0] for path, _ in cases(method)}
        assert {field.wire for field in fields_of(entry.params)} <= firsts
    assert sum(1 for method in METHODS for _ in cases(method)) > 2000
