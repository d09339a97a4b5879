"""outputWindowBytes and remotecmd/ack: what is sent ahead, who waits for whom, and what an acknowledgement can't do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.place import LONG, Place, decode
from tests.rpc.client import EXIT_TIMEOUT, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW = 65_536
CHUNK = 32_768
"""The largest piece: a window counts as full when there is no room for one."""

SIZE = 400_000


def numbers(size: int = SIZE) -> str:
    """A command that writes so many bytes, each place of which is known."""
    return f"i=100000; while :; do echo $i; i=$((i+1)); done | head -c {size}"


def expected(size: int = SIZE) -> bytes:
    return b"".join(b"%d\n" % i for i in range(100_000, 100_000 + size // 7 + 1))[:size]


class Reader:
    """Takes the output of one run, and checks that no byte comes that its acknowledgements do not permit."""

    def __init__(self, place: Place, run: str, name: str = "cmd", start: int = 0) -> None:
        self.place = place
        self.run = run
        self.name = name
        self.at = {"stdout": start, "stderr": start}
        self.acked = dict(self.at)
        self.data = {"stdout": b"", "stderr": b""}
        self.final: dict[str, Any] | None = None

    def ack(self, stream: str = "stdout", offset: int | None = None) -> None:
        """Up to where it has read."""
        self.acked[stream] = self.at[stream] if offset is None else offset
        params = {"runId": self.run, "stream": stream, "offset": self.acked[stream]}
        self.place.client.notify("remotecmd/ack", params)

    def take(self) -> None:
        """The next event of the run; those of others are left for them."""
        self._hear(self.place.client._find(self._is_mine, LONG))

    def _hear(self, mine: dict[str, Any]) -> None:
        if mine["method"] == "remotecmd/output":
            self._output(mine["params"])
        elif mine["params"]["process"]["status"] not in {"starting", "running"}:
            self.final = mine["params"]["process"]

    def _is_mine(self, message: dict[str, Any]) -> bool:
        params = message.get("params", {})
        return self.run in (params.get("runId"), params.get("process", {}).get("runId"))

    def _output(self, params: dict[str, Any]) -> None:
        stream, piece = params["stream"], decode(params)
        assert params["offset"] == self.at[stream]
        self.at[stream] += len(piece)
        self.data[stream] += piece
        assert self.at[stream] - self.acked[stream] <= WINDOW, "it is further ahead than it may"

    def until_full(self, stream: str = "stdout") -> None:
        """Read until the window has no room for another chunk."""
        while self.at[stream] - self.acked[stream] <= WINDOW - CHUNK:
            self.take()

    def nothing_more(self) -> None:
        """Whatever is on its way has come after some round trips; it is within the window, and not the end."""
        for _ in range(3):
            self.place.ask("status", self.name)
        waiting = [message for message in self.place.client.others if self._is_mine(message)]
        for message in waiting:
            self.place.client.others.remove(message)
            self._hear(message)
        assert self.final is None

    def to_the_end(self) -> dict[str, bytes]:
        """Read and acknowledge everything."""
        while self.final is None:
            for stream in self.at:
                self.ack(stream)
            self.take()
        return self.data


@pytest.fixture(scope="module")
def pacing() -> Iterator[Client]:
    """A server whose client asked for flow control."""
    with Client() as client:
        answer = client.result("initialize", {"capabilities": {"outputWindowBytes": WINDOW}})
        assert answer["capabilities"]["flowControl"] is True
        yield client


@pytest.fixture
def paced(home: Place, pacing: Client) -> Place:
    pacing.others.clear()
    return home.seen_from(pacing)


def begin(place: Place, cmd_line: str, name: str = "cmd", **more: Any) -> Reader:
    return Reader(place, place.start(cmd_line, name, **more)["process"]["runId"], name)


@pytest.mark.covers("remotecmd/ack", "remotecmd/output")
def test_no_more_than_the_window_is_sent_ahead_and_nothing_is_lost(paced: Place) -> None:
    reader = begin(paced, numbers())
    for _ in range(3):
        reader.until_full()
        reader.nothing_more()
        reader.ack()
    assert reader.to_the_end() == {"stdout": expected(), "stderr": b""}


def test_each_stream_has_its_window(paced: Place) -> None:
    reader = begin(paced, f"({numbers(50_000)}) >&2; ({numbers(50_000)}); exec sleep 1000")
    while (len(reader.data["stdout"]), len(reader.data["stderr"])) != (50_000, 50_000):
        reader.take()
    assert reader.data == {"stdout": expected(50_000), "stderr": expected(50_000)}
    paced.ask("stop")


def test_who_does_not_acknowledge_holds_up_nobody_else(paced: Place) -> None:
    """Neither another run's output, nor a reply, nor the start of one more."""
    slow = begin(paced, numbers(), "slow")
    slow.until_full()
    quick = begin(paced, numbers(), "quick")
    assert quick.to_the_end()["stdout"] == expected()
    assert {process["state"] for process in paced.list()} >= {"exited"}
    assert begin(paced, "echo hello", "third").to_the_end()["stdout"] == b"hello\n"
    slow.nothing_more()
    assert slow.to_the_end()["stdout"] == expected()


