"""HTTP answers of 400 and more, in words."""

from __future__ import annotations

import json

import pytest

from handlers.errors import ErrorKind
from handlers.transports.kubernetes.refusals import Request, explain

EXEC = Request("exec into", "pods", "api", "shop", "context prod", "jane")


def status(message: str) -> bytes:
    return json.dumps({"kind": "Status", "status": "Failure", "message": message}).encode()


@pytest.mark.parametrize(
    ("code", "body", "kind", "retryable", "words"),
    [
        (401, status("Unauthorized"), ErrorKind.UNAUTHORIZED, False, "credentials of user jane"),
        (404, status('pods "api" not found'), ErrorKind.TARGET_NOT_FOUND, False, 'No pod "api" in namespace shop'),
        (404, b"<html>", ErrorKind.UNREACHABLE, False, "not a Kubernetes API server"),
        (404, status('container not found ("x")'), ErrorKind.CONTAINER_NOT_FOUND, False, "no such container"),
        (
            400,
            status("container x is not valid for pod api"),
            ErrorKind.CONTAINER_NOT_FOUND,
            False,
            "no such container",
        ),
        (
            400,
            status("cannot exec into a container in a completed pod; current phase is Succeeded"),
            ErrorKind.TARGET_NOT_RUNNING,
            True,
            "completed pod",
        ),
        (
            400,
            status("you must specify at least 1 of stdin, stdout, stderr"),
            ErrorKind.NOT_SUPPORTED,
            False,
            "at least 1",
        ),
        (403, b"", ErrorKind.FORBIDDEN, False, "proxy on the way"),
        (403, status("admission denied it"), ErrorKind.FORBIDDEN, False, "admission denied it"),
        (426, b"[1]", ErrorKind.NOT_SUPPORTED, False, "HTTP 426"),
        (429, b"", ErrorKind.UNREACHABLE, True, "HTTP 429"),
        (
            500,
            status("error dialing backend: connection refused"),
            ErrorKind.UNREACHABLE,
            True,
            "error dialing backend",
        ),
        (503, b"\xff\x00", ErrorKind.UNREACHABLE, True, "HTTP 503"),
        (500, b'{"kind": "Status", "message": 7}', ErrorKind.UNREACHABLE, True, "HTTP 500"),
        (502, b"[" * 60_000, ErrorKind.UNREACHABLE, True, "HTTP 502"),
    ],
)
def test_refusals(code: int, body: bytes, kind: ErrorKind, retryable: bool, words: str) -> None:
    error = explain(code, body, EXEC)
    assert (error.kind, error.retryable, error.http_status) == (kind, retryable, code)
    assert words in error.message


@pytest.mark.parametrize(
    ("verb", "resource", "remedy"),
    [
        ("create", "pods/exec", "[pods/exec] and verbs [get, create]"),
        ("get", "pods/exec", "[pods/exec] and verbs [get, create]"),
        ("list", "pods", "[pods] and verbs [list]"),
    ],
)
def test_forbidden_names_verb_and_resource(verb: str, resource: str, remedy: str) -> None:
    body = status(f'pods "api" is forbidden: User "jane" cannot {verb} resource "{resource}" in API group "" in ...')
    error = explain(403, body, EXEC)
    assert f'User "jane" lacks the verb {verb} on {resource} in namespace shop (context prod).' in error.message
    assert error.remedy is not None and remedy in error.remedy


def test_anonymous_user_has_no_name() -> None:
    assert "credentials of this user" in explain(401, b"", Request("get", "pods", "a", "b", "in-cluster")).message


def test_words_are_bounded_and_printable() -> None:
    message = explain(500, status("a\x1b[31m\nb" + "x" * 5000), EXEC).message
    assert "\x1b" not in message and "\n" not in message and len(message) < 500
