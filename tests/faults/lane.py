"""One server under faults: asks as a careful client does, and shows what it tells to the witnesses of the runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.e2e.conftest import LONG

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.witness import Witness
    from tests.rpc.client import Client


class Lane:
    """For one thread.

    Args:
        client: the server.
        target: of every request.
    """

    def __init__(self, client: Client, target: dict[str, Any]) -> None:
        self.client = client
        self.target = target
        self.witnesses: dict[str, Witness] = {}
        self.connections: list[str] = []
        self.asked_again = 0

    def watch(self, *witnesses: Witness) -> None:
        """Show them what comes."""
        self.witnesses |= {witness.run_id: witness for witness in witnesses}

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The reply to a request, be it an error; what comes before it is looked at."""
        number = self.client.send_request(f"remotecmd/{method}", {"target": self.target, **params})
        while True:
            message = self.client.next(LONG)
            if "method" not in message and message["id"] == number:
                return message
            self._look_at(message)

    def insist(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The result of a request, asked for again as long as the server says that it may work."""
        while True:
            reply = self.request(method, params)
            if "error" not in reply:
                result: dict[str, Any] = reply["result"]
                return result
            data = reply["error"]["data"]
            assert data["kind"] in {"unreachable", "timeout"}, reply
            assert data["retryable"], reply
            if "runId" in data:
                assert data["runId"] == params["runId"], reply
            self.asked_again += 1

    def until(self, is_enough: Callable[[], bool], seconds: float) -> None:
        """Look at what comes until there is enough."""
        deadline = time.monotonic() + seconds
        while not is_enough():
            self._look_at(self.client.next(max(deadline - time.monotonic(), 0.01)))

    def _look_at(self, message: dict[str, Any]) -> None:
        if message.get("method") == "remotecmd/connection":
            self.connections.append(message["params"]["state"])
            return
        params = message.get("params", {})
        witness = self.witnesses.get(params.get("runId") or params.get("process", {}).get("runId", ""))
        if witness is not None:
            witness.take(message)