def test_the_command_itself_does_not_wait(paced: Place) -> None:
    reader = begin(paced, numbers())
    assert paced.ask("wait")["process"]["offsets"]["stdout"] == SIZE
    reader.until_full()
    assert reader.to_the_end()["stdout"] == expected()


def test_the_final_state_waits_for_no_acknowledgement_of_what_was_sent(paced: Place) -> None:
    reader = begin(paced, numbers(30_000))
    while reader.final is None:
        reader.take()
    assert reader.data["stdout"] == expected(30_000)


def test_acknowledgements_that_make_no_sense_change_nothing(paced: Place) -> None:
    reader = begin(paced, numbers())
    reader.until_full()
    client = paced.client  # it may not have read all that was sent, so only what can't have been is beyond that
    right = {"runId": reader.run, "stream": "stdout", "offset": reader.at["stdout"]}
    wrong = (
        {"offset": WINDOW + 1}, {"offset": 2**53 - 1}, {"offset": 2**53}, {"offset": -1}, {"offset": "1"},
        {"offset": None}, {"stream": "stderr"}, {"stream": "stdin"}, {"runId": "nobody"}, {"runId": 1}, {"offset": 0},
    )  # fmt: skip
    for params in (None, [], {}, "x", *({**right, **change} for change in wrong)):
        client.notify("remotecmd/ack", params)
    reader.nothing_more()
    reader.ack()
    reader.until_full()
    behind = reader.acked["stdout"]
    client.notify("remotecmd/ack", {**right, "offset": behind - 1, "more": "is ignored"})
    reader.nothing_more()
    assert reader.to_the_end()["stdout"] == expected()


def test_detach_and_attach_elsewhere_while_it_waits(paced: Place) -> None:
    reader = begin(paced, numbers())
    reader.until_full()
    assert paced.client.result("remotecmd/detach", {"runId": reader.run}, LONG) is None
    reader.nothing_more()
    reader.ack()
    reader.nothing_more()
    for start in (reader.at["stdout"], 200_000, 7):
        paced.ask("attach", **{"from": {"stdout": start}})
        paced.client.others.clear()  # what came before the reply was of the following before
        again = Reader(paced, reader.run, start=start)
        again.until_full()
        again.nothing_more()
    assert again.to_the_end()["stdout"] == expected()[7:]


def test_a_start_that_finds_it_running_does_not_open_the_window(paced: Place) -> None:
    line = f"{numbers()}; exec sleep 1000"
    reader = begin(paced, line)
    reader.until_full()
    assert paced.start(line)["created"] is False
    reader.nothing_more()
    paced.client.result("remotecmd/detach", {"runId": reader.run}, LONG)
    paced.ask("stop")


def test_stop_while_it_waits(paced: Place) -> None:
    reader = begin(paced, "exec yes")
    reader.until_full()
    stopped = paced.ask("stop")
    assert stopped["process"]["signal"] == "TERM"
    reader.nothing_more()
    paced.client.result("remotecmd/detach", {"runId": reader.run}, LONG)


def test_shutdown_while_it_waits(home: Place, second: Client) -> None:
    second.result("initialize", {"capabilities": {"outputWindowBytes": WINDOW}})
    reader = begin(home.seen_from(second), f"{numbers()}; exec sleep 1000")
    reader.until_full()
    second.result("shutdown")
    second.notify("exit")
    assert second.wait(EXIT_TIMEOUT) == 0
    assert home.ask("status")["process"]["state"] == "running"
    home.ask("stop")


def test_a_streamed_exec_has_windows_too(paced: Place) -> None:
    for how in ("read", "cancelled"):
        run = paced.id(how)
        params = {"target": paced.target, "cmdLine": numbers(), "stream": True, "runId": run}
        asked = paced.client.send_request("remotecmd/exec", params)
        reader = Reader(paced, run)
        reader.until_full()
        assert paced.exec("echo hello")["stdout"] == "hello\n"
        if how == "read":
            assert reader.to_the_end()["stdout"] == expected()
            assert paced.client.reply(asked, LONG)["result"]["exitCode"] == 0
        else:
            paced.client.notify("$/cancelRequest", {"id": asked})
            assert paced.client.reply(asked, LONG)["error"]["code"] == -32800


def test_without_it_nothing_is_waited_for_and_acknowledgements_are_ignored(home: Place) -> None:
    run = home.start(numbers())["process"]["runId"]
    home.client.notify("remotecmd/ack", {"runId": run, "stream": "stdout", "offset": 5})
    assert home.follow()[0]["stdout"] == expected()


def test_a_window_smaller_than_a_chunk_is_refused(second: Client) -> None:
    for value in (CHUNK - 1, 0, -1, 1.5, "65536", True):
        error = second.error("initialize", {"capabilities": {"outputWindowBytes": value}})
        assert (error["code"], error["data"][0]["path"]) == (-32602, "capabilities.outputWindowBytes")
    assert second.result("initialize", {"capabilities": {"outputWindowBytes": CHUNK}})["protocolVersion"] == 1
