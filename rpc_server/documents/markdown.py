"""docs/protocol.md: the contract for people, from the OpenRPC document, with recorded conversations as examples.

What no table says stands in `rpc_server.documents.prose`, by hand. Must not know: where it goes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rpc_server.documents import prose

Schema = Mapping[str, Any]

WIDTH = 110
"""Of lines in examples."""


def render(document: Mapping[str, Any], transcripts: Mapping[str, Any], file_of: Callable[[str], str]) -> str:
    """The whole file; `file_of` names the transcript of a method."""
    page = _Page(document["components"]["schemas"])
    parts = [prose.BEGINNING, "## Methods"]
    for method in document["methods"]:
        parts += page.method(method)
        if method["name"] in transcripts:
            link = f"transcripts/{file_of(method['name'])}"
            parts += [f"A [conversation]({link}):", example(transcripts[method["name"]]["messages"])]
    for heading, way in (("Notifications from the server", "toClient"), ("Notifications to the server", "toServer")):
        parts.append(f"## {heading}")
        for notification in document["x-notifications"][way]:
            parts += page.notification(notification)
    parts += ["## Errors", prose.ERRORS, _errors(document["x-errors"])]
    parts += ["### Kinds", prose.KINDS, _values(page.take("ErrorKind"))]
    parts += ["## Process states", prose.STATES, "Status, coarsely:", _values(page.take("Status"))]
    parts += ["State, finely:", _values(page.take("State"))]
    parts += ["## Types", *page.rest()]
    return "\n\n".join(parts) + "\n"


class _Page:
    """Remembers which schemas have been shown, so that the rest can follow."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas
        self._left = dict.fromkeys(schemas)

    def take(self, name: str) -> Schema:
        """A schema that is shown now."""
        self._left.pop(name, None)
        return self._schemas[name]

    def method(self, method: Mapping[str, Any]) -> Iterator[str]:
        yield f"### {method['name']}"
        yield " ".join(method[key] for key in ("summary", "description") if key in method)
        yield from self._table("Params", method["x-params"])
        yield from self._table("Result", method["result"]["schema"])

    def notification(self, notification: Mapping[str, Any]) -> Iterator[str]:
        yield f"### {notification['name']}"
        yield notification["description"]
        if "params" in notification:
            yield from self._table("Params", notification["params"])

    def rest(self) -> Iterator[str]:
        while self._left:
            name = next(iter(self._left))
            schema = self.take(name)
            yield f"### {name}"
            if "description" in schema:
                yield schema["description"]
            if schema.get("properties"):
                yield self._fields(schema)
            elif any("const" in option for option in schema.get("oneOf", ())):
                yield _values(schema)
            else:
                yield self._type(schema)

    def _table(self, what: str, reference: Schema) -> Iterator[str]:
        if "$ref" not in reference:
            yield f"{what}: {self._type(reference)}."
            return
        schema = self.take(_name(reference))
        if not schema["properties"]:
            yield f"{what}: none."
            return
        yield f"{what}:"
        yield self._fields(schema)

    def _fields(self, schema: Schema) -> str:
        required = schema.get("required", ())
        rows = ["| field | type | |", "|---|---|---|"]
        for key, field in schema["properties"].items():
            name = f"**`{key}`**" if key in required else f"`{key}`"
            rows.append(f"| {name} | {_cell(self._type(field))} | {_cell(field.get('description', ''))} |")
        return "\n".join(rows)

    def _type(self, schema: Schema) -> str:
        if "$ref" in schema:
            return f"[{_name(schema)}](#{_ANCHORS.get(_name(schema), _name(schema).lower())})"
        if "enum" in schema:
            return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
        if "oneOf" in schema:
            return " or ".join(self._type(option) for option in schema["oneOf"])
        if schema["type"] == "array":
            return f"array of {self._type(schema['items'])}"
        return str(schema["type"]) + _range(schema)


_ANCHORS = {"ErrorKind": "kinds", "Status": "process-states", "State": "process-states"}
"""Where schemas are shown that have no heading of their own."""


def _name(reference: Schema) -> str:
    return str(reference["$ref"]).rsplit("/", 1)[1]


def _range(schema: Schema) -> str:
    if "maximum" not in schema:
        return ""
    least = f"more than {schema['exclusiveMinimum']:,}" if "exclusiveMinimum" in schema else f"{schema['minimum']:,}"
    return f", {least} to {schema['maximum']:,}" if "minimum" in schema else f", {least}, up to {schema['maximum']:,}"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _values(schema: Schema) -> str:
    rows = [f"| `{option['const']}` | {_cell(option['description'])} |" for option in schema["oneOf"]]
    return "\n".join(["| | |", "|---|---|", *rows])


def _errors(errors: list[Mapping[str, Any]]) -> str:
    rows = [f"| {error['code']} | {error['name']} | {_cell(error['description'])} |" for error in errors]
    return "\n".join(["| code | name | |", "|---|---|---|", *rows])


# -- examples ---------------------------------------------------------------------------------------------------------


def example(messages: list[Mapping[str, Any]]) -> str:
    """A conversation as a code block: an arrow, the id, what it is, and its JSON."""
    lines = ["```"]
    for entry in messages:
        ((side, message),) = entry.items()
        arrow = "→" if side == "client" else "←"
        words = [arrow, *([f"{message['id']}"] if "id" in message else []), message.get("method", "")]
        body = next((message[key] for key in ("params", "result", "error") if key in message), None)
        if "error" in message:
            words.append("error")
        head = " ".join(word for word in words if word)
        lines.append(
            f"{head} {pretty(body, WIDTH, len(head) + 1)}" if body is not None or "result" in message else head
        )
    return "\n".join([*lines, "```"])


def pretty(value: Any, width: int, used: int = 0, indent: int = 0) -> str:
    """JSON in one line if that leaves it within `width`, else with each member on lines of its own."""
    line = json.dumps(value, ensure_ascii=False)
    if used + len(line) <= width or not isinstance(value, dict | list) or not value:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        members = [(f"{json.dumps(key, ensure_ascii=False)}: ", member) for key, member in value.items()]
        begin, end = "{", "}"
    else:
        members, begin, end = [("", member) for member in value], "[", "]"
    # One is kept for the comma.
    shown = [f"{inner}{key}{pretty(m, width, indent + 3 + len(key), indent + 2)}" for key, m in members]
    return f"{begin}\n" + ",\n".join(shown) + f"\n{' ' * indent}{end}"
