from __future__ import annotations

import asyncio
import threading

from rpc_server.outbound import Outbound


class Sink:
    """Takes a batch only when `let` allows it, like a pipe whose reader is slow."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.begun = threading.Event()
        self.allowed = threading.Semaphore(0)
        self.broken = False

    def __call__(self, data: bytes) -> None:
        self.begun.set()
        self.allowed.acquire()
        if self.broken:
            raise BrokenPipeError
        self.taken.append(data)

    def let(self, batches: int = 1) -> None:
        self.allowed.release(batches)

    async def begins(self) -> None:
        await asyncio.to_thread(self.begun.wait)


def outbound(sink: Sink, **more: object) -> Outbound:
    queue = Outbound(sink, high=100, low=40, **more)  # type: ignore[arg-type]  # callbacks of the test
    queue.start()
    return queue


async def test_frames_are_written_in_order() -> None:
    sink = Sink()
    queue = outbound(sink)
    for i in range(9):
        queue.write(b"%d" % i)
    sink.let(9)
    await queue.flushed()
    assert b"".join(sink.taken) == b"012345678"
    assert queue.waiting == 0
    queue.close()


async def test_write_never_waits_and_drain_does_between_the_marks() -> None:
    sink = Sink()
    written = asyncio.Event()
    queue = outbound(sink, on_written=written.set)
    queue.write(b"x" * 100)
    await sink.begins()
    await asyncio.wait_for(queue.drain(), 1)  # at the high mark there is room
    queue.write(b"y" * 45)
    assert queue.full
    waiter = asyncio.create_task(queue.drain())
    sink.let()
    while queue.waiting > 45:
        await written.wait()
        written.clear()
    assert queue.full  # above the low mark there is none
    assert not waiter.done()
    sink.let()
    await waiter
    assert queue.waiting == 0
    queue.close()


async def test_room_is_shared_out_one_waiter_at_a_time() -> None:
    """Each waiter looks again after waking: together they don't go far beyond the high mark."""
    sink = Sink()
    queue = outbound(sink)
    highest = 0

    async def push() -> None:
        nonlocal highest
        await queue.drain()
        queue.write(b"x" * 60)
        highest = max(highest, queue.waiting)

    sink.let(1000)
    await asyncio.gather(*(push() for _ in range(50)))
    await queue.flushed()
    assert sum(map(len, sink.taken)) == 50 * 60
    assert highest <= 100 + 60
    queue.close()


async def test_a_broken_sink_is_reported_once_and_lets_everybody_go() -> None:
    sink = Sink()
    broken = asyncio.Event()
    calls: list[None] = []
    queue = outbound(sink, on_broken=lambda: (calls.append(None), broken.set()))
    queue.write(b"x" * 200)
    waiter = asyncio.create_task(queue.drain())
    sink.broken = True
    sink.let()
    await broken.wait()
    await waiter
    await queue.flushed()
    queue.write(b"dropped")
    assert (queue.waiting, len(calls), sink.taken) == (0, 1, [])


async def test_close_lets_everybody_go() -> None:
    sink = Sink()
    queue = outbound(sink)
    queue.write(b"x" * 200)
    waiter = asyncio.create_task(queue.drain())
    await sink.begins()
    queue.close()
    await waiter
    await queue.flushed()
    sink.let()


async def test_progress_is_told() -> None:
    sink = Sink()
    written = asyncio.Event()
    queue = outbound(sink, on_written=written.set)
    queue.write(b"x")
    sink.let()
    await written.wait()
    queue.close()
