"""The tables of notifications, one for each way: their names, their params, and what they mean.

As with METHODS, documents are generated from them, so what is listed is what is built. What is pushed finds its name
here by the type of its params, so nothing can be pushed that is not listed. Must not know: how messages travel.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from rpc_server import messages, results


@attrs.frozen
class Notification:
    """One notification: `params` of None ignores whatever params there are; `meaning` goes into the documents."""

    params: type | None
    meaning: str


NOTIFICATIONS: Mapping[str, Notification] = MappingProxyType(
    {
        "initialized": Notification(None, "The client has read the result of initialize. Nothing depends on it."),
        "exit": Notification(
            None, "The server exits: with code 0 after shutdown, else with 1. Commands are not touched."
        ),
        "$/cancelRequest": Notification(
            messages.CancelParams,
            "Gives a request up; it is answered with -32800 unless it is done already. A cancelled start or exec "
            "leaves nothing running.",
        ),
        "$/setTrace": Notification(messages.SetTraceParams, "Sets how much $/logTrace tells."),
        "remotecmd/ack": Notification(
            messages.AckParams,
            "Everything of a stream below an offset is processed, so that more of it may be sent: for clients that "
            "gave outputWindowBytes. One that goes back, is beyond what was sent, or is of a run that is not followed, "
            "changes nothing.",
        ),
    }
)
"""What the server understands."""

PUSHED: Mapping[str, Notification] = MappingProxyType(
    {
        "remotecmd/output": Notification(
            results.Output,
            "Bytes of one stream of a run that is followed. The first comes after the reply that created the run; each "
            "byte is told once, at its offset, or is in a gap.",
        ),
        "remotecmd/statusChanged": Notification(
            results.StatusChanged,
            "The new state of a run that is followed. Exactly one is final: its status is stopped, errored or unknown, "
            "and nothing of the run follows it.",
        ),
        "remotecmd/gap": Notification(
            results.Gap, "Bytes of a stream that are gone. What follows begins at the offset after them."
        ),
        "remotecmd/connection": Notification(
            results.Connection,
            "How the container of followed runs is reached, when that changes. At first it is connected.",
        ),
        "$/progress": Notification(
            results.Progress,
            "What a request with a workDoneToken waits for: begin, report as that changes, end. Nothing is told of one "
            "that does not have to wait.",
        ),
        "window/logMessage": Notification(
            results.LogMessage, "A warning or an error of the server, once it was initialized. It never holds a value."
        ),
        "$/logTrace": Notification(
            results.LogTrace, "What was received and answered, if initialize or $/setTrace asked for it."
        ),
    }
)
"""What the server sends unasked."""

_NAMES = {notification.params: name for name, notification in PUSHED.items()}


def name_of(params: object) -> str:
    """The name of the notification that has such params. Raises KeyError for what is not listed."""
    return _NAMES[type(params)]
