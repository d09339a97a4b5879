"""What every transport promises (`handlers.transports.base`), asked of each of them alike."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from handlers.api import Stream
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.base import Cut, ExecStream, Exited, StartFailed, StreamEnd
from tests.contract.conftest import CASES

if TYPE_CHECKING:
    from tests.contract.conftest import TransportCase

ARGV = ["/bin/sh", "-c", 'IFS= read -r l; eval "$l"']
"""The one argv that reaches API servers (docs: the agent's bootstrap)."""

MIB = 1 << 20


async def run(case: TransportCase, line: str) -> ExecStream:
    stream = await case.open(ARGV)
    await stream.write(line.encode() + b"\n")
    return stream


async def drain(stream: ExecStream) -> tuple[bytes, bytes, StreamEnd | None]:
    """All output and the end."""
    output = {Stream.STDOUT: bytearray(), Stream.STDERR: bytearray()}
    while event := await stream.receive():
        assert event[1], "output is never empty"
        output[event[0]] += event[1]
    return bytes(output[Stream.STDOUT]), bytes(output[Stream.STDERR]), stream.end


@pytest.mark.parametrize("code", [0, 1, 42, 137, 255])
async def test_exit_code_arrives(transport_case: TransportCase, code: int) -> None:
    stream = await run(transport_case, f"exit {code}")
    assert await drain(stream) == (b"", b"", Exited(code))
    await stream.close()


async def test_death_by_signal_is_128_and_the_number(transport_case: TransportCase) -> None:
    stream = await run(transport_case, "kill -9 $$")
    assert await drain(stream) == (b"", b"", Exited(137))
    await stream.close()


async def test_stdout_and_stderr_stay_apart(transport_case: TransportCase) -> None:
    stream = await run(transport_case, "echo out; echo err >&2; echo out2; echo err2 >&2; exit 3")
    assert await drain(stream) == (b"out\nout2\n", b"err\nerr2\n", Exited(3))
    await stream.close()


async def test_end_is_unknown_until_receive_says_so(transport_case: TransportCase) -> None:
    stream = await run(transport_case, "echo x")
    ends = [stream.end]
    assert await stream.receive() == (Stream.STDOUT, b"x\n")
    ends.append(stream.end)
    assert await stream.receive() is None
    ends.append(stream.end)
    assert ends == [None, None, Exited(0)]
    assert await stream.receive() is None
    await stream.close()


async def test_eight_mib_of_output_arrive_exactly(transport_case: TransportCase) -> None:
    stream = await run(transport_case, "exec seq 1 1200000")
    out, err, end = await drain(stream)
    expected = "".join(f"{i}\n" for i in range(1, 1_200_001)).encode()
    assert (len(out), err, end) == (len(expected), b"", Exited(0))
    assert hashlib.sha256(out).digest() == hashlib.sha256(expected).digest()
    await stream.close()


async def test_eight_mib_of_binary_go_in_and_out_exactly(transport_case: TransportCase) -> None:
    data = random.Random(1).randbytes(8 * MIB)  # noqa: S311  # bytes that a test can make again
    stream = await run(transport_case, f"exec head -c {len(data)}")
    writing = asyncio.create_task(stream.write(data), name="writing")
    out, err, end = await drain(stream)
    await writing
    assert (len(out), err, end) == (len(data), b"", Exited(0))
    assert hashlib.sha256(out).digest() == hashlib.sha256(data).digest()
    await stream.close()


async def test_every_byte_value_passes_stdin(transport_case: TransportCase) -> None:
    data = bytes(range(256)) + bytes(reversed(range(256)))
    stream = await run(transport_case, f"exec head -c {len(data)}")
    await stream.write(b"")
    for i in range(len(data)):
        await stream.write(data[i : i + 1])
    assert await drain(stream) == (data, b"", Exited(0))
    await stream.close()


# v4 has no half-close; test_close_gives_the_program_eof shows what it has.
@pytest.mark.parametrize("transport_case", [case for case in CASES if case != "fake-v4"], indirect=True)
async def test_half_close_lets_the_program_finish(transport_case: TransportCase) -> None:
    stream = await run(transport_case, "cat; echo done; exit 5")
    await stream.write(b"text\n")
    await stream.close_stdin()
    await stream.close_stdin()
    assert await drain(stream) == (b"text\ndone\n", b"", Exited(5))
    await stream.close()


async def test_output_goes_on_after_close_stdin(transport_case: TransportCase) -> None:
    stream = await run(transport_case, "sleep 0.2; echo later; exit 0")
    await stream.close_stdin()
    assert await drain(stream) == (b"later\n", b"", Exited(0))
    await stream.close()


async def test_close_gives_the_program_eof(transport_case: TransportCase, tmp_path: Path) -> None:
    """Seen from a second stream, since the first one is gone: the mark is made only after EOF."""
    mark = f"/tmp/remotecmd-contract-{os.getpid()}-{tmp_path.name}"
    stream = await run(transport_case, f"echo up; cat >{mark}.part; mv {mark}.part {mark}")
    assert await stream.receive() == (Stream.STDOUT, b"up\n")
    written = b"what was written before close still arrives\n" * 1000
    await stream.write(written)
    await stream.close()
    wait = f"i=0; while [ ! -e {mark} ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done; cat {mark}; rm {mark}"
    assert await drain(await run(transport_case, wait)) == (written, b"", Exited(0))


async def test_a_missing_program_is_told_from_one_that_failed(transport_case: TransportCase) -> None:
    """By `open` where the transport starts it itself, as the end where a runtime does."""
    try:
        stream = await transport_case.open(["/bin/no-such-shell", "-c", "exit 0"])
    except RemoteCommandError as error:
        assert error.kind is ErrorKind.SHELL_MISSING
        return
    out, err, end = await drain(stream)
    assert (out, err) == (b"", b"")
    assert isinstance(end, StartFailed) and end.shell_missing
    assert "/bin/no-such-shell" in end.message
    await stream.close()


async def test_output_pending_at_exit_is_delivered(transport_case: TransportCase) -> None:
    stream = await run(transport_case, f"head -c {MIB} /dev/zero; echo end >&2; exit 9")
    first = await stream.receive()
    assert first is not None
    await asyncio.sleep(0.3)  # the program has ended by now, or waits for us
    out, err, end = await drain(stream)
    total = len(out) + len(err) + len(first[1])
    assert (total, end) == (MIB + 4, Exited(9))
    await stream.close()


async def test_write_after_the_end_is_a_broken_pipe(transport_case: TransportCase) -> None:
    stream = await run(transport_case, "exit 0")
    await drain(stream)
    with pytest.raises(BrokenPipeError):
        for _ in range(100):  # a pipe may take some before it notices
            await stream.write(b"x" * 65536)
    await stream.close()
    await stream.close()


@pytest.mark.parametrize("line", ["exec timeout 20 yes", "exec cat", "exec sleep 600"])
async def test_close_returns_at_once(transport_case: TransportCase, line: str) -> None:
    """Output in flight, input awaited, or neither: one second at most, and a waiting reader is let go.

    A runtime may leave the program blocked in `write` for ever: so it gets a time limit.
    """
    stream = await run(transport_case, line)
    reading = asyncio.create_task(stream.receive(), name="reading")
    if line.endswith("yes"):
        await reading
    before = time.monotonic()
    await stream.close()
    assert time.monotonic() - before < 1.5
    await asyncio.wait([reading], timeout=1)
    assert reading.done()
    await asyncio.gather(reading, return_exceptions=True)


async def test_streams_leave_nothing_open(transport_case: TransportCase) -> None:
    async def use() -> None:
        ended = await run(transport_case, "echo x; exit 0")
        await drain(ended)
        await ended.close()
        cut = await run(transport_case, "echo x; exec cat")
        await cut.receive()
        await cut.close()

    await use()
    await settled()
    tasks, files = len(asyncio.all_tasks()), open_files()
    for _ in range(5):
        await use()
    await settled()
    assert len(asyncio.all_tasks()) <= tasks
    assert open_files() <= files + 1  # an idle connection may come and go


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def settled() -> None:
    """Let transports that are closing finish: a few turns of the loop, and the kernel's answer."""
    for _ in range(20):
        await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_a_slow_reader_stops_the_program(transport_case: TransportCase) -> None:
    """64 MiB are on their way, nobody reads: what is buffered here stays small, and all of it arrives in the end."""
    stream = await run(transport_case, f"exec head -c {64 * MIB} /dev/zero")
    first = await stream.receive()
    assert first is not None
    before = resident_bytes()
    await asyncio.sleep(0.5)
    assert resident_bytes() - before < 12 * MIB
    total = len(first[1])
    while event := await stream.receive():
        total += len(event[1])
    assert (total, stream.end) == (64 * MIB, Exited(0))
    await stream.close()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_many_streams_at_once(transport_case: TransportCase) -> None:
    async def one(number: int) -> None:
        stream = await run(transport_case, f"echo {number}; exit {number}")
        assert await drain(stream) == (f"{number}\n".encode(), b"", Exited(number))
        await stream.close()

    async with asyncio.TaskGroup() as group:
        for number in range(12):
            group.create_task(one(number), name=f"stream-{number}")


async def test_receive_can_be_cancelled_without_loss(transport_case: TransportCase) -> None:
    stream = await run(transport_case, "sleep 0.3; echo kept; exit 0")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await stream.receive()
    assert await drain(stream) == (b"kept\n", b"", Exited(0))
    await stream.close()


async def test_transport_close_drops_open_streams(transport_case: TransportCase) -> None:
    stream = await run(transport_case, "echo up; exec cat")
    await stream.receive()
    await transport_case.transport.close()
    if transport_case.name != "local":  # a pipe to a process of our own needs no transport
        assert await stream.receive() is None
        assert isinstance(stream.end, Cut)
    await stream.close()
