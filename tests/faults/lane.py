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
        self._replies: dict[int | str, dict[str, Any]] = {}

    def watch(self, *witnesses: Witness) -> None:
        """Show them what comes."""
        self.witnesses |= {witness.run_id: witness for witness in witnesses}

    def send(self, method: str, params: dict[str, Any]) -> int | str:
        """Ask, and look for the reply later."""
        return self.client.send_request(f"remotecmd/{method}", {"target": self.target, **params})

    def reply(self, number: int | str, seconds: float = LONG) -> dict[str, Any]:
        """The reply to a request, be it an error; what comes before it is looked at."""
        self.until(lambda: number in self._replies, seconds)
        return self._replies.pop(number)

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Ask and wait for the reply."""
        return self.reply(self.send(method, params))

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
        if "method" not in message:
            self._replies[message["id"]] = message
            return
        if message.get("method") == "remotecmd/connection":
            self.connections.append(message["params"]["state"])
            return
        params = message.get("params", {})
        witness = self.witnesses.get(params.get("runId") or params.get("process", {}).get("runId", ""))
        if witness is not None:
            witness.take(message)
