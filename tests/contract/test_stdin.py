"""remotecmd/write and closeStdin: what is written arrives once and in order, and the answer says how much."""

from __future__ import annotations

import base64
import hashlib
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.place import LONG, Place

if TYPE_CHECKING:
    from tests.rpc.client import Client

QUIET = {"output": {"follow": False}}
OPEN = {"definition": {"stdin": True}}
BYTES = random.Random(11).randbytes(3_000_000)  # noqa: S311  # to be repeated


def in_base64(data: bytes) -> dict[str, Any]:
    return {"data": base64.b64encode(data).decode(), "encoding": "base64"}


@pytest.mark.covers("remotecmd/write", "remotecmd/closeStdin")
def test_text_and_bytes_arrive_and_the_end_is_read(home: Place) -> None:
    process = home.start("exec cat", **OPEN)["process"]
    assert process["stdin"] is True
    assert home.ask("write", data="grüße\n") == {"written": 8}
    assert home.ask("write", **in_base64(b"\0\xff\n")) == {"written": 3}
    assert home.ask("write", **in_base64(BYTES)) == {"written": len(BYTES)}
    assert home.ask("closeStdin") is None
    assert home.ask("closeStdin") is None
    data, final = home.follow()
    assert data["stdout"] == "grüße\n".encode() + b"\0\xff\n" + BYTES
    assert (final["exitCode"], final["stdin"]) == (0, True)


def test_a_command_without_stdin_reads_the_end_and_can_not_be_written(home: Place) -> None:
    process = home.start("cat; exec sleep 1000", **QUIET)["process"]
    assert "stdin" not in process
    error = home.client.error("remotecmd/write", home.params(data="x"), LONG)
    assert (error["code"], error["data"]["kind"], error["data"]["reason"]) == (-32803, "stdinClosed", "none")
    assert "stdin" in error["message"]
    assert home.refused("closeStdin")["kind"] == "stdinClosed"
    home.ask("stop")


@pytest.mark.covers("stdinClosed")
def test_after_its_end_a_write_is_refused(home: Place) -> None:
    home.start("exit 0", **OPEN, **QUIET)
    home.ask("wait")
    refused = home.refused("write", data="x")
    assert (refused["kind"], refused["reason"], refused["written"], refused["retryable"]) == (
        "stdinClosed", "ended", 0, False,
    )  # fmt: skip
    assert home.refused("write", "never", data="x")["kind"] == "commandNotFound"


def test_a_write_to_who_does_not_read_waits_and_can_be_cancelled(home: Place) -> None:
    wait, let = home.gate()
    home.start(f"{wait}; exec sha256sum", **OPEN)
    request = home.send("write", **in_base64(BYTES * 5))
    home.ask("status")  # others are not held up
    home.client.notify("$/cancelRequest", {"id": request})
    error = home.client.reply(request, LONG)["error"]
    assert error["code"] == -32800
    arrived = error["data"]["written"]
    assert 0 <= arrived < 5 * len(BYTES)
    home.exec(let)
    home.ask("write", data="more")
    home.ask("closeStdin")
    data, _ = home.follow()
    wanted = hashlib.sha256((BYTES * 5)[:arrived] + b"more").hexdigest()
    assert data["stdout"].split()[0].decode() == wanted


def test_any_server_writes_to_it(home: Place, second: Client) -> None:
    home.start("exec cat", **OPEN)
    other = home.seen_from(second)
    for i in range(10):
        (home if i % 2 else other).ask("write", data=f"{i}\n")
    other.ask("closeStdin")
    data, _ = home.follow()
    assert data["stdout"].decode().split() == [str(i) for i in range(10)]


def test_an_exec_takes_input_as_it_goes(home: Place) -> None:
    params = {"target": home.target, "args": ["cat"], "openStdin": True, "stream": True, "runId": home.id("exec")}
    running = home.client.send_request("remotecmd/exec", params)
    who = {"target": home.target, "runId": home.id("exec")}
    assert home.client.result("remotecmd/write", {**who, "data": "to an exec"}, LONG) == {"written": 10}
    assert home.client.notification("remotecmd/output", LONG)["data"] == "to an exec"
    assert home.client.result("remotecmd/closeStdin", who, LONG) is None
    assert home.client.reply(running, LONG)["result"]["exitCode"] == 0
    error = home.client.error("remotecmd/write", {**who, "data": "late"}, LONG)
    assert error["data"]["kind"] == "commandNotFound"


def test_the_stdin_of_an_exec_is_given_whole(home: Place) -> None:
    text = "0123456789abcde\n" * 200_000
    assert home.exec("exec sha256sum", stdin=text)["stdout"].split()[0] == hashlib.sha256(text.encode()).hexdigest()
    assert home.exec("exec true", stdin=text)["exitCode"] == 0
