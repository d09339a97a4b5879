"""Requests whose channel is lost: what is asked again, and what is told of what can't be."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
from typing import TYPE_CHECKING

import pytest

import handlers.retry
import handlers.runs
from handlers import orders
from handlers.agent import codec
from handlers.agent.channel import Channel
from handlers.api import Definition, ResolvedTarget, StartOptions, Stream
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.lifecycle import MISSING
from handlers.pool import Place
from handlers.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable

NONCE = "n0"
PLACE = Place(ResolvedTarget(kind="local"), "")
CUT = "cut"
"""An answer: the stream ends instead."""

Answer = str
"""The words of a reply, a line break, its body."""


def facts(*, code: str = "-", life: str = "A") -> str:
    ended = "-" if code == "-" else "2.00"
    streams = "0 0 - - - - 0 0 - - - -"
    return f"dir key 1 web run hash 0 1000000 1.00 sleep 42 99 1.00 {life} {code} {ended} - - - - {streams}"


class Far:
    """The far end of one channel."""

    end = None

    def __init__(self, answer: Callable[[list[str]], Answer], asked: list[list[str]]) -> None:
        self._answer = answer
        self._asked = asked
        self._out: asyncio.Queue[tuple[Stream, bytes] | None] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        if data == b"hello\n":
            self._out.put_nowait((Stream.STDOUT, f"{NONCE} hello 1 1 0 1.00 ns\n".encode()))
            return
        for line in data.decode().splitlines():
            operation, request_id, *words = shlex.split(line)
            if operation == "put":  # a part of the spec
                continue
            self._asked.append([operation, *words])
            answer = self._answer([operation, *words])
            if answer == CUT:
                self._out.put_nowait(None)
                return
            head, _, body = answer.partition("\n")
            self._out.put_nowait((Stream.STDOUT, f"{NONCE} {request_id} {len(body)} {head}\n{body}".encode()))

    async def receive(self) -> tuple[Stream, bytes] | None:
        return await self._out.get()

    async def close_stdin(self) -> None:
        pass

    async def close(self) -> None:
        self._out.put_nowait(None)


class Pool:
    """Opens a channel whenever the last one was lost, unless it is told to fail."""

    def __init__(self, answer: Callable[[list[str]], Answer]) -> None:
        self.asked: list[list[str]] = []
        self.opened: list[Channel] = []
        self.failures = 0
        self.failing = False
        self.failed_twice = asyncio.Event()
        self._answer = answer

    def was_reached(self, _: Place) -> bool:
        return bool(self.opened)

    def forget(self, _: Place) -> None:
        pass

    async def channel(self, _: Place) -> Channel:
        if self.failing:
            self.failures += 1
            if self.failures == 2:
                self.failed_twice.set()
            raise RemoteCommandError(ErrorKind.UNREACHABLE, "away", retryable=True)
        if not self.opened or self.opened[-1].lost.is_set():
            channel = Channel(Far(self._answer, self.asked), NONCE)
            await channel.greet(b"hello\n")
            self.opened.append(channel)
        return self.opened[-1]

    async def close(self) -> None:
        for channel in self.opened:
            await channel.close()


class Cutting:
    """Cuts the first so many requests of an operation, then answers."""

    def __init__(self, operation: str, cuts: int, answer: Answer) -> None:
        self._operation, self._left, self._answer = operation, cuts, answer

    def __call__(self, words: list[str]) -> Answer:
        if words[0] == self._operation and self._left > 0:
            self._left -= 1
            return CUT
        if words[0] == "lines":
            return "ok\n1 0 1 5 - ."
        return self._answer


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers.retry, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(handlers.retry, "_FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(handlers.retry, "_LONGEST_PAUSE_SECONDS", 0.01)


def runs_of(pool: Pool) -> Runs:
    return Runs(pool, PLACE)  # type: ignore[arg-type]


def snapshot() -> codec.Snapshot:
    found = codec.read_snapshot(facts().encode())
    assert found is not None
    return found


ORDER = orders.from_definition(Definition(id="web", cmd_line="sleep 1"), StartOptions(run_id="run"))
UNNAMED = dataclasses.replace(ORDER, is_named=False)


async def test_what_may_be_asked_twice_is() -> None:
    pool = Pool(Cutting("status", 3, f"ok\n{facts()}\n"))
    found = await runs_of(pool).latest("web")
    assert found == snapshot()
    assert len(pool.opened) == 4
    await pool.close()


async def test_asking_again_has_an_end() -> None:
    pool = Pool(Cutting("status", 10_000, "ok"))
    with pytest.raises(RemoteCommandError) as caught:
        await runs_of(pool).latest("web")
    assert (caught.value.kind, caught.value.retryable) == (ErrorKind.UNREACHABLE, True)
    assert len(pool.opened) > 3
    await pool.close()


async def test_what_was_never_reached_is_not_waited_for() -> None:
    pool = Pool(lambda _: "ok")
    pool.failing = True
    with pytest.raises(RemoteCommandError, match="away"):
        await runs_of(pool).latest("web")
    with pytest.raises(RemoteCommandError, match="away") as caught:
        await runs_of(pool).launch(ORDER)
    assert caught.value.run_id is None
    assert pool.failures == 2


async def test_what_was_reached_is_waited_for() -> None:
    pool = Pool(lambda _: f"ok\n{facts()}\n")
    runs = runs_of(pool)
    await runs.latest("web")
    await pool.opened[-1].close()
    pool.failing = True
    asking = asyncio.create_task(runs.latest("web"))
    await pool.failed_twice.wait()
    pool.failing = False
    assert await asking == snapshot()
    await pool.close()


@pytest.mark.parametrize("order", [ORDER, UNNAMED], ids=["named by the client", "named here"])
async def test_start_is_asked_for_again_by_its_run_id(order: orders.Order) -> None:
    pool = Pool(Cutting("start", 2, f"created\n{facts()}\n"))
    found, created = await runs_of(pool).launch(order)
    assert (found, created) == (snapshot(), True)
    starts = [(words[3], words[5]) for words in pool.asked]
    assert starts == [("run", "1" if order.is_named else "0"), ("run", "1"), ("run", "1")]
    await pool.close()


@pytest.mark.parametrize("order", [ORDER, UNNAMED], ids=["named by the client", "named here"])
async def test_start_that_can_not_be_resolved_names_its_run(order: orders.Order) -> None:
    pool = Pool(Cutting("start", 10_000, "ok"))
    with pytest.raises(RemoteCommandError) as caught:
        await runs_of(pool).launch(order)
    error = caught.value
    assert (error.kind, error.retryable, error.run_id) == (ErrorKind.UNREACHABLE, True, "run")
    await pool.close()


async def test_start_whose_container_is_out_of_reach_after_it_was_asked_names_its_run() -> None:
    def answer(_: list[str]) -> Answer:
        pool.failing = True
        return CUT

    pool = Pool(answer)
    with pytest.raises(RemoteCommandError) as caught:
        await runs_of(pool).launch(ORDER)
    assert (caught.value.kind, caught.value.run_id) == (ErrorKind.UNREACHABLE, "run")
    assert pool.failures > 1
    await pool.close()


@pytest.mark.parametrize("operation", ["stop", "lines"])
async def test_stop_is_asked_for_again_as_the_same_job(operation: str) -> None:
    pool = Pool(Cutting(operation, 2, "ok"))
    verdict = await runs_of(pool).stop(snapshot(), signal="TERM", grace_seconds=1)
    assert (verdict.signalled, verdict.escalated, verdict.processes) == (True, False, 1)
    stops = [words for words in pool.asked if words[0] == "stop"]
    assert len(stops) == 3
    assert stops == stops[:1] * 3
    await pool.close()


async def test_signal_is_sent_once() -> None:
    pool = Pool(Cutting("signal", 1, "ok"))
    with pytest.raises(RemoteCommandError, match="may or may not") as caught:
        await runs_of(pool).signal(snapshot(), "USR1", leader_only=False)
    assert (caught.value.kind, caught.value.retryable) == (ErrorKind.UNREACHABLE, True)
    assert [words[0] for words in pool.asked] == ["signal"]
    await pool.close()


async def test_wait_goes_on_over_a_lost_channel() -> None:
    pool = Pool(Cutting("hear", 2, f"ok\n{facts(code='0', life='G')}\n"))
    assert (await runs_of(pool).until_ended(snapshot())).code == 0
    await pool.close()


async def test_run_whose_record_goes_while_it_is_waited_for_is_missing() -> None:
    pool = Pool(lambda _: "error gone")
    assert (await runs_of(pool).until_ended(snapshot())).life == MISSING
    await pool.close()


async def test_end_that_nobody_told_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers.runs, "LOOK_SECONDS", 0.01)
    answers = [facts(), facts(), facts(life="G")]
    pool = Pool(lambda _: f"ok\n{answers.pop(0)}\n")
    assert (await runs_of(pool).until_ended(snapshot())).life == "G"
    await pool.close()


async def test_clock_is_known_while_the_container_is_out_of_reach() -> None:
    pool = Pool(lambda _: f"ok\n{facts()}\n")
    runs = runs_of(pool)
    await runs.latest("web")
    await pool.opened[-1].close()
    pool.failing = True
    assert await runs.uptime() >= 1.0
    await pool.close()
