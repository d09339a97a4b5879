"""Who waits for acknowledgements, and who does not."""

from __future__ import annotations

import asyncio

from handlers.api import Stream
from rpc_server.pacing import Pacer

OUT, ERR = Stream.STDOUT, Stream.STDERR


def pacer(size: int | None = 10) -> Pacer:
    made = Pacer()
    made.size = size
    return made


async def waits(work: asyncio.Task[None]) -> bool:
    """Whether it is still not done after everybody has had a turn."""
    for _ in range(5):
        await asyncio.sleep(0)
    return not work.done()


def sending(subject: Pacer, run: str, stream: Stream, start: int, end: int) -> asyncio.Task[None]:
    return asyncio.create_task(subject.send(run, stream, start, end))


async def test_without_a_size_nobody_waits() -> None:
    subject = pacer(None)
    await subject.send("a", OUT, 0, 1 << 40)
    subject.skip("a", OUT, 1 << 40, 1 << 41)
    subject.acknowledge("a", "stdout", 5)


async def test_a_full_window_waits_for_its_own_acknowledgement() -> None:
    subject = pacer()
    await subject.send("a", OUT, 0, 10)
    waiting = sending(subject, "a", OUT, 10, 14)
    for run, stream, offset in (("b", "stdout", 10), ("a", "stderr", 10), ("a", "stdout", 3), ("a", "stdout", 11)):
        subject.acknowledge(run, stream, offset)
        assert await waits(waiting)
    subject.acknowledge("a", "stdout", 4)
    await waiting


async def test_streams_and_runs_have_windows_of_their_own() -> None:
    subject = pacer()
    await subject.send("a", OUT, 0, 10)
    waiting = sending(subject, "a", OUT, 10, 11)
    await subject.send("a", ERR, 0, 10)
    await subject.send("b", OUT, 0, 10)
    assert await waits(waiting)
    waiting.cancel()


async def test_the_base_is_where_following_began() -> None:
    subject = pacer()
    await subject.send("a", OUT, 1000, 1010)
    waiting = sending(subject, "a", OUT, 1010, 1011)
    subject.acknowledge("a", "stdout", 10)
    assert await waits(waiting)
    subject.acknowledge("a", "stdout", 1001)
    await waiting


async def test_a_restart_forgets() -> None:
    subject = pacer()
    await subject.send("a", OUT, 0, 10)
    subject.restart("a")
    subject.restart("a")
    subject.acknowledge("a", "stdout", 10)
    await subject.send("a", OUT, 5, 15)
    waiting = sending(subject, "a", OUT, 15, 16)
    assert await waits(waiting)
    waiting.cancel()


async def test_a_gap_is_not_waited_for() -> None:
    subject = pacer()
    subject.skip("a", OUT, 0, 1000)
    await subject.send("a", OUT, 1000, 1010)
    waiting = sending(subject, "a", OUT, 1010, 1020)
    assert await waits(waiting)
    subject.acknowledge("a", "stdout", 1010)
    await waiting
