"""Watches one run through any number of servers: every byte once, at its place, or in a gap; one end each time."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from tests.faults import pattern

ENDED = {"stopped", "errored", "unknown"}
STREAMS = ("stdout", "stderr")

PIECE_BYTES = 65536
"""What is read of a pipe at once."""


class Witness:
    """What came of a run whose streams are patterns with these salts.

    Args:
        run_id: of the run.
        salts: of stdout and stderr.
        gaps: whether there may be any.
    """

    def __init__(self, run_id: str, *salts: int, gaps: bool = False) -> None:
        self.run_id = run_id
        self.at = dict.fromkeys(STREAMS, 0)
        """The next offset of each stream, as attach takes it."""
        self.gaps: list[dict[str, Any]] = []
        self.uncounted = dict.fromkeys(STREAMS, 0)
        """Bytes that were dropped and are in no gap, see `_count`."""
        self.states: list[str] = []
        self.final: dict[str, Any] | None = None
        self._salts = dict(zip(STREAMS, salts, strict=False))
        self._may_have_gaps = gaps
        self._hashes = {stream: hashlib.sha256() for stream in STREAMS}

    def take(self, message: dict[str, Any]) -> None:
        """Look at a notification; those of other runs are passed over."""
        params = message.get("params", {})
        match message.get("method"):
            case "remotecmd/output" if params["runId"] == self.run_id:
                self._output(params)
            case "remotecmd/gap" if params["runId"] == self.run_id:
                self._gap(params)
            case "remotecmd/statusChanged" if params["process"]["runId"] == self.run_id:
                assert self.final is None, "something comes after the end"
                self.states.append(params["process"]["state"])
                if params["process"]["status"] in ENDED:
                    self.final = params["process"]

    def _output(self, params: dict[str, Any]) -> None:
        assert self.final is None, "output comes after the end"
        stream, offset, text = params["stream"], params["offset"], params["data"]
        data = base64.b64decode(text) if params.get("encoding") == "base64" else text.encode()
        assert offset == self.at[stream], f"{stream}: {self.at[stream]} was due and {offset} came"
        self.at[stream] += len(data)
        self._hashes[stream].update(data)
        if stream in self._salts:
            if self.gaps:
                self._count(stream, offset, data)
            was = offset + self.uncounted[stream]
            wanted = pattern.expected(self._salts[stream], was, was + len(data))
            if data != wanted:
                wrong = next(i for i, (a, b) in enumerate(zip(data, wanted, strict=False)) if a != b)
                raise AssertionError(
                    f"{stream}: other bytes than were written, {wrong} of {len(data)} after {offset}: "
                    f"{data[wrong : wrong + 40]!r}, not {wanted[wrong : wrong + 40]!r}; gaps: {self.gaps}"
                )

    def _count(self, stream: str, offset: int, data: bytes) -> None:
        """Where bytes were dropped since the disk was full, nobody knows the length of the piece that was just read: up
        to 64 KiB are missing in the gap. The next record says where it belongs."""
        header = re.search(rb"(?:\A|\n\n)([0-9a-f]{15})", data)
        if header is not None:
            uncounted = int(header[1], 16) - offset - header.start(1)
            assert 0 <= uncounted - self.uncounted[stream] < PIECE_BYTES * len(self.gaps), "not what a gap may lack"
            self.uncounted[stream] = uncounted

    def _gap(self, params: dict[str, Any]) -> None:
        assert self._may_have_gaps, params
        assert params["from"] == self.at[params["stream"]], params
        assert params["to"] > params["from"], params
        self.at[params["stream"]] = params["to"]
        self.gaps.append(params)

    def again(self, **at: int) -> None:
        """It is to be told from there on once more, up to another end."""
        for stream, offset in at.items():
            self.at[stream] = offset
        self.final = None

    def check(self, **records: int) -> None:
        """Everything came, from the first byte to the last."""
        assert self.final is not None
        for stream, count in records.items():
            assert self.at[stream] == count * pattern.RECORD_BYTES
            assert self._hashes[stream].hexdigest() == pattern.digest(self._salts[stream], count)
        assert self.final["offsets"] == self.at
        assert (self.final["stdoutEnded"], self.final["stderrEnded"]) == (True, True)
