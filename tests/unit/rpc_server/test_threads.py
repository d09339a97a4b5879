"""What runs on threads: reading stdin, the deadline, watching the client's process, logs."""

from __future__ import annotations

import io
import logging
import os
import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from rpc_server import descriptors, logs, parent, stdio
from rpc_server.ending import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT = 10.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:  # the test closed it
            continue


def reader_of(descriptor: int) -> tuple[stdio.StdinReader, queue.Queue[bytes], threading.Event]:
    chunks: queue.Queue[bytes] = queue.Queue()
    ended = threading.Event()
    reader = stdio.StdinReader(descriptor, chunks.put, ended.set)
    reader.start()
    return reader, chunks, ended


def test_the_reader_takes_the_next_chunk_when_it_is_asked_to(pipe: tuple[int, int]) -> None:
    reader, chunks, ended = reader_of(pipe[0])
    os.write(pipe[1], b"x" * stdio.CHUNK_BYTES)
    assert chunks.get(timeout=WAIT) == b"x" * stdio.CHUNK_BYTES
    os.write(pipe[1], b"y")
    assert chunks.empty()
    reader.resume()
    assert chunks.get(timeout=WAIT) == b"y"
    reader.resume()
    os.close(pipe[1])
    assert ended.wait(WAIT)


@pytest.mark.skipif(sys.platform == "win32", reason="not known there")
def test_a_reader_that_may_not_read_learns_that_the_client_is_gone(pipe: tuple[int, int]) -> None:
    _, chunks, ended = reader_of(pipe[0])
    os.write(pipe[1], b"x")
    chunks.get(timeout=WAIT)
    os.write(pipe[1], b"never read")
    os.close(pipe[1])
    assert ended.wait(WAIT)


def test_a_reader_waits_on_a_descriptor_that_does_not_block(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[0], False)
    reader, chunks, ended = reader_of(pipe[0])
    os.write(pipe[1], b"x")
    assert chunks.get(timeout=WAIT) == b"x"
    reader.resume()
    os.close(pipe[1])
    assert ended.wait(WAIT)


def test_a_writer_writes_everything_to_a_descriptor_that_does_not_block(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    size = 1 << 20
    got = bytearray()

    def read() -> None:
        while len(got) < size:
            got.extend(os.read(pipe[0], 65_536))

    thread = threading.Thread(target=read)
    thread.start()
    descriptors.write_all(pipe[1], b"z" * size)
    thread.join(WAIT)
    assert bytes(got) == b"z" * size


def test_the_deadline_leaves_with_the_first_code() -> None:
    left: queue.Queue[int] = queue.Queue()
    deadline = Deadline(0.0, left.put)  # type: ignore[arg-type]  # os._exit is the one that never returns
    deadline.arm(3)
    deadline.arm(4)
    assert left.get(timeout=WAIT) == 3


def test_the_end_of_a_process_is_seen() -> None:
    died = threading.Event()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        parent.watch(process.pid, died.set)
        assert not died.is_set()
        process.kill()
        assert died.wait(WAIT)


@pytest.mark.parametrize("pid", [2**22 + 1, 2**31, 2**32 - 1])
def test_a_process_that_is_not_there_has_ended(pid: int) -> None:
    died = threading.Event()
    parent.watch(pid, died.set)
    assert died.wait(WAIT)


@pytest.mark.skipif(sys.platform == "win32", reason="would send Ctrl-C there")
@pytest.mark.parametrize(
    ("pid", "expected"),
    [(1, True), pytest.param(os.getpid(), True, id="own"), (2**31, False), (2**22 + 1, False)],
)
def test_looking_at_a_process(pid: int, expected: bool) -> None:
    assert parent._exists(pid) is expected


def record(name: str, message: str, *args: object, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, logging.ERROR, "/x/module.py", 7, message, args, info)


def raised(text: str) -> Exception:
    try:
        int(text)
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        pytest.param(record("rpc_server.x", "all %s", "well"), "all well", id="ours"),
        pytest.param(record("rpc_server.x", "failed", error=raised("secret")), "ValueError", id="exception"),
        pytest.param(record("urllib3.x", "body: %s", "secret"), "line 7 of module, withheld", id="third party"),
        pytest.param(record("handlersome", "secret"), "withheld", id="a name like ours"),
        pytest.param(record("x", "secret", error=raised("secret")), "withheld", id="third party's exception"),
    ],
)
def test_no_log_line_holds_a_value(record: logging.LogRecord, shown: str) -> None:
    text = logs.ValueFreeFormatter().format(record)
    assert shown in text
    assert "secret" not in text


def test_a_log_that_nobody_reads_holds_nobody_up() -> None:
    blocked = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            blocked.wait(WAIT)
            return len(text)

    handler = logs.BackgroundHandler(Stuck())
    for _ in range(5000):
        handler.handle(record("rpc_server.x", "x"))
    handler.settle(timeout=0.0)
    blocked.set()


def test_settle_waits_for_what_was_logged() -> None:
    stream = io.StringIO()
    handler = logs.BackgroundHandler(stream)
    handler.handle(record("rpc_server.x", "written"))
    handler.settle(timeout=WAIT)
    assert "written" in stream.getvalue()
