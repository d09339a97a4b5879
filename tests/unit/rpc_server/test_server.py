"""The server on two pipes, in this process: what can't be seen from outside, or only with much more data."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from rpc_server import envelope, logs, server
from rpc_server.ending import Deadline
from rpc_server.stdio import Stdio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WAIT = 10.0


class Wired:
    """A server and the far ends of its pipes."""

    def __init__(self) -> None:
        stdin, self.to_server = os.pipe()
        self.from_server, stdout = os.pipe()
        self._own = [stdin, stdout, self.from_server]
        self.codes: list[int] = []
        deadline = Deadline(WAIT, self.codes.append)  # type: ignore[arg-type]  # os._exit never returns
        self.server = server.Server(Stdio(stdin, stdout), "1.2.3", deadline)
        self.serving = asyncio.create_task(self.server.serve())

    async def write(self, *messages: dict[str, Any]) -> None:
        await asyncio.to_thread(os.write, self.to_server, b"".join(map(envelope.encode, messages)))

    async def read(self, count: int) -> list[dict[str, Any]]:
        """The next messages."""
        got = b""
        while len(found := re.findall(rb"\r\n\r\n(.*?)(?=Content-Length|\Z)", got)) < count or not got.endswith(b"}"):
            got += await asyncio.to_thread(os.read, self.from_server, 1 << 20)
        return [json.loads(body) for body in found]

    async def end(self) -> int:
        os.close(self.to_server)
        try:
            return await asyncio.wait_for(self.serving, WAIT)
        finally:
            for descriptor in self._own:
                os.close(descriptor)
            for name in logs.OURS:
                logging.getLogger(name).handlers.clear()


@pytest.fixture
async def wired() -> AsyncIterator[Wired]:
    running = Wired()
    yield running
    if not running.serving.done():
        await running.end()


def unknown(msg_id: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": msg_id, "method": "nope"}


async def test_the_version_is_told(wired: Wired) -> None:
    await wired.write({"jsonrpc": "2.0", "id": 1, "method": "initialize"})
    (answer,) = await wired.read(1)
    assert answer["result"]["serverInfo"] == {"name": "remotecmd", "version": "1.2.3"}
    assert await wired.end() == 0


async def test_reading_pauses_while_replies_pile_up(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """With replies beyond a pipe and the limit nothing more is read, and everything once the client reads."""
    monkeypatch.setattr(server, "MAX_WAITING_REPLY_BYTES", 10_000)
    count = 4000
    writing = asyncio.create_task(wired.write(*map(unknown, range(count))))
    while not wired.server._reader_waits:  # noqa: ASYNC110  # nothing tells that the pipe and the queue are full
        await asyncio.sleep(0.001)
    waiting = wired.server.outbound.waiting
    assert 10_000 < waiting < 10_000 + 65_536 * 4  # a chunk of requests makes a few times as many bytes of replies
    assert not writing.done()
    answers = await wired.read(count)
    await writing
    assert [answer["id"] for answer in answers] == list(range(count))


async def test_a_bug_in_a_message_does_not_end_reading(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(body: bytes) -> None:
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(wired.server.protocol, "handle_body", broken)
    await wired.write(unknown(1), unknown(2))
    assert [answer["id"] for answer in await wired.read(1)] == [2]


async def test_a_request_that_meets_a_bug_is_answered(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(wired.server.session, "handler", broken)
    await wired.write(
        {"jsonrpc": "2.0", "id": 1, "method": "remotecmd/status", "params": {"target": {"kind": "local"}}}
    )
    (answer,) = await wired.read(1)
    assert answer["error"]["code"] == -32603
    assert "secret" not in str(answer)


async def test_the_first_reason_to_end_counts(wired: Wired) -> None:
    wired.server.exit()
    wired.server.end(server.Ending.SIGNAL)
    assert await asyncio.wait_for(wired.serving, WAIT) == 1
    assert wired.server.ending
    assert await wired.end() == 1
