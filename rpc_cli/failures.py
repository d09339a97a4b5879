"""Failures as a person at a terminal needs them: the server's sentences, with this program's options in them. Pure.

The server speaks to clients ("start with ifExists"), so what it says of fields is said of options here, and where this
program has a command that helps, that is the next step. Must not know: click, exit statuses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from handlers.errors import ErrorKind
from rpc_cli.formats import sentence
from rpc_client.errors import Kind, RequestError

if TYPE_CHECKING:
    from rpc_server import results

OPTION_OF_FIELD = {
    "definition.id": "--id",
    "definition.workingDir": "--workdir",
    "definition.cmdLine": "the command",
    "definition.args": "the command",
    "definition.pidDirectory": "--pid-directory",
    "workingDir": "--workdir",
    "pidDirectory": "--pid-directory",
    "cmdLine": "the command",
    "target.podName": "the name of the pod",
    "target.namespace": "the namespace",
    "target.containerName": "the name of the container",
    "target.context": "the context",
    "target.kubeconfig": "--kubeconfig",
    "target.workload": "the workload",
    "target.selector": "--selector",
    "selector": "--selector",
    "namespace": "the namespace",
    "waitSeconds": "--wait",
    "timeoutSeconds": "--timeout",
    "gracePeriodSeconds": "--grace-period",
    "id": "the id",
    "from.stdout": "--since-offset",
    "from.stderr": "--since-offset",
    "stdin": "what stdin holds",
}
"""What a field of the wire is called on this command line."""

_WORD = re.compile(r"(?:definition\.)?args\[(\d+)\]\Z")
_VARIABLE = re.compile(r"(?:definition\.)?envVars\[(\d+)\](?:\.\w+)?\Z")

_WORDS = frozenset({"id", "namespace", "selector"})
"""Fields whose names stand in sentences as the words that they are."""

MOST_SHOWN = 5


def explain(error: RequestError, target: str) -> tuple[str, str | None]:
    """The sentence after "remotecmd: ", and a next step if there is one; `target` is as the user wrote it."""
    match error.kind:
        case Kind.INVALID_PARAMS if isinstance(error.data, tuple) and error.data:
            return _invalid(error.data), None
        case Kind.METHOD_NOT_FOUND:
            return "the server does not have this method yet", None
        case ErrorKind.COMMAND_NOT_FOUND:
            return _first(error.message), f"remotecmd ps {target} shows what was started there"
        case ErrorKind.COMMAND_CONFLICT:
            return _first(error.message), "Give this one another --id, or stop that one first with --if-exists replace."
        case _:
            remedy = None if error.remedy is None else _in_options(sentence(error.remedy, capital=True))
            return _in_options(sentence(error.message)).removesuffix("."), remedy


def _invalid(fields: tuple[results.InvalidField, ...]) -> str:
    told = "; ".join(f"{_option(field.path)} {field.message}" for field in fields[:MOST_SHOWN])
    more = len(fields) - MOST_SHOWN
    return sentence(told) + (f"; and {more} more" if more > 0 else "")


def _option(path: str) -> str:
    """What a field is called on the command line; words and variables are counted from 1."""
    if match := _WORD.match(path):
        return f"word {int(match[1]) + 1} of the command"
    if match := _VARIABLE.match(path):
        return f"--env number {int(match[1]) + 1}"
    return OPTION_OF_FIELD.get(path, path)


def _first(message: str) -> str:
    """The first sentence: the second is for clients."""
    return sentence(message).split(". ", 1)[0].removesuffix(".")


def _in_options(text: str) -> str:
    for field, option in OPTION_OF_FIELD.items():
        if field not in _WORDS:
            text = text.replace(field, option)
    return text
