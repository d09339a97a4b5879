"""JSON values to wire classes and back: strict, in one place, and complete in what it reports.

cattrs is lenient by default ("echo" becomes ["e", "c", "h", "o"], 1 becomes "1"), and its errors stop at the class that
failed; hence hooks of our own for every kind of type. Nothing is coerced (an integer for a float aside), unknown fields
and null are refused, and every violation is listed with its path in wire names. The change between snake_case and
camelCase happens here and nowhere else. Messages never repeat a value.
Must not know: pygls, methods, the domain's types.
"""

from __future__ import annotations

import itertools
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

import attrs
import cattrs
from cattrs.gen import make_dict_unstructure_fn, override

from handlers.api import Violation
from rpc_server import checks, messages, results

T = TypeVar("T")
Path = tuple[str | int, ...]
Rule = Callable[[Mapping[str, Any], frozenset[str]], list[Violation]]
"""Judges a class as a whole, given its well-formed fields and the names of the others; paths are in snake_case."""

MAX_REPORTED = 1000
"""A request with a million mistakes must not be answered by hundreds of megabytes; nobody reads more than this, so no
array or object is looked at further once it has given as many.
"""

_NULL = "must not be null: leave out what has no value"
_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,63}\Z")


class InvalidParams(Exception):  # noqa: N818  # named as JSON-RPC names it
    """Params that are not what a method takes; `violations` have paths in wire names."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("invalid params")
        self.violations = violations

    def fields(self) -> tuple[results.InvalidField, ...]:
        """What to tell the client."""
        shown = self.violations[:MAX_REPORTED]
        found = [results.InvalidField(path=render(v.path), message=v.message) for v in shown]
        if len(self.violations) > len(shown):
            found.append(results.InvalidField(path="", message=f"more than these {MAX_REPORTED} are wrong"))
        return tuple(found)


def wire_name(name: str) -> str:
    """The wire's name of a Python name: pod_name → podName, from_ → from."""
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)


