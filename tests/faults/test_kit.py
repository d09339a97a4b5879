"""The fault kit itself, without a cluster: it does what it says, and the same again from the same seed."""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.faults import pattern
from tests.faults.plan import EARLY_BYTES, LATE_BYTES, Cut, Direction, Kind, cuts
from tests.faults.proxy import Proxy
from tests.faults.witness import Witness


class Echo:
    """Sends back what it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._echo, args=(near,), daemon=True).start()

    def _echo(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near:
            while data := near.recv(65536):
                near.sendall(data)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


def talk(proxy: Proxy, data: bytes) -> tuple[bytes, type[Exception] | None]:
    """Send and receive until all is back or the connection is over; how it ended."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as near:
        got = b""
        try:
            near.sendall(data)
            while len(got) < len(data) and (piece := near.recv(65536)):
                got += piece
        except OSError as error:
            return got, type(error)
        return got, None


def test_nothing_happens_that_was_not_asked_for(echo: Echo) -> None:
    with Proxy("127.0.0.1", echo.port) as proxy:
        assert talk(proxy, b"x" * 100_000) == (b"x" * 100_000, None)
        assert (proxy.cut_count, proxy.connection_count) == (0, 1)
        assert proxy.passed == {Direction.UP: 100_000, Direction.DOWN: 100_000}


@pytest.mark.parametrize("direction", list(Direction))
def test_a_closed_connection_has_passed_exactly_what_was_planned(echo: Echo, direction: Direction) -> None:
    with Proxy("127.0.0.1", echo.port, [Cut(direction, 1234, Kind.CLOSE)]) as proxy:
        got, error = talk(proxy, b"x" * 5000)
        assert len(got) <= 1234
        assert error in {None, ConnectionResetError}
        assert proxy.passed[direction] == 1234
        assert talk(proxy, b"x" * 5000) == (b"x" * 5000, None)  # there was one cut
        assert proxy.cut_count == 1


def test_no_more_connections_are_cut_than_were_asked_for(echo: Echo) -> None:
    with Proxy("127.0.0.1", echo.port, itertools.repeat(Cut(Direction.DOWN, 100, Kind.CLOSE)), 2) as proxy:
        got = [talk(proxy, b"x" * 5000) for _ in range(3)]
    assert [len(data) for data, _ in got] == [100, 100, 5000]
    assert proxy.cut_count == 2


def test_a_reset_connection_is_reset(echo: Echo) -> None:
    with Proxy("127.0.0.1", echo.port, [Cut(Direction.DOWN, 100, Kind.RESET)]) as proxy:
        assert talk(proxy, b"x" * 5000)[1] is ConnectionResetError


def test_all_connections_can_be_cut_and_refused(echo: Echo) -> None:
    with Proxy("127.0.0.1", echo.port) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 20) as near:
        near.sendall(b"hi")
        assert near.recv(10) == b"hi"
        assert proxy.cut(Kind.CLOSE) == 1
        assert near.recv(10) == b""
        proxy.refuse(refuses=True)
        assert talk(proxy, b"x" * 100)[0] == b""
        proxy.refuse(refuses=False)
        assert talk(proxy, b"x" * 100) == (b"x" * 100, None)


def test_a_hole_swallows_and_says_nothing(echo: Echo) -> None:
    with Proxy("127.0.0.1", echo.port) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 20) as near:
        near.sendall(b"hi")
        assert near.recv(10) == b"hi"
        assert proxy.swallow() == 1
        near.sendall(b"x" * 100_000)
        near.settimeout(0.1)
        with pytest.raises(TimeoutError):
            near.recv(10)
        assert talk(proxy, b"x" * 100) == (b"x" * 100, None)  # a connection that is made later is none


def test_a_stall_is_over_when_it_is_said(echo: Echo) -> None:
    with Proxy("127.0.0.1", echo.port) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 20) as near:
        proxy.stall()
        near.sendall(b"hi")
        near.settimeout(0.1)
        with pytest.raises(TimeoutError):
            near.recv(10)
        near.settimeout(20)
        proxy.resume()
        assert near.recv(10) == b"hi"


def test_a_throttled_connection_passes_small_pieces(echo: Echo) -> None:
    with Proxy("127.0.0.1", echo.port) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 20) as near:
        proxy.throttle(2000)
        near.sendall(b"x" * 1000)
        assert len(near.recv(1000)) <= 200


def drawn(seed: str, count: int) -> list[Cut]:
    return list(itertools.islice(cuts(seed, 40_000), count))


def test_the_same_seed_draws_the_same_cuts() -> None:
    plan = drawn("a", 2000)
    assert plan == drawn("a", 2000)
    assert plan[:100] != drawn("b", 100)
    assert {(cut.direction, cut.kind) for cut in plan} == {(d, k) for d in Direction for k in Kind}
    down = [cut.after for cut in plan if cut.direction is Direction.DOWN]
    assert 0 < min(down) < 100 < EARLY_BYTES < max(down) <= LATE_BYTES


@pytest.mark.parametrize("tool", [["awk"], ["mawk"], ["busybox", "awk"]], ids=" ".join)
def test_a_container_writes_the_bytes_that_are_expected(tool: list[str]) -> None:
    line = pattern.command(300, 5).replace("$(command -v awk || command -v mawk)", " ".join(tool))
    written = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True).stdout
    assert written == pattern.expected(5, 0, 300 * pattern.RECORD_BYTES)


def test_what_is_expected_can_be_cut_anywhere() -> None:
    whole = pattern.expected(1, 0, 5 * 4096)
    for start, end in ((0, 0), (1, 2), (4095, 4097), (4096, 8192), (100, 20_000)):
        assert pattern.expected(1, start, end) == whole[start:end]
    assert pattern.expected(2, 0, 4096) != whole[:4096]
    records = [whole[i : i + 4096][15:] for i in range(0, len(whole), 4096)]
    assert len(set(records)) == 5


def output(offset: int, data: bytes) -> dict[str, object]:
    params = {"runId": "r", "id": "c", "stream": "stdout", "offset": offset, "data": data.decode()}
    return {"method": "remotecmd/output", "params": params}


def test_a_witness_sees_what_is_lost_doubled_or_changed() -> None:
    good = pattern.expected(3, 0, 8192)
    for messages in (
        [output(0, good[:10]), output(11, good[11:20])],
        [output(0, good[:10]), output(0, good[:10])],
        [output(0, good[1:100])],
        [output(0, pattern.expected(4, 0, 100))],
    ):
        witness = Witness("r", 3)
        with pytest.raises(AssertionError):
            for message in messages:
                witness.take(message)
    witness = Witness("r", 3)
    witness.take(output(0, good[:5000]))
    witness.take(output(5000, good[5000:]))
    final = {
        "runId": "r", "state": "exited", "status": "stopped", "offsets": {"stdout": 8192, "stderr": 0},
        "stdoutEnded": True, "stderrEnded": True,
    }  # fmt: skip
    witness.take({"method": "remotecmd/statusChanged", "params": {"process": final}})
    witness.check(stdout=2)
