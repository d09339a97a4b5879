"""The wire's types as JSON Schema (draft 7), for the documents: what the converter reads, said as data.

A class becomes a schema of its name, and so do unions and sets of values that have a name. Everything comes from the
classes: types, bounds, what is required and, under the attributes, what it means. What only code knows is in the two
tables below, and tests hold them against the code. Must not know: methods, the form of any document.
"""

from __future__ import annotations

import functools
import re
import types
import typing
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import attrs

from handlers import api, naming
from rpc_server import checks, docstrings, messages
from rpc_server.converter import fields_of

Schema = dict[str, Any]

COMPONENTS = "#/components/schemas/"
"""Where an OpenRPC document keeps schemas."""

_NO_NUL = r"^[^\u0000]*$"
_END = r"\Z"
_TEXT = {"maxLength": 4095, "pattern": _NO_NUL}


def _whole(pattern: re.Pattern[str]) -> str:
    """A pattern that matches from beginning to end, in the dialect of JSON Schema."""
    return f"^{pattern.pattern.removesuffix(_END)}$"


CONSTRAINTS: Mapping[Callable[..., Any], Schema] = MappingProxyType(
    {
        api.check_id: {"pattern": _whole(api.ID_PATTERN)},
        api.check_key: {"pattern": _whole(api.KEY_PATTERN)},
        api.check_directory: {"maxLength": 3072, "pattern": r"^(/[^\u0000]*)?$"},
        checks.check_argument: {"maxLength": api.MAX_ARGUMENT_BYTES, "pattern": _NO_NUL},
        checks.check_plain_text: {"minLength": 1, **_TEXT},
        checks.check_optional_text: _TEXT,
        checks.check_input: {},
        checks.check_kubernetes_name: {"pattern": _whole(checks.KUBERNETES_NAME)},
        checks.check_kubernetes_name_or_empty: {"pattern": f"^$|{_whole(checks.KUBERNETES_NAME)}"},
        checks.check_selector: {"minLength": 1, **_TEXT},
        checks.check_workload: {"pattern": f"^({'|'.join(naming.KIND_OF_WORD)})/[-.a-z0-9]+$", "maxLength": 4095},
        checks.check_signal: {"pattern": f"^(SIG)?({'|'.join(api.SIGNALS)})$"},
    }
)
"""What a schema says of a check. It may permit more (limits are in bytes, a schema counts characters), never less."""


def _one_of(*fields: str) -> Schema:
    return {"oneOf": [{"required": [field]} for field in fields]}


ACROSS_FIELDS: Mapping[type, Schema] = MappingProxyType(
    {
        messages.Definition: _one_of("cmdLine", "args"),
        messages.ExecParams: {
            **_one_of("cmdLine", "args"),
            "not": {"required": ["stdin", "openStdin"], "properties": {"openStdin": {"const": True}}},
            "if": {
                "anyOf": [
                    {"required": [field], "properties": {field: {"const": True}}} for field in ("stream", "openStdin")
                ]
            },
            "then": {"required": ["runId"]},
        },
        messages.WriteParams: _one_of("id", "runId"),
        messages.CloseStdinParams: _one_of("id", "runId"),
        messages.KubernetesTarget: _one_of("podName", "selector", "workload"),
        messages.ReadParams: _one_of("offset", "from"),
        messages.DevfileParams: _one_of("path", "text"),
        messages.TargetsParams: {},  # most fields are for one kind and list only
        messages.EnvVar: {},  # key=value has a limit in bytes, which no schema can say
    }
)
"""What a schema says of the rules in `rpc_server.translate.RULES`."""

_ALTERNATIVES = (Literal, typing.Union, types.UnionType)

_NAMED = {alias: name for name, alias in vars(messages).items() if typing.get_origin(alias) in _ALTERNATIVES}
"""Unions and sets of values that have a name of their own in `rpc_server.messages`."""


class Schemas:
    """Collects the schemas of classes and all that they refer to, in `components`."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of a type: whole for a plain one, else a reference."""
        if kind in _NAMED:
            return self._named(_NAMED[kind], lambda: self._plain(kind))
        if attrs.has(kind):
            return self._named(kind.__name__, lambda: self._object(kind))
        return self._plain(kind)

    def _named(self, name: str, make: Callable[[], Schema]) -> Schema:
        if name not in self.components:
            self.components[name] = {}  # holds the place in the order, and ends recursion
            self.components[name] = make()
        return {"$ref": COMPONENTS + name}

    def _plain(self, kind: Any) -> Schema:
        arguments = typing.get_args(kind)
        match typing.get_origin(kind):
            case origin if origin is Annotated:
                return self._annotated(self.of(arguments[0]), arguments[1:])
            case origin if origin is Literal:
                return {"type": "string", "enum": list(arguments)}
            case origin if origin is tuple:
                return {"type": "array", "items": self.of(arguments[0])}
            case None:
                return {"type": _TYPES[kind]}
        return {"oneOf": [self.of(argument) for argument in arguments]}

    def _annotated(self, schema: Schema, rules: tuple[Any, ...]) -> Schema:
        for rule in rules:
            match rule:
                case checks.OneOf():
                    return self._named(rule.values.__name__, functools.partial(_described_values, rule))
                case checks.Bounds():
                    least = "exclusiveMinimum" if rule.exclusive else "minimum"
                    schema |= {least: _number(rule.minimum), "maximum": _number(rule.maximum)}
                case _:
                    schema |= CONSTRAINTS[rule]
        return schema

    def _object(self, cls: type) -> Schema:
        texts = docstrings.of_attributes(cls)
        fields = fields_of(cls)
        schema: Schema = {"description": docstrings.of_class(cls), "type": "object"}
        schema["properties"] = {
            field.wire: {**_description(texts.get(field.name)), **self.of(field.kind)} for field in fields
        }
        if required := [field.wire for field in fields if field.required]:
            schema["required"] = required
        if cls.__module__ == messages.__name__ and cls not in messages.TOLERANT:
            schema["additionalProperties"] = False
        return schema | ACROSS_FIELDS.get(cls, {})


_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object"}


def _described_values(rule: checks.OneOf) -> Schema:
    """The schema of an enumeration, with the docstring of each member."""
    texts = docstrings.of_attributes(rule.values)
    options = [{"const": member.value, "description": texts[member.name]} for member in rule.values]
    more = " A later version may have more." if rule.grows else ""
    return {"description": docstrings.of_class(rule.values) + more, "oneOf": options}


def _description(text: str | None) -> Schema:
    return {"description": text} if text else {}


def _number(value: float) -> float:
    return int(value) if value == int(value) else value
