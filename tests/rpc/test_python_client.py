"""The Python client against the real server, and against programs that are none."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from rpc_client.client import Client
from rpc_client.errors import Kind, RequestError
from rpc_client.run import SOFT_BYTES, data_of
from rpc_server import messages, results

if TYPE_CHECKING:
    from pathlib import Path

    from rpc_client.run import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the local target is Linux only"),
]

LOCAL = messages.LocalTarget(kind="local")


class Commands:
    """Commands in a directory of their own."""

    def __init__(self, client: Client, directory: str) -> None:
        self.client = client
        self.directory = directory

    def params(self, id: str, cmd_line: str, **options: Any) -> messages.StartParams:
        definition = messages.Definition(id=id, cmd_line=cmd_line, pid_directory=self.directory)
        return messages.StartParams(target=LOCAL, definition=definition, **options)

    async def start(self, id: str, cmd_line: str, **options: Any) -> Run:
        return await self.client.start(self.params(id, cmd_line, **options))

    def where(self, id: str) -> dict[str, Any]:
        return {"target": LOCAL, "id": id, "pid_directory": self.directory}

    async def status(self, id: str) -> results.Process:
        result = await self.client.request("remotecmd/status", messages.StatusParams(**self.where(id)))
        assert result.process is not None
        return result.process


@pytest.fixture
async def commands(tmp_path: Path) -> AsyncIterator[Commands]:
    directory = str(tmp_path / "base")
    async with Client.spawn() as client:
        yield Commands(client, directory)
    async with Client.spawn() as client:
        where = messages.StatusParams(target=LOCAL, pid_directory=directory)
        for process in (await client.request("remotecmd/status", where)).processes or ():
            stop = messages.StopParams(target=LOCAL, id=process.id, pid_directory=directory, grace_period_seconds=0)
            await client.request("remotecmd/stop", stop)


async def written(run: Run) -> dict[str, bytes]:
    """All output of a run, to its end."""
    found = {"stdout": b"", "stderr": b""}
    async for event in run:
        if isinstance(event, results.Output):
            found[event.stream] += data_of(event)
    return found


async def test_a_run_from_start_to_end(commands: Commands) -> None:
    assert commands.client.server.server_info.name == "remotecmd"
    run = await commands.start("a", "echo out; printf '\\377' >&2; exit 3")
    assert run.created
    assert await written(run) == {"stdout": b"out\n", "stderr": b"\xff"}
    assert run.process is not None
    assert (run.process.status, run.process.exit_code) == ("errored", 3)


async def test_a_second_start_of_a_followed_run_is_the_same_object(commands: Commands) -> None:
    run = await commands.start("a", "exec sleep 1000")
    assert await commands.start("a", "exec sleep 1000") is run


async def test_attach_takes_over(commands: Commands) -> None:
    first = await commands.start("a", "echo x; exec sleep 1000")
    assert isinstance(await anext(first), results.Output)
    second = await commands.client.attach(messages.AttachParams(**commands.where("a")))
    assert [event async for event in first if isinstance(event, results.Output)] == []
    assert isinstance(await anext(second), results.Output)


async def test_back_pressure_stops_the_reading_and_requests_still_go_through(commands: Commands) -> None:
    size = 16 << 20
    run = await commands.start("a", f"yes | head -c {size}")
    while run.waiting_bytes <= SOFT_BYTES:  # noqa: ASYNC110  # nothing tells of it
        await asyncio.sleep(0)
    assert (await commands.status("a")).id == "a"
    assert run.waiting_bytes < size
    assert await written(run) == {"stdout": b"y\n" * (size // 2), "stderr": b""}


async def test_runs_that_nobody_opened_are_dropped(commands: Commands) -> None:
    result = await commands.client.request("remotecmd/start", commands.params("a", "yes | head -c 4000000"))
    run = await commands.client.attach(messages.AttachParams(**commands.where("a")))
    assert run.process is not None
    assert run.process.run_id == result.process.run_id
    assert len((await written(run))["stdout"]) == 4_000_000


async def test_an_exec_may_be_watched(commands: Commands) -> None:
    name = uuid.uuid4().hex
    run = commands.client.watch(name)
    params = messages.ExecParams(target=LOCAL, cmd_line="echo x; exit 4", stream=True, run_id=name)
    output, result = await asyncio.gather(written(run), commands.client.request("remotecmd/exec", params))
    assert (output["stdout"], result.exit_code) == (b"x\n", 4)


async def test_a_cancelled_request_is_cancelled_at_the_server(commands: Commands) -> None:
    marker = f"{commands.directory}-marker"
    os.mkfifo(marker)
    params = messages.ExecParams(target=LOCAL, args=("sh", "-c", f"echo x >{marker}; exec sleep 1000"))
    asking = asyncio.create_task(commands.client.request("remotecmd/exec", params))
    fifo = await asyncio.to_thread(open, marker)
    fifo.close()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await commands.status("a")).state == "absent", "the client goes on"


async def test_refusals_have_a_kind(commands: Commands) -> None:
    with pytest.raises(RequestError) as caught:
        await commands.client.request("remotecmd/stop", messages.StopParams(**commands.where("nope")))
    assert (caught.value.kind, caught.value.code, caught.value.retryable) == ("commandNotFound", -32803, False)
    with pytest.raises(RequestError) as caught:
        await commands.start("not an id", "true")
    assert caught.value.kind == Kind.INVALID_PARAMS
    with pytest.raises(RequestError) as caught:
        await commands.start("a", "true", if_exists="fail", timeout_seconds=-1)
    assert isinstance(caught.value.data, tuple)
    assert [field.path for field in caught.value.data] == ["timeoutSeconds"]


async def test_what_can_not_be_sent_or_read_ends_the_requests_and_not_the_client(commands: Commands) -> None:
    stop = messages.StopParams(**commands.where("a"), grace_period_seconds=float("inf"))
    with pytest.raises(RequestError) as caught:
        await commands.client.request("remotecmd/stop", stop)
    assert caught.value.kind == Kind.INVALID_PARAMS
    await commands.start("a", "sleep 1000")
    waiting = asyncio.create_task(
        commands.client.request("remotecmd/wait", messages.WaitParams(**commands.where("a"))), name="wait"
    )
    large = messages.ExecParams(target=LOCAL, args=("cat",), stdin="x" * (65 << 20))
    for refused in (commands.client.request("remotecmd/exec", large), waiting):
        with pytest.raises(RequestError) as caught:
            await refused
        assert caught.value.kind == Kind.PARSE_ERROR
        assert "larger than" in caught.value.message
    assert (await commands.status("a")).status == "running"


async def test_the_death_of_the_server_is_told_to_everybody(commands: Commands) -> None:
    run = await commands.start("a", "echo x; exec sleep 1000")
    assert isinstance(await anext(run), results.Output)
    params = messages.ExecParams(target=LOCAL, args=("sh", "-c", "kill -9 $(cat)"), stdin=str(_server(commands.client)))
    with pytest.raises(RequestError, match="was ended by signal 9") as caught:
        await commands.client.request("remotecmd/exec", params)
    assert (caught.value.kind, caught.value.code) == (Kind.SERVER_GONE, None)
    with pytest.raises(RequestError, match="was ended by signal 9"):
        await written(run)
    with pytest.raises(RequestError, match="was ended by signal 9"):
        await commands.status("a")


def _server(client: Client) -> int:
    return client._connection._process.pid


NO_SERVERS = {
    "missing": (["/nonexistent/server"], Kind.SERVER_GONE, "the server (server) can't be started: No such file"),
    "ends": (["sh", "-c", "exit 3"], Kind.SERVER_GONE, "ended with status 3"),
    "ends in a frame": (["printf", "Content-Length: 9\\r\\n\\r\\nx"], Kind.SERVER_GONE, "ended with status 0"),
    "prints": (["sh", "-c", "printf 'hello\\r\\n\\r\\n'; cat"], Kind.BAD_REPLY, "is no message"),
    "no JSON": (["sh", "-c", "printf 'Content-Length: 1\\r\\n\\r\\n{'; cat"], Kind.BAD_REPLY, "is no message"),
    "a list": (["sh", "-c", "printf 'Content-Length: 2\\r\\n\\r\\n[]'; cat"], Kind.BAD_REPLY, "is no message"),
}


@pytest.mark.parametrize("name", NO_SERVERS)
async def test_what_is_no_server_is_told(name: str) -> None:
    argv, kind, message = NO_SERVERS[name]
    with pytest.raises(RequestError) as caught:
        async with Client.spawn(*argv):
            pass
    assert caught.value.kind == kind
    assert message in caught.value.message


@pytest.fixture
async def pacing(tmp_path: Path) -> AsyncIterator[Commands]:
    """Commands of a client that asked for the smallest window."""
    async with Client.spawn(output_window_bytes=32_768) as client:
        yield Commands(client, str(tmp_path / "base"))


async def test_with_a_window_a_run_that_nobody_takes_holds_up_no_other(pacing: Commands) -> None:
    size = 4 << 20
    slow = await pacing.start("slow", f"yes | head -c {size}")
    quick = await pacing.start("quick", f"yes | head -c {size}")
    assert await written(quick) == {"stdout": b"y\n" * (size // 2), "stderr": b""}
    assert (await pacing.status("slow")).state == "exited"
    assert slow.waiting_bytes < 2 * 32_768, "the server has sent no more than was asked for"
    assert await written(slow) == {"stdout": b"y\n" * (size // 2), "stderr": b""}


async def test_with_a_window_an_attach_begins_anew(pacing: Commands) -> None:
    size = 300_000
    first = await pacing.start("a", f"yes | head -c {size}")
    await anext(first)
    where = messages.FromOffsets(stdout=100_000)
    second = await pacing.client.attach(messages.AttachParams(**pacing.where("a"), from_=where))
    assert await written(second) == {"stdout": b"y\n" * ((size - 100_000) // 2), "stderr": b""}
    await pacing.client.attach(messages.AttachParams(**pacing.where("a")))
    third = await pacing.client.attach(messages.AttachParams(**pacing.where("a")))
    assert len((await written(third))["stdout"]) == size
