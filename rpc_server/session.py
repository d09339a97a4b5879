"""What one client has agreed with the server: whether it is initialized, encodings, flow control, trace.

A state machine of three states; the table below says which requests each of them takes. It is changed only by the
lifecycle methods, in the order in which messages arrive. Must not know: JSON-RPC, pygls, how messages travel.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import attrs

from rpc_server.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from handlers.api import ProcessHandler
    from rpc_server import messages


class ClientState(enum.Enum):
    """How far the lifecycle went."""

    CREATED = enum.auto()
    """Nothing agreed; a script may work without `initialize`."""
    INITIALIZED = enum.auto()
    """`initialize` was answered; a second one is refused."""
    SHUT_DOWN = enum.auto()
    """`shutdown` was answered; only `exit` may follow."""


REFUSED = {
    ClientState.CREATED: {},
    ClientState.INITIALIZED: {"initialize": "initialize was answered already: it may be sent once"},
    ClientState.SHUT_DOWN: None,
}
"""Per state, the requests that are refused and why; None refuses every request."""

AFTER_SHUTDOWN = "the server was shut down: only exit may follow"


@attrs.define
class Session:
    """The conversation with one client.

    Attributes:
        handler: gives the process handler, made when it is first asked for.
        watch_parent: begins to watch the client's process.
        version: of this server.
        push: sends the notification that has such params, once there is room for it.
        state: how far the lifecycle went.
        output_encoding: of all output.
        trace: how much `$/logTrace` tells.
        pacer: keeps output within the client's window.
    """

    handler: Callable[[], ProcessHandler]
    watch_parent: Callable[[int], None]
    version: str
    push: Callable[[Any], Awaitable[None]]
    state: ClientState = ClientState.CREATED
    output_encoding: messages.Encoding = "utf8"
    trace: messages.Trace = "off"
    pacer: Pacer = attrs.field(factory=Pacer, init=False)

    def refusal(self, method: str) -> str | None:
        """Why this request may not come now, or None."""
        refused = REFUSED[self.state]
        return AFTER_SHUTDOWN if refused is None else refused.get(method)

    def initialize(self, params: messages.InitializeParams) -> None:
        """Agree with the client on encoding, flow control and trace, and watch its process."""
        self.state = ClientState.INITIALIZED
        if (wanted := params.capabilities) is not None:
            self.output_encoding = wanted.output_encoding or self.output_encoding
            self.pacer.size = wanted.output_window_bytes
        self.trace = params.trace or self.trace
        if params.process_id is not None:
            self.watch_parent(params.process_id)

    def shut_down(self) -> None:
        """Take no more requests."""
        self.state = ClientState.SHUT_DOWN
