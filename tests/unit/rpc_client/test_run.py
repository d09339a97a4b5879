from __future__ import annotations

import asyncio

import pytest

from rpc_client.acks import Acknowledgements
from rpc_client.errors import Kind, RequestError
from rpc_client.run import Event, Run, data_of
from rpc_server import results

TARGET = results.ResolvedTarget(kind="local")


def output(text: str) -> results.Output:
    return results.Output(run_id="r", id="a", stream="stdout", offset=0, data=text)


def status(word: str) -> results.StatusChanged:
    return results.StatusChanged(process=results.Process(id="a", target=TARGET, status=word, state="running"))


async def test_events_come_in_order_until_the_final_one() -> None:
    run = Run(None)
    events: list[Event] = [output("1"), status("running"), output("2"), status("stopped")]
    for event in [*events, output("late")]:
        run.feed(event, 1)
    assert [event async for event in run] == events
    assert run.process is not None
    assert run.process.status == "stopped"


async def test_whoever_waits_is_woken() -> None:
    run = Run(None)
    waiting = asyncio.ensure_future(anext(run))
    await asyncio.sleep(0)
    run.feed(output("x"), 1)
    assert await waiting == output("x")


async def test_taking_makes_room_and_says_so() -> None:
    told: list[int] = []
    run = Run(None, taken=lambda: told.append(run.waiting_bytes))
    run.feed(output("x"), 30)
    run.feed(output("y"), 12)
    await anext(run)
    assert (run.waiting_bytes, told) == (12, [12])


async def test_an_ended_run_gives_what_waits_and_stops() -> None:
    run = Run(None)
    run.feed(output("x"), 1)
    run.end()
    run.end(RequestError(Kind.SERVER_GONE, "too late to matter"))
    assert [event async for event in run] == [output("x")]


async def test_an_error_comes_after_what_waits() -> None:
    run = Run(None)
    run.feed(output("x"), 1)
    run.end(RequestError(Kind.SERVER_GONE, "gone"))
    assert await anext(run) == output("x")
    for _ in range(2):
        with pytest.raises(RequestError, match="gone"):
            await anext(run)


def test_bytes_are_those_that_were_written() -> None:
    assert data_of(output("ä")) == b"\xc3\xa4"
    coded = results.Output(run_id="r", id="a", stream="stdout", offset=0, data="/wA=", encoding="base64")
    assert data_of(coded) == b"\xff\x00"


def acknowledged(run_acks: list[tuple[str, str, int]], window: int = 32_768) -> Acknowledgements:
    return Acknowledgements(window, lambda ack: run_acks.append((ack.run_id, ack.stream, ack.offset)))


async def test_what_was_taken_is_acknowledged_when_the_next_is_asked_for() -> None:
    sent: list[tuple[str, str, int]] = []
    run = Run(None, acks=acknowledged(sent))
    for event in (output("ä"), results.Gap(run_id="r", id="a", stream="stdout", from_=2, to=9, reason="full")):
        run.feed(event, 1)
    await anext(run)
    assert sent == []
    await anext(run)
    assert sent == [("r", "stdout", 2)]
    waiting = asyncio.ensure_future(anext(run))
    await asyncio.sleep(0)
    assert sent[1:] == [("r", "stdout", 9)]
    run.end()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_nobody_waits_for_acknowledgements_of_a_run_that_is_over() -> None:
    sent: list[tuple[str, str, int]] = []
    run = Run(None, acks=acknowledged(sent))
    run.feed(output("x"), 1)
    run.feed(status("stopped"), 1)
    assert len([event async for event in run]) == 2
    assert sent == []
