"""Which acknowledgements a client sends for one run: few, and always enough for the server to go on. Pure.

Must not know: frames, who takes the output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpc_server import messages

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_CHUNK_BYTES = 32_768
"""The server waits for so much room at most; it is the least window that may be asked for."""


class Acknowledgements:
    """Of both streams of a run.

    Args:
        window_bytes: what the server was asked to send ahead at most.
        send: sends one.
    """

    def __init__(self, window_bytes: int, send: Callable[[messages.AckParams], None]) -> None:
        # A quarter keeps the pipe busy with one acknowledgement for many chunks; what is left has room for any chunk.
        self._step = min(window_bytes // 4, window_bytes - LARGEST_CHUNK_BYTES)
        self._send = send
        self._at: dict[str, int] = {}

    def processed(self, run_id: str, stream: str, offset: int) -> None:
        """Everything of a stream below `offset` is processed."""
        if offset - self._at.setdefault(stream, 0) > self._step:
            self._at[stream] = offset
            self._send(messages.AckParams(run_id=run_id, stream=stream, offset=offset))
