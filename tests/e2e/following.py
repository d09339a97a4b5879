"""What a client receives of one run, checked as it comes: every byte once and in order, one end."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rpc.client import Client

ENDED = {"stopped", "errored", "unknown"}


class Following:
    """Collects output by stream, from the first offset that comes or is given."""

    def __init__(self, client: Client, run_id: str, **offsets: int) -> None:
        self.data = {"stdout": bytearray(), "stderr": bytearray()}
        self.final: dict[str, Any] | None = None
        self._begun = {"stdout": offsets.get("stdout", 0), "stderr": offsets.get("stderr", 0)}
        self._client = client
        self._run_id = run_id

    @property
    def at(self) -> dict[str, int]:
        """The next offset of each stream, as attach takes it."""
        return {stream: begun + len(self.data[stream]) for stream, begun in self._begun.items()}

    def until(self, is_enough: Callable[[Following], bool], seconds: float = 60) -> Following:
        """Take messages until there is enough; it must come before the final state, or with it."""
        deadline = time.monotonic() + seconds
        while not is_enough(self):
            assert self.final is None, self.final
            self._take(self._client.next(max(deadline - time.monotonic(), 0.01)))
        return self

    def to_end(self, seconds: float = 60) -> dict[str, Any]:
        """Take everything up to the final state, and return that."""
        self.until(lambda following: following.final is not None, seconds)
        assert self.final is not None
        assert self.final["offsets"] == self.at
        return self.final

    def _take(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "remotecmd/output" if params["runId"] == self._run_id:
                assert params["offset"] == self.at[params["stream"]], "bytes were lost or came twice"
                text = params["data"]
                piece = base64.b64decode(text) if params.get("encoding") == "base64" else text.encode()
                self.data[params["stream"]] += piece
            case "remotecmd/statusChanged" if params["process"]["runId"] == self._run_id:
                if params["process"]["status"] in ENDED:
                    self.final = params["process"]
            case "remotecmd/gap":
                raise AssertionError(message)
