"""The published schemas against the code that reads: they refuse nothing that it takes, and most that it refuses."""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from typing import Any

import attrs
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import api
from handlers.errors import ErrorKind
from rpc_server import checks, docstrings, messages, openrpc, results, translate
from rpc_server.codes import Code
from rpc_server.schema import ACROSS_FIELDS, CONSTRAINTS, Schemas
from tests.unit.rpc_server.test_converter import GOOD, OTHERS, WRONG

COMPONENTS = openrpc.document()["components"]


def accepts(cls: type, raw: Any) -> bool:
    schema = {"$ref": f"#/components/schemas/{cls.__name__}", "components": all_components()}
    return jsonschema.Draft7Validator(schema).is_valid(raw)


def all_components() -> dict[str, Any]:
    """Those of every class, also of classes whose method is not built yet."""
    schemas = Schemas()
    for cls in wire_classes():
        schemas.of(cls)
    return {"schemas": schemas.components}


def wire_classes() -> list[type]:
    modules = (messages, results)
    return [cls for module in modules for cls in vars(module).values() if is_wire_class(cls, module.__name__)]


def is_wire_class(value: Any, module: str) -> bool:
    return isinstance(value, type) and attrs.has(value) and value.__module__ == module


# -- whole params -----------------------------------------------------------------------------------------------------

BEYOND_SCHEMAS = {
    "cmdLine: empty",  # blank, in any of Unicode's ways
    "cmdLine: half a character",
    "args: empty",
    "envVars: too long",  # key=value together
    "id: newline",  # Python's `$` matches before a newline at the end; that of ECMAScript, which schemas mean, does not
    "from: fraction",  # 1.0 is an integer to a schema
}
"""What only the server can refuse."""


BEYOND_SCHEMAS_OF_OTHERS = {"exec: stdin", "initialize: more", "write: surrogate", "write: no base64"}


@pytest.mark.parametrize("raw", GOOD.values(), ids=GOOD.keys())
def test_a_schema_accepts_what_the_server_takes(raw: dict[str, Any]) -> None:
    assert accepts(messages.StartParams, raw)


@pytest.mark.parametrize("case", WRONG)
def test_a_schema_refuses_what_the_server_refuses_as_far_as_it_can(case: str) -> None:
    assert accepts(messages.StartParams, WRONG[case][0]) is (case in BEYOND_SCHEMAS)


@pytest.mark.parametrize("case", sorted(OTHERS.keys() - BEYOND_SCHEMAS_OF_OTHERS))
def test_schemas_of_other_params_agree_with_the_server(case: str) -> None:
    cls, raw, wrong = OTHERS[case]
    assert accepts(cls, raw) is not bool(wrong)


# -- single values ----------------------------------------------------------------------------------------------------

REFUSED = {
    api.check_id: ["", "-a", "a" * 64, "a/b", "é"],
    api.check_key: ["", "1A", "A-B"],
    api.check_directory: ["x", "./x", "/\0", "/" + "x" * 3072],
    checks.check_argument: ["\0", "x" * 131_072],
    checks.check_plain_text: ["", "\0", "x" * 4096],
    checks.check_optional_text: ["a\0", "x" * 4096],
    checks.check_kubernetes_name: ["", "A", "-a", "a-", "a" * 254, "a/b"],
    checks.check_kubernetes_name_or_empty: ["A", "-a", "a/b"],
    checks.check_selector: ["", "a\0", "x" * 4096],
    checks.check_workload: ["", "a", "deployment/", "secret/a", "Deployment/a", "deployment/A", "deployment/a/b"],
    checks.check_signal: ["", "term", "SIGSIGTERM", "15", "TERMX"],
}
NO_LIMITS = {checks.check_input}
"""Only half a character is refused, which no schema can say."""


def is_valid(check: Callable[..., Any], value: str) -> bool:
    return jsonschema.Draft7Validator({"type": "string", **CONSTRAINTS[check]}).is_valid(value)


@pytest.mark.parametrize("check", CONSTRAINTS, ids=lambda check: check.__name__)
@given(data=st.data())
def test_a_pattern_never_refuses_what_the_check_takes(check: Callable[..., Any], data: st.DataObject) -> None:
    pattern = CONSTRAINTS[check].get("pattern", "^$")
    value = data.draw(st.from_regex(pattern) | st.text())
    if not check(value, ()):
        assert is_valid(check, value)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        pytest.param(check, value, id=f"{check.__name__} {value[:9]!a}")
        for check, values in REFUSED.items()
        for value in values
    ],
)
def test_a_pattern_refuses_what_the_check_refuses(check: Callable[..., Any], value: str) -> None:
    assert check(value, ())
    assert not is_valid(check, value)


def test_every_check_has_values_that_it_refuses() -> None:
    assert REFUSED.keys() == CONSTRAINTS.keys() - NO_LIMITS


def test_every_check_of_a_wire_class_is_known() -> None:
    used = {
        rule
        for cls in wire_classes()
        for kind in typing.get_type_hints(cls, include_extras=True).values()
        for rule in rules_in(kind)
    }
    assert used == CONSTRAINTS.keys()


def rules_in(kind: Any) -> list[Any]:
    own = [rule for rule in getattr(kind, "__metadata__", ()) if callable(rule)]
    return own + [rule for argument in typing.get_args(kind) for rule in rules_in(argument)]


def test_every_rule_across_fields_is_known() -> None:
    assert ACROSS_FIELDS.keys() == translate.RULES.keys()


# -- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", wire_classes(), ids=lambda cls: cls.__name__)
def test_every_class_and_field_says_what_it_is(cls: type) -> None:
    assert docstrings.of_class(cls)
    fields = {field.name for field in attrs.fields(cls)} - {"kind"}  # a target's: its class says it
    assert fields <= docstrings.of_attributes(cls).keys()


@pytest.mark.parametrize("values", [ErrorKind, Code, api.State, api.Status, api.Stream], ids=lambda v: v.__name__)
def test_every_value_says_what_it_means_in_sentences(values: type[enum.Enum]) -> None:
    texts = docstrings.of_attributes(values)
    assert texts.keys() == {member.name for member in values}
    assert all(text.endswith(".") for text in texts.values())