def render(path: Path) -> str:
    """A path as clients read it: definition.envVars[0].value; other names go in brackets, cut short."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.match(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part[:64])}]"
    return text


def json_type(value: Any) -> str:
    """What a value is, without saying which."""
    names = {type(None): "null", bool: "a boolean", int: "an integer", float: "a number", str: "a string"}
    return names.get(type(value)) or ("an array" if isinstance(value, list) else "an object")


def to_wire_path(violation: Violation, under: Path = ()) -> Violation:
    """Turn a violation of the domain into one of the wire."""
    path = (wire_name(part) if isinstance(part, str) else part for part in violation.path)
    return Violation((*under, *path), violation.message)


def make_converter(
    rules: Mapping[type, Rule], is_tolerant: Callable[[type], bool] = messages.TOLERANT.__contains__
) -> cattrs.Converter:
    """Make the converter.

    Args:
        rules: judge classes as a whole.
        is_tolerant: says in which classes unknown fields are ignored and null means left out. A client reads all that
            a server sends so: a later server may say more.
    """
    converter = cattrs.Converter()
    for leaf in (str, int, float, bool):
        converter.register_structure_hook(leaf, _leaf_hook(leaf))
    factories: list[tuple[Callable[[Any], bool], Callable[[Any], Callable[[Any, Any], Any]]]] = [
        (attrs.has, lambda cls: _class_hook(converter, cls, rules.get(cls), tolerant=is_tolerant(cls))),
        (_has_origin(tuple), lambda kind: _array_hook(converter, typing.get_args(kind)[0])),
        (_has_origin(Literal), lambda kind: _literal_hook(typing.get_args(kind))),
        (_has_origin(types.UnionType), lambda kind: _union_hook(converter, typing.get_args(kind))),
        (_has_origin(typing.Union), lambda kind: _union_hook(converter, typing.get_args(kind))),
        (_has_origin(Annotated), lambda kind: _annotated_hook(converter, kind)),
    ]
    for predicate, factory in factories:
        converter.register_structure_hook_factory(predicate, factory)
    converter.register_unstructure_hook_factory(attrs.has, lambda cls: _unstructure_hook(converter, cls))
    return converter


def _has_origin(origin: Any) -> Callable[[Any], bool]:
    return lambda kind: typing.get_origin(kind) is origin


def _unstructure_hook(converter: cattrs.Converter, cls: type) -> Callable[[Any], dict[str, Any]]:
    """Outgoing: camelCase, and what has no value is left out."""
    renamed: Any = {field.name: override(rename=wire_name(field.name)) for field in attrs.fields(cls)}
    return make_dict_unstructure_fn(cls, converter, _cattrs_omit_if_default=True, **renamed)


def _leaf_hook(leaf: type) -> Callable[[Any, Any], Any]:
    expected = {str: "a string", int: "an integer", float: "a number", bool: "a boolean"}[leaf]

    def structure(value: Any, _: Any) -> Any:
        if type(value) is leaf or (leaf is float and type(value) is int):
            return value  # an integer where a float may stand stays one: it may be too large for a float
        raise _refusal(expected, value)

    return structure


def _refusal(expected: str, value: Any) -> InvalidParams:
    return InvalidParams([Violation((), _NULL if value is None else f"must be {expected}, is {json_type(value)}")])


def _literal_hook(options: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
    expected = "one of " + ", ".join(f'"{option}"' for option in options) if options[1:] else f'"{options[0]}"'

    def structure(value: Any, _: Any) -> Any:
        if isinstance(value, str) and value in options:
            return value
        raise InvalidParams([Violation((), _NULL if value is None else f"must be {expected}")])

    return structure


def _annotated_hook(converter: cattrs.Converter, kind: Any) -> Callable[[Any, Any], Any]:
    inner, *rules = typing.get_args(kind)

    def structure(value: Any, _: Any) -> Any:
        good = converter.structure(value, inner)
        found: list[Violation] = []
        for rule in rules:
            if isinstance(rule, checks.Bounds | checks.OneOf):
                found += [Violation((), problem)] if (problem := rule.check(good)) else []
            else:
                found += rule(good, ())
        if found:
            raise InvalidParams(found)
        return good

    return structure


def _array_hook(converter: cattrs.Converter, element: Any) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, list):
            raise _refusal("an array", value)
        good: list[Any] = []
        found: list[Violation] = []
        for i, item in enumerate(value):
            try:
                good.append(converter.structure(item, element))
            except InvalidParams as error:
                found += _under(i, error)
            if len(found) > MAX_REPORTED:
                break
        if found:
            raise InvalidParams(found)
        return tuple(good)

    return structure


def _under(part: str | int, error: InvalidParams) -> list[Violation]:
    return [Violation((part, *v.path), v.message) for v in error.violations]


def _union_hook(converter: cattrs.Converter, members: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
    """Objects told apart by `kind`, or objects told apart by their fields beside names, or plain types."""
    classes = [member for member in members if attrs.has(member)]
    kinds = {option: cls for cls in classes for option in _kinds_of(cls)}
    if kinds:
        return _tagged_union_hook(converter, kinds)
    others = [member for member in members if member not in classes]

    def structure(value: Any, _: Any) -> Any:
        if isinstance(value, dict) and classes:
            return converter.structure(value, _best_of(classes, value))
        for member in others:
            try:
                return converter.structure(value, member)
            except InvalidParams as error:
                problem = error.violations[0].message
        raise InvalidParams([Violation((), f"{problem}, or an object" if classes and value is not None else problem)])

    return structure


def _best_of(classes: list[type], value: dict[str, Any]) -> type:
    """The class that has a field of the object; if none has, the first."""
    for cls in classes:
        if any(field.wire in value for field in fields_of(cls)):
            return cls
    return classes[0]


def _kinds_of(cls: type) -> tuple[str, ...]:
    return typing.get_args(typing.get_type_hints(cls).get("kind"))


def _tagged_union_hook(converter: cattrs.Converter, kinds: dict[str, type]) -> Callable[[Any, Any], Any]:
    read_kind = _literal_hook(tuple(kinds))

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise _refusal("an object", value)
        if "kind" not in value:
            raise InvalidParams([Violation(("kind",), "is required")])
        try:
            kind = read_kind(value["kind"], None)
        except InvalidParams as error:
            raise InvalidParams(_under("kind", error)) from None
        return converter.structure(value, kinds[kind])

    return structure


@attrs.frozen
class Field:
    """A field of a wire class: its names here and on the wire, its type without None, whether it must be given."""

    name: str
    wire: str
    kind: Any
    required: bool


def fields_of(cls: type) -> tuple[Field, ...]:
    """The fields of a wire class, in the order in which they are written down."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found = []
    for field in attrs.fields(cls):
        kind = hints[field.name]
        members = [member for member in typing.get_args(kind) if member is not types.NoneType]
        if len(members) < len(typing.get_args(kind)):
            kind = typing.Union[tuple(members)]  # noqa: UP007  # built at run time; of one member it is that member
        found.append(Field(field.name, wire_name(field.name), kind, required=field.default is attrs.NOTHING))
    return tuple(found)


def _class_hook(
    converter: cattrs.Converter, cls: type[T], rule: Rule | None, *, tolerant: bool
) -> Callable[[Any, Any], T]:
    fields = fields_of(cls)
    names = {field.wire for field in fields}

    def structure(raw: Any, _: Any) -> T:
        if not isinstance(raw, dict):
            raise _refusal("an object", raw)
        given = {key: value for key, value in raw.items() if value is not None} if tolerant else raw
        good: dict[str, Any] = {}
        found: list[Violation] = []
        for field in fields:
            if field.wire not in given:
                found += [Violation((field.wire,), "is required")] if field.required else []
                continue
            try:
                good[field.name] = converter.structure(given[field.wire], field.kind)
            except InvalidParams as error:
                found += _under(field.wire, error)
        if not tolerant:
            unknown = itertools.islice((key for key in given if key not in names), MAX_REPORTED + 1)
            found += [Violation((key,), _unknown(names)) for key in unknown]
        if rule is not None:
            failed = frozenset(field.name for field in fields if field.wire in given and field.name not in good)
            found += [to_wire_path(v) for v in rule(good, failed)]
        if found:
            raise InvalidParams(found)
        return cls(**good)

    return structure


def _unknown(names: set[str]) -> str:
    return "is not a field here; known are: " + (", ".join(sorted(names)) or "none")
