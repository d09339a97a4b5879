"""A conversation with a real server, in the form in which it is kept in docs/transcripts.

It writes down what goes over the wire in both directions, and then takes out what differs from run to run: values
become named placeholders, output of one stream that came in pieces becomes one piece, and what may come in any order
gets one. What it keeps is compared for equality: a scenario has to wait for what it relies on.

    with Client() as client:
        talk = Conversation(client, directory)
        talk.ask("remotecmd/start", target=LOCAL, definition={...})
        talk.until_output("web", "listening\n")
        talk.end()
    talk.messages()
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.rpc.client import Client

Message = dict[str, Any]
LOCAL = {"kind": "local"}
LIVE = {"starting", "running", "stopping"}
COMPLETE = {"exited", "signaled"}
"""States in which offsets have come to rest; a shell may still complain of what could not start."""

NUMBERED = {"runId", "pid", "specHash"}
"""Placeholders of these keys tell different values apart: the second is `<runId 2>`."""

PLAIN = {
    "processId",
    "startedAt",
    "endedAt",
    "time",
    "elapsedMs",
    "pidDirectory",
    "kubeconfig",
    "stdoutEnded",
    "stderrEnded",
}
"""Placeholders of these keys are all the same. Whether a stream is read to its end may be seen a little later."""


FOUND = {"level": "<level>", "detail": "<detail>", "remedy": "<remedy, or none>"}
"""Placeholders in what doctor finds, which is another thing on each machine; whether there is a remedy differs, too."""


@dataclasses.dataclass
class _Step:
    """A message of the client, whether it is written down, what was heard until the next, and if its order is kept."""

    sent: Message
    hidden: bool
    heard: list[Message] = dataclasses.field(default_factory=list)
    ordered: bool = False

    def said(self) -> list[Message]:
        """What is written down, as `{"client": message}` and `{"server": message}`."""
        heard = [message for message in self.heard if not _is_passing(message)]
        whole = joined(heard if self.ordered else sorted(heard, key=_usual_place))
        return [] if self.hidden else [{"client": self.sent}, *({"server": message} for message in whole)]


class Conversation:
    """What one client and one server say to each other.

    Args:
        client: speaks to the server.
        directory: a pidDirectory for the conversation.
    """

    def __init__(self, client: Client, directory: str) -> None:
        self._client = client
        self.directory = directory
        self._steps: list[_Step] = []
        self._hidden = False
        self._last_id = 0

    # -- talking -------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """What is said within is not written down."""
        self._hidden = True
        yield
        self._hidden = False

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request, wait for its reply, and return its result or error."""
        return self.reply_to(self.send(method, **params))

    def send(self, method: str, **params: Any) -> int | str:
        """Send a request and return its id. `from_` is `from`, and no params at all are left out."""
        if self._hidden:
            msg_id: int | str = f"hidden {len(self._steps)}"
        else:
            self._last_id += 1
            msg_id = self._last_id
        self._say({"jsonrpc": "2.0", "id": msg_id, "method": method, **_params(params)})
        return msg_id

    def ask_for_stream(self, method: str, **params: Any) -> Any:
        """As `ask`; what comes before the reply always does, and stays there."""
        msg_id = self.send(method, **params)
        self._steps[-1].ordered = True
        return self.reply_to(msg_id)

    def notify(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self._say({"jsonrpc": "2.0", "method": method, **_params(params)})

    def reply_to(self, msg_id: int | str) -> Any:
        """Wait for the reply to a request, and return its result or error."""
        found = self._until(lambda message: message.get("id") == msg_id and "method" not in message)
        return found.get("result", found.get("error"))

    def until_output(self, id: str, text: str) -> None:
        """Wait until what a command wrote since the last message to the server ends with `text`."""
        heard = self._steps[-1].heard

        def complete(_: Message) -> bool:
            outputs = (message["params"] for message in heard if message.get("method") == "remotecmd/output")
            return "".join(output["data"] for output in outputs if output["id"] == id).endswith(text)

        self._until(complete)

    def until_final(self, id: str) -> None:
        """Wait for the final state of a command."""
        self._until(lambda message: _is_final(message) and message["params"]["process"]["id"] == id)

    def end(self) -> None:
        """Let the server go; it must have nothing more to say."""
        self._client.close_stdin()
        rest = [message for message in self._client.rest() if not _is_passing(message)]
        assert rest == [], "the server said more than the scenario waits for"

    def _say(self, message: Message) -> None:
        self._steps.append(_Step(message, self._hidden))
        self._client.send(message)

    def _until(self, wanted: Callable[[Message], bool]) -> Message:
        heard = self._steps[-1].heard
        for message in heard:  # a reply may come after the final state that is waited for next
            if wanted(message):
                return message
        while True:
            message = self._client.next()
            heard.append(message)
            if wanted(message):
                return message

    def exchanges(self) -> Iterator[tuple[Message, list[Message]]]:
        """Each message of the client with what was heard until the next, as it was."""
        for step in self._steps:
            yield step.sent, step.heard

    # -- the record ----------------------------------------------------------------------------------------------------

    def messages(self) -> list[Message]:
        """Everything that was not hidden, with placeholders."""
        chosen = {step.sent["params"]["runId"] for step in self._steps if "runId" in step.sent.get("params", {})}
        said = [message for step in self._steps for message in step.said()]
        replaced: list[Message] = Placeholders(chosen).replace(said)
        return replaced


def _params(params: dict[str, Any]) -> Message:
    return {"params": {name.rstrip("_"): value for name, value in params.items()}} if params else {}


def _is_final(message: Message) -> bool:
    return message.get("method") == "remotecmd/statusChanged" and message["params"]["process"]["state"] not in LIVE


def _is_passing(message: Message) -> bool:
    """Whether a quick run may end before anybody sees this state."""
    return message.get("method") == "remotecmd/statusChanged" and not _is_final(message)


def _usual_place(message: Message) -> int:
    """Replies, then stdout, then stderr, then the rest: which of them comes first may be chance."""
    streams = {"stdout": 1, "stderr": 2}
    return streams.get(message.get("params", {}).get("stream", ""), 3) if "method" in message else 0


def joined(heard: list[Message]) -> list[Message]:
    """The same messages, with output of one stream in one piece, where its first was."""
    found: list[Message] = []
    first: dict[tuple[str, str], Message] = {}
    for message in heard:
        if message.get("method") == "remotecmd/output":
            params = message["params"]
            stream = params["runId"], params["stream"]
            if stream in first:
                assert "encoding" not in params, "base64 can't be joined: let the command write once"
                first[stream]["params"]["data"] += params["data"]
                continue
            first[stream] = {**message, "params": dict(params)}
            found.append(first[stream])
        else:
            found.append(message)
    return found


class Placeholders:
    """Replaces what differs from run to run; run ids that the client has chosen do not."""

    def __init__(self, chosen: set[str]) -> None:
        self._chosen = chosen
        self._seen: dict[tuple[str, Any], str] = {}

    def replace(self, value: Any) -> Any:
        """The same, with placeholders."""
        if isinstance(value, list):
            return [self.replace(item) for item in value]
        if isinstance(value, dict):
            if "openrpc" in value:
                return "<the document in docs/openrpc.json>"
            if "check" in value:
                return {"check": value["check"], **FOUND}
            return {key: self._value(key, item, value) for key, item in value.items()}
        return value

    def _value(self, key: str, value: Any, parent: Message) -> Any:
        if key in NUMBERED and value not in self._chosen:
            return self._numbered(key, value)
        if key in PLAIN or (key == "version" and parent.get("name") == "remotecmd"):
            return f"<{key}>"
        if key == "id" and str(value).startswith("_"):  # that of an exec
            return self._numbered(key, value)
        if key == "offsets" and "state" in parent and parent["state"] not in COMPLETE:
            return "<offsets>"
        return self.replace(value)

    def _numbered(self, key: str, value: Any) -> str:
        if (key, value) not in self._seen:
            number = 1 + sum(other == key for other, _ in self._seen)
            self._seen[key, value] = f"<{key}>" if number == 1 else f"<{key} {number}>"
        return self._seen[key, value]
