"""Following over a real channel whose far end plays a script: orders of events that are rare with a real agent."""

from __future__ import annotations

import asyncio
import shlex
from typing import TYPE_CHECKING

import handlers.follow
import handlers.retry
from handlers.agent import codec
from handlers.agent.channel import Channel
from handlers.api import ConnectionState, Gap, Offsets, OutputChunk, Process, ResolvedTarget, State, Status, Stream
from handlers.connections import Connections
from handlers.follow import Follower
from handlers.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

NONCE = "n0"
TARGET = ResolvedTarget(kind="local")


def facts(*, code: str = "-", life: str = "A", out: str = "0 0 - - - -", err: str = "0 0 - - - -") -> str:
    """A snapshot line as the agent writes it."""
    ended = "-" if code == "-" else "2.00"
    return f"dir key 1 web run hash 0 1000000 1.00 sleep 42 99 1.00 {life} {code} {ended} - - - - {out} {err}"


class ScriptedAgent:
    """The far end of a channel: `answer` gets each request's words and writes with `reply` and `notice`."""

    def __init__(self, answer: Callable[[ScriptedAgent, list[str]], None]) -> None:
        self._answer = answer
        self._out: asyncio.Queue[tuple[Stream, bytes] | None] = asyncio.Queue()
        self.end = None

    def reply(self, request_id: str, body: bytes = b"", words: str = "ok") -> None:
        self._out.put_nowait((Stream.STDOUT, f"{NONCE} {request_id} {len(body)} {words}\n".encode() + body))

    def notice(self, line: str) -> None:
        self._out.put_nowait((Stream.STDERR, f"{NONCE} run {line}\n".encode()))

    async def write(self, data: bytes) -> None:
        for line in data.decode().splitlines():
            if "RC_NONCE" in line:
                self._out.put_nowait((Stream.STDOUT, f"{NONCE} hello 1 1 0 1.00 ns\n".encode()))
            else:
                self._answer(self, shlex.split(line))

    async def receive(self) -> tuple[Stream, bytes] | None:
        return await self._out.get()

    async def close_stdin(self) -> None:
        pass

    def end_stream(self) -> None:
        self._out.put_nowait(None)

    async def close(self) -> None:
        self.end_stream()


class PlaceOf:
    def __init__(self, target: ResolvedTarget) -> None:
        self.target = target


class Listener:
    def __init__(self) -> None:
        self.chunks: list[OutputChunk] = []
        self.states: list[Process] = []
        self.gaps: list[Gap] = []
        self.connections: list[ConnectionState] = []

    async def output(self, chunk: OutputChunk) -> None:
        self.chunks.append(chunk)

    async def status_changed(self, process: Process) -> None:
        self.states.append(process)

    async def gap(self, gap: Gap) -> None:
        self.gaps.append(gap)

    async def connection(self, _: ResolvedTarget, state: ConnectionState, __: str) -> None:
        self.connections.append(state)


async def follow(answer: Callable[[ScriptedAgent, list[str]], None]) -> Listener:
    """Follow run key.1 to its end over a scripted agent."""
    agent = ScriptedAgent(answer)
    channel = Channel(agent, NONCE)
    await channel.greet(b"RC_NONCE\n")

    class ScriptedRuns(Runs):
        def __init__(self) -> None:
            self.place = PlaceOf(TARGET)  # type: ignore[assignment]

        async def channel(self) -> Channel:
            return channel

    listener = Listener()
    ended = asyncio.Event()
    first = codec.read_snapshot(facts().encode())
    assert first is not None
    follower = Follower(ScriptedRuns(), first, Offsets(), listener, lambda _: ended.set(), Connections(listener))
    follower.begin()
    async with asyncio.timeout(5):
        await ended.wait()
    await follower.stop()
    await channel.close()
    return listener


ENDED = facts(code="0", life="G", out="0 3 2.00 E - -", err="0 0 2.00 E - -")


async def test_notice_that_overtakes_the_reply_to_hear_is_not_forgotten() -> None:
    # The agent's request loop and its watcher are two processes: a reply may be older than a notice before it.
    def answer(agent: ScriptedAgent, words: list[str]) -> None:
        operation, request_id = words[0], words[1]
        if operation == "hear":
            agent.notice(ENDED)
            agent.reply(request_id, facts().encode() + b"\n")
        elif operation == "window":
            agent.reply(request_id, b"hi\n")
        else:
            agent.reply(request_id)

    listener = await follow(answer)
    assert b"".join(chunk.data for chunk in listener.chunks) == b"hi\n"
    assert [process.state for process in listener.states] == [State.EXITED]


