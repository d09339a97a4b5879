from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
from referencing.jsonschema import DRAFT7

from rpc_server import openrpc
from rpc_server.codes import Code
from rpc_server.methods import METHODS
from rpc_server.notifications import NOTIFICATIONS, PUSHED, name_of

ROOT = Path(__file__).parents[3]
PACKAGES = ROOT / "editor-extension" / "node_modules"
DOCUMENT = openrpc.document()


def exported(package: str, name: str) -> dict[str, Any]:
    """A schema that a package of Node's exports; it is a literal of JSON."""
    file = PACKAGES / package / "index.js"
    assert file.exists(), "run `make setup`"
    text = file.read_text(encoding="utf-8")
    found, _ = json.JSONDecoder().raw_decode(text, text.index("{", text.index(f"exports.{name} = {{")))
    schema: dict[str, Any] = found
    return schema


def problems(document: Any) -> list[str]:
    """What OpenRPC's schema says, and the one that it refers to for the schemas within."""
    of_schemas = DRAFT7.create_resource(exported("@json-schema-tools/meta-schema", "jsonSchema"))
    names = ("https://meta.json-schema.tools", "https://meta.json-schema.tools/")
    registry: referencing.Registry[Any] = referencing.Registry().with_resources([(name, of_schemas) for name in names])
    schema = exported("@open-rpc/meta-schema", "openrpcDocument")
    validator = jsonschema.Draft7Validator(schema, registry=registry)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_the_document_is_openrpc() -> None:
    assert problems(DOCUMENT) == []


@pytest.mark.parametrize("field", ["openrpc", "info", "methods"])
def test_the_meta_schema_would_tell(field: str) -> None:
    assert problems({**DOCUMENT, field: 5})


def test_a_schema_within_is_checked_too() -> None:
    broken = json.loads(json.dumps(DOCUMENT))
    broken["methods"][0]["params"][0]["schema"] = {"type": "int"}
    assert problems(broken)


def test_the_file_is_the_document() -> None:
    text = (ROOT / "docs" / "openrpc.json").read_text(encoding="utf-8")
    assert json.loads(text) == DOCUMENT
    assert "do not edit" in text.splitlines()[0]


def test_methods_and_notifications_are_those_of_the_tables() -> None:
    assert [method["name"] for method in DOCUMENT["methods"]] == list(METHODS)
    assert [about["name"] for about in DOCUMENT["x-notifications"]["toServer"]] == list(NOTIFICATIONS)
    assert [about["name"] for about in DOCUMENT["x-notifications"]["toClient"]] == list(PUSHED)
    assert [error["code"] for error in DOCUMENT["x-errors"]] == list(Code)


@pytest.mark.parametrize("method", DOCUMENT["methods"], ids=lambda method: method["name"])
def test_a_method_is_described(method: dict[str, Any]) -> None:
    assert method["summary"].endswith(".")
    assert method["paramStructure"] == "by-name"
    whole = DOCUMENT["components"]["schemas"][method["x-params"]["$ref"].rsplit("/", 1)[1]]
    assert {param["name"] for param in method["params"]} == whole["properties"].keys()
    assert [param["name"] for param in method["params"] if param["required"]] == whole.get("required", [])


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(item) for item in value.values()))
    return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()


def test_every_reference_leads_somewhere_and_every_schema_is_referred_to() -> None:
    kinds = DOCUMENT["components"].items()
    there = {f"#/components/{kind}/{name}" for kind, components in kinds for name in components}
    assert there - references(DOCUMENT) == {"#/components/errors/parseError", "#/components/errors/methodNotFound"}
    assert references(DOCUMENT) <= there


@pytest.mark.parametrize("name", PUSHED)
def test_what_is_pushed_finds_its_name_by_its_params(name: str) -> None:
    params = PUSHED[name].params
    assert params is not None
    assert name_of(object.__new__(params)) == name


def test_what_is_not_listed_can_not_be_pushed() -> None:
    with pytest.raises(KeyError):
        name_of(object())
