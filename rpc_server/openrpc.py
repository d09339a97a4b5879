"""The contract as an OpenRPC document, made from the tables of methods, notifications, errors and their classes.

The same document is docs/openrpc.json, the answer to `rpc.discover`, and the source of docs/protocol.md and of the
extension's types. OpenRPC has no word for notifications, for data of errors, or for rules across params: these are in
`x-notifications`, `x-errors` and `x-params`. It says the same on every system. Must not know: JSON-RPC, how it is sent.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

from rpc_server import docstrings, results
from rpc_server.codes import Code
from rpc_server.converter import wire_name
from rpc_server.methods import METHODS, PROTOCOL_VERSION, Method
from rpc_server.notifications import NOTIFICATIONS, PUSHED, Notification
from rpc_server.schema import Schema, Schemas

OPENRPC_VERSION = "1.3.2"
GENERATED = "by `make generate` from rpc_server/messages.py, results.py, methods.py and notifications.py; do not edit"
_ALWAYS = (Code.INVALID_REQUEST, Code.INVALID_PARAMS, Code.INTERNAL_ERROR)
_OF_TASKS = (Code.REQUEST_CANCELLED, Code.REQUEST_FAILED)
"""What only a method that runs as a task can end with."""


@functools.cache
def document() -> Mapping[str, Any]:
    """The document; whoever gets it does not change it. It takes some tens of milliseconds once, and reads source."""
    schemas = Schemas()
    methods = [_method(name, method, schemas) for name, method in METHODS.items()]
    notifications = {
        "toServer": [_notification(name, about, schemas) for name, about in NOTIFICATIONS.items()],
        "toClient": [_notification(name, about, schemas) for name, about in PUSHED.items()],
    }
    return {
        "x-generated": GENERATED,
        "openrpc": OPENRPC_VERSION,
        "info": {
            "title": "remotecmd",
            "description": "Start, watch and stop commands in any existing container. JSON-RPC 2.0 over standard input "
            "and output, in frames of LSP's base protocol. Versions of this document are protocolVersions.",
            "version": str(PROTOCOL_VERSION),
            "license": {"name": "MIT"},
        },
        "methods": methods,
        "x-notifications": notifications,
        "x-errors": [_error(code, schemas) for code in Code],
        "components": {
            "schemas": schemas.components,
            "errors": {wire_name(code.name.lower()): _refusal(code) for code in Code},
        },
    }


def _method(name: str, method: Method, schemas: Schemas) -> dict[str, Any]:
    about = inspect.cleandoc(method.handler.__doc__ or "").split("\n\n")
    whole = schemas.of(method.params)
    cls = schemas.components[method.params.__name__]
    params = [
        {
            "name": field,
            **({"description": schema["description"]} if "description" in schema else {}),
            "required": field in cls.get("required", ()),
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for field, schema in cls["properties"].items()
    ]
    codes = _ALWAYS + (_OF_TASKS if inspect.iscoroutinefunction(method.handler) else ())
    result = {"type": "null"} if method.result is None else schemas.of(method.result)
    return {
        "name": name,
        "summary": " ".join(about[0].split()),
        **({"description": " ".join(" ".join(about[1:]).split())} if about[1:] else {}),
        "paramStructure": "by-name",
        "params": params,
        "x-params": whole,
        "result": {"name": "result", "schema": result},
        "errors": [
            {"$ref": f"#/components/errors/{wire_name(code.name.lower())}"} for code in sorted(codes, reverse=True)
        ],
    }


def _notification(name: str, about: Notification, schemas: Schemas) -> dict[str, Any]:
    params = {} if about.params is None else {"params": schemas.of(about.params)}
    return {"name": name, "description": about.meaning, **params}


def _error(code: Code, schemas: Schemas) -> dict[str, Any]:
    data: dict[Code, Schema] = {
        Code.INVALID_PARAMS: schemas.of(tuple[results.InvalidField, ...]),
        Code.INTERNAL_ERROR: schemas.of(results.FailureData),
        Code.REQUEST_FAILED: schemas.of(results.FailureData),
    }
    return {
        "code": code.value,
        "name": wire_name(code.name.lower()),
        "description": docstrings.of_attributes(Code)[code.name],
        **({"data": data[code]} if code in data else {}),
    }


def _refusal(code: Code) -> dict[str, Any]:
    return {"code": code.value, "message": docstrings.of_attributes(Code)[code.name]}