async def test_run_whose_record_is_gone_is_lost() -> None:
    listener = await follow(lambda agent, words: agent.reply(words[1], words="error gone"))
    [process] = listener.states
    assert (process.state, process.status, process.reason) == (State.LOST, Status.UNKNOWN, "recordMissing")
    assert process.command == "sleep"  # what is known of it stays known


async def test_run_that_can_not_be_heard_of_now_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers.retry, "_BACKOFF_SECONDS", (0.0,))
    asked = 0

    def answer(agent: ScriptedAgent, words: list[str]) -> None:
        nonlocal asked
        if words[0] == "hear":
            asked += 1
            if asked < 3:
                agent.reply(words[1], words="error full")
            else:
                agent.reply(words[1], facts(code="0", life="G", out="0 0 2.00 E - -", err="0 0 2.00 E - -").encode())
        else:
            agent.reply(words[1])

    listener = await follow(answer)
    assert [process.state for process in listener.states] == [State.EXITED]
    assert listener.connections == [ConnectionState.RECONNECTING, ConnectionState.CONNECTED]


async def test_end_is_told_once_though_the_channel_is_lost_right_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers.retry, "_BACKOFF_SECONDS", (0.0,))

    def answer(agent: ScriptedAgent, words: list[str]) -> None:
        if words[0] == "unhear":
            agent.end_stream()
        else:
            agent.reply(words[1], facts(code="0", life="G", out="0 0 2.00 E - -", err="0 0 2.00 E - -").encode())

    listener = await follow(answer)
    assert [process.state for process in listener.states] == [State.EXITED]
    assert listener.connections == []


async def test_segment_that_is_gone_is_a_gap_and_the_rest_follows() -> None:
    ended = facts(code="0", life="G", out="100 103 2.00 E 0 100", err="0 0 2.00 E - -")

    def answer(agent: ScriptedAgent, words: list[str]) -> None:
        if words[0] == "hear":
            agent.reply(words[1], ended.encode() + b"\n")
        elif words[0] == "window" and words[3] == "o.0":
            agent.reply(words[1], words="error gone")
        elif words[0] == "window":
            agent.reply(words[1], b"hi\n")
        else:
            agent.reply(words[1])

    listener = await follow(answer)
    assert [(gap.start, gap.end) for gap in listener.gaps] == [(0, 100)]
    assert [(chunk.offset, chunk.data) for chunk in listener.chunks] == [(100, b"hi\n")]


async def test_bytes_dropped_on_a_full_disk_are_a_gap_between_segments() -> None:
    ended = facts(code="0", life="G", out="50 53 2.00 E 0 3", err="0 0 2.00 E - -")

    def answer(agent: ScriptedAgent, words: list[str]) -> None:
        if words[0] == "hear":
            agent.reply(words[1], ended.encode() + b"\n")
        elif words[0] == "window":
            agent.reply(words[1], b"abc" if words[3] == "o.0" else b"xyz")
        else:
            agent.reply(words[1])

    listener = await follow(answer)
    assert [(chunk.offset, chunk.data) for chunk in listener.chunks] == [(0, b"abc"), (50, b"xyz")]
    assert [(gap.start, gap.end, gap.reason) for gap in listener.gaps] == [(3, 50, "storageFull")]


async def test_what_is_found_by_a_look_has_the_times_of_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody told of it while the way was cut, so it is not news: each read has a time of its own.
    monkeypatch.setattr(handlers.follow, "LOOK_SECONDS", 0.0)
    looks = 0

    def answer(agent: ScriptedAgent, words: list[str]) -> None:
        nonlocal looks
        if words[0] == "hear":
            looks += 1
            later = facts(code="0", life="G", out="0 6 9.00 E - -", err="0 0 2.00 E - -")
            agent.reply(words[1], (facts() if looks == 1 else later).encode() + b"\n")
        elif words[0] == "window":
            agent.reply(words[1], b"abcdef")
        elif words[0] == "journal" and words[4] == "0":
            agent.reply(words[1], b"3.00 o 3\n5.00 o 6\n", words="ok 0")
        else:
            agent.reply(words[1])

    listener = await follow(answer)
    assert [(chunk.data, chunk.time) for chunk in listener.chunks] == [(b"abc", 1_003_000), (b"def", 1_005_000)]
