"""From an HTTP answer that is not what was asked for to an error that says what to do. Pure.

The API server explains itself in a V1Status; a proxy on the way, in anything. Nothing is taken from either but words,
bounded and on one line.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes.decoded import mapping, text

MAX_BODY_BYTES = 64 * 1024
"""How much of a refusal's body is read; a V1Status is about 1 KiB."""

_MAX_WORDS = 300
_DENIED = re.compile(r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"')
_NOT_RUNNING = re.compile(
    r"completed pod|not running|waiting to start|current phase is|CONTAINER_EXITED", re.IGNORECASE
)
_NO_CONTAINER = re.compile(r"container \S+ is not valid for pod|container not found", re.IGNORECASE)


class Refused(Exception):  # noqa: N818  # not an error by itself: the caller decides what it means
    """An answer with a status of 400 or more; `body` is at most MAX_BODY_BYTES of it. Stays inside this package."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What was asked, for messages: `verb` and `resource` as RBAC names them."""

    verb: str
    resource: str
    name: str
    namespace: str
    place: str
    user: str = ""

    @property
    def where(self) -> str:
        """The namespace and context, as every message names them; what is in no namespace has none."""
        return f"namespace {self.namespace} ({self.place})" if self.namespace else self.place

    @property
    def noun(self) -> str:
        """One of the resource."""
        return self.resource.removesuffix("s")


def explain(status: int, body: bytes, request: Request) -> RemoteCommandError:
    """Say what an HTTP status of 400 or more means for a request."""
    answer = _status_object(body)
    words = _words(answer.get("message"))
    if status in (401, 403):
        return _unauthorized(request) if status == 401 else _forbidden(request, words)
    if status in (400, 404, 409, 500) and _NO_CONTAINER.search(words):
        message = f"Pod {request.name} in {request.where} has no such container: {words}."
        return RemoteCommandError(ErrorKind.CONTAINER_NOT_FOUND, message, http_status=status)
    if _NOT_RUNNING.search(words):
        message = f"Pod {request.name} in {request.where} is not running: {words}."
        return RemoteCommandError(ErrorKind.TARGET_NOT_RUNNING, message, retryable=True, http_status=status)
    if status == 404:
        return _not_found(request, by_api_server=bool(answer))
    if status == 410 or (status == 400 and "continue" in words):
        return _list_is_gone(status, request)
    return _other(status, request, words)


def fresh_token(refused: Refused) -> str:
    """The token with which a list that is too old to be continued can be, from the same place in a newer one."""
    return text(mapping(_status_object(refused.body), "metadata"), "continue") if refused.status == 410 else ""


def _list_is_gone(status: int, request: Request) -> RemoteCommandError:
    return RemoteCommandError(
        ErrorKind.OFFSET_EXPIRED,
        f"The list of {request.resource} in {request.where} can't be continued from there: the continue token is too "
        "old, or not of this list. Ask for the first page again, without continue.",
        retryable=status == 410,
        http_status=status,
    )


def _other(status: int, request: Request, words: str) -> RemoteCommandError:
    said = f": {words}" if words else ""
    if status >= 500 or status == 429:
        message = f"The API server of {request.place} can't serve the request now (HTTP {status}){said}."
        return RemoteCommandError(ErrorKind.UNREACHABLE, message, retryable=True, http_status=status)
    message = f"The API server of {request.place} refused to {request.verb} {request.resource} (HTTP {status}){said}."
    return RemoteCommandError(ErrorKind.NOT_SUPPORTED, message, http_status=status)


def _unauthorized(request: Request) -> RemoteCommandError:
    who = f"user {request.user}" if request.user else "this user"
    return RemoteCommandError(
        ErrorKind.UNAUTHORIZED,
        f"The API server of {request.place} does not accept the credentials of {who}; they may have expired.",
        remedy="Log in again with the tool that made the kubeconfig entry, then retry.",
        http_status=401,
    )


def _forbidden(request: Request, words: str) -> RemoteCommandError:
    denied = _DENIED.search(words)
    if denied is None:
        said = words or "it gave no reason, so a proxy on the way may not let WebSockets through"
        message = f"It is forbidden to {request.verb} {request.resource} in {request.where}: {said}."
        return RemoteCommandError(ErrorKind.FORBIDDEN, message, http_status=403)
    verb, resource = denied["verb"], denied["resource"]
    message = f'User "{denied["user"]}" lacks the verb {verb} on {resource} in {request.where}.'
    if resource == "pods/exec":
        message += " Running commands needs the verbs get and create on pods/exec."
        remedy = "Ask for a role with resources [pods/exec] and verbs [get, create], and [get] on pods."
    else:
        remedy = f"Ask for a role with resources [{resource}] and verbs [{verb}]."
        if verb == "list":
            remedy += f" A {request.noun} can be used all the same when it is named."
    return RemoteCommandError(ErrorKind.FORBIDDEN, message, remedy=remedy, http_status=403)


def _not_found(request: Request, *, by_api_server: bool) -> RemoteCommandError:
    if by_api_server:
        message = f'No {request.noun} "{request.name}" in {request.where}.'
        return RemoteCommandError(ErrorKind.TARGET_NOT_FOUND, message, http_status=404)
    message = f"What answers at the server address of {request.place} is not a Kubernetes API server (HTTP 404)."
    return RemoteCommandError(ErrorKind.UNREACHABLE, message, remedy="Check the cluster's server.", http_status=404)


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else {}


def _words(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:_MAX_WORDS].rstrip(".")
