from __future__ import annotations

import pytest

from rpc_cli import failures
from rpc_client.errors import Data, Kind, RequestError
from rpc_server import results


def failed(kind: str, message: str, remedy: str | None = None) -> RequestError:
    return RequestError(kind, message, data=results.FailureData(kind=kind, retryable=False, remedy=remedy))


def invalid(*fields: tuple[str, str]) -> RequestError:
    data: Data = tuple(results.InvalidField(path=path, message=message) for path, message in fields)
    return RequestError(Kind.INVALID_PARAMS, "x", data=data)


TOLD = {
    "not found": (
        failed("targetNotFound", 'There is no pod "apii" in namespace shop.', "Pods there: api-7d9f."),
        ('there is no pod "apii" in namespace shop', "Pods there: api-7d9f."),
    ),
    "an id": (
        failed("commandNotFound", 'No command "x" was started in this target. Ask for the status without an id.'),
        ('no command "x" was started in this target', "remotecmd ps local shows what was started there"),
    ),
    "a conflict": (
        failed("commandConflict", 'Command "x" is live. Start with ifExists "replace".'),
        ('command "x" is live', "Give this one another --id, or stop that one first with --if-exists replace."),
    ),
    "a field in a sentence": (
        failed("kubeconfigInvalid", "There is no kubeconfig. Name one in target.kubeconfig.", "See pidDirectory."),
        ("there is no kubeconfig. Name one in --kubeconfig", "See --pid-directory."),
    ),
    "one field": (invalid(("definition.id", "must be short")), ("--id must be short", None)),
    "a field of no option": (invalid(("output.from", "is bad")), ("output.from is bad", None)),
    "a variable": (invalid(("definition.envVars[0].value", "is bad")), ("--env number 1 is bad", None)),
    "a word": (invalid(("args[1]", "is bad")), ("word 2 of the command is bad", None)),
    "seven fields": (
        invalid(*((f"f{i}", "is bad") for i in range(7))),
        ("f0 is bad; f1 is bad; f2 is bad; f3 is bad; f4 is bad; and 2 more", None),
    ),
    "an old server": (
        RequestError(Kind.METHOD_NOT_FOUND, "there is no method"),
        ("the server does not have this method yet", None),
    ),
    "a dead server": (RequestError(Kind.SERVER_GONE, "The server ended."), ("the server ended", None)),
    "an escape sequence": (failed("forbidden", "It says \x1b[2J."), ("it says ·[2J", None)),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_a_failure_in_words(name: str) -> None:
    error, expected = TOLD[name]
    assert failures.explain(error, "local") == expected
