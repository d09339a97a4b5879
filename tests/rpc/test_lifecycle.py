"""The lifecycle: initialize, shutdown, exit, and every other way in which the server ends, within a second."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.rpc.client import EXIT_TIMEOUT, ROOT, TIMEOUT, Client, frame

METHODS = [
    "initialize",
    "shutdown",
    "remotecmd/start",
    "remotecmd/status",
    "remotecmd/stop",
    "remotecmd/exec",
    "remotecmd/list",
    "remotecmd/attach",
    "remotecmd/detach",
    "remotecmd/read",
    "remotecmd/wait",
    "remotecmd/signal",
    "remotecmd/write",
    "remotecmd/closeStdin",
    "remotecmd/remove",
    "remotecmd/devfile",
    "remotecmd/targets",
    "remotecmd/doctor",
    "rpc.discover",
]


@pytest.mark.covers("initialize")
def test_initialize_lists_what_is_built(client: Client) -> None:
    result = client.result("initialize", {})
    assert result["protocolVersion"] == 1
    assert result["serverInfo"]["name"] == "remotecmd"
    assert result["capabilities"] == {
        "transports": ["local", "kubernetes"] if sys.platform == "linux" else ["kubernetes"],
        "methods": METHODS,
        "outputEncodings": ["utf8", "base64"],
        "flowControl": True,
    }


def test_initialize_takes_what_lsp_clients_send(client: Client) -> None:
    params = {
        "processId": None,
        "clientInfo": {"name": "Editor", "version": "1", "more": 1},
        "locale": "de",
        "rootUri": None,
        "capabilities": {"workspace": {"applyEdit": True}, "general": {"positionEncodings": ["utf-16"]}},
        "trace": "off",
        "workspaceFolders": None,
    }
    assert client.result("initialize", params)["protocolVersion"] == 1


@pytest.mark.covers("initialized")
def test_initialized_changes_nothing(client: Client) -> None:
    client.notify("initialized")  # too early, and no reason to complain
    client.result("initialize", {})
    client.notify("initialized", {})
    assert client.result("shutdown") is None
    assert not client.others


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"processId": "1"}, "processId"),
        ({"processId": 0}, "processId"),
        ({"capabilities": {"outputEncoding": "latin1"}}, "capabilities.outputEncoding"),
        ({"capabilities": []}, "capabilities"),
        ({"protocolVersion": "1"}, "protocolVersion"),
        ({"trace": "loud"}, "trace"),
    ],
)
def test_initialize_refuses_wrong_values_of_its_own_fields(client: Client, params: Any, path: str) -> None:
    error = client.error("initialize", params)
    assert (error["code"], [field["path"] for field in error["data"]]) == (-32602, [path])
    assert client.result("initialize", {})["protocolVersion"] == 1


def test_another_protocol_version_is_answered_with_ours(client: Client) -> None:
    assert client.result("initialize", {"protocolVersion": 99})["protocolVersion"] == 1


def test_a_second_initialize_is_refused(client: Client) -> None:
    client.result("initialize", {})
    assert client.error("initialize", {})["code"] == -32600


def test_initialize_needs_no_kubernetes() -> None:
    with Client(env={"PYTHONPROFILEIMPORTTIME": "1"}) as client:
        client.result("initialize", {})
        imported = client.log()
    assert "rpc_server.protocol" in imported
    assert "kubernetes" not in imported
    assert "aiohttp" not in imported


@pytest.mark.covers("shutdown", "exit")
def test_after_shutdown_only_exit_may_follow(client: Client) -> None:
    assert client.result("shutdown") is None
    for method in ("shutdown", "initialize", "remotecmd/status", "nope"):
        assert client.error(method)["code"] == -32600
    client.notify("exit")
    assert client.wait() == 0


def test_exit_without_shutdown_is_code_1(client: Client) -> None:
    client.notify("exit")
    assert client.wait(TIMEOUT) == 1


def test_exit_with_an_id_is_answered(client: Client) -> None:
    client.result("shutdown", {})
    assert client.result("exit") is None
    assert client.wait() == 0


def test_everything_in_one_go_is_answered_before_the_end(client: Client) -> None:
    for i, method in enumerate(["initialize", "remotecmd/status", "shutdown"]):
        params = {"target": {"kind": "docker", "container": "c"}} if "/" in method else {}
        client.send_request(method, params, msg_id=i)
    client.close_stdin()
    assert {answer["id"] for answer in client.rest()} == {0, 1, 2}
    assert client.wait() == 0


def nothing(client: Client) -> None:
    client.result("initialize", {})


def long_exec(client: Client) -> None:
    nothing(client)
    client.send_request("remotecmd/exec", {"target": {"kind": "local"}, "args": ["sleep", "30"]}, msg_id="long")


def flood(client: Client) -> None:
    """Cause more replies than a pipe and the queue hold, and read none of them any more."""
    nothing(client)
    client.stop_reading()
    client.send_bytes(frame({"jsonrpc": "2.0", "id": 1, "method": "nope"}) * 20_000)


def by_eof(client: Client) -> None:
    client.close_stdin()


def by_sigterm(client: Client) -> None:
    client.process.send_signal(signal.SIGTERM)


def by_sigint(client: Client) -> None:
    client.process.send_signal(signal.SIGINT)


def by_exit(client: Client) -> None:
    client.notify("exit")


@pytest.mark.skipif(sys.platform == "win32", reason="signals and the local target")
@pytest.mark.parametrize("end", [by_eof, by_sigterm, by_sigint, by_exit])
@pytest.mark.parametrize("busy_with", [nothing, long_exec, flood])
def test_the_server_exits_within_a_second(client: Client, busy_with: Any, end: Any) -> None:
    """Busy with nothing, with a request, or with a client that does not read."""
    busy_with(client)
    end(client)
    assert client.wait(EXIT_TIMEOUT) == (1 if end is by_exit else 0)


STUCK = {
    "thread": "threading.Thread(target=time.sleep, args=(60,)).start()",
    "exit handler": "atexit.register(time.sleep, 60)",
    "executor": "concurrent.futures.ThreadPoolExecutor().submit(time.sleep, 60)",
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("end", [by_eof, by_sigterm, by_exit])
@pytest.mark.parametrize("stuck", STUCK.values(), ids=STUCK.keys())
def test_the_server_exits_within_a_second_whatever_is_stuck(stuck: str, end: Any) -> None:
    script = f"import atexit, concurrent.futures, sys, threading, time\n{stuck}\n"
    script += "from rpc_server.cli import main\nsys.exit(main([]))"
    with Client(python=("-c", script)) as client:
        nothing(client)
        end(client)
        assert client.wait(EXIT_TIMEOUT) == (1 if end is by_exit else 0)


@pytest.mark.covers("shuttingDown")
def test_a_request_that_the_end_cuts_off_is_answered(client: Client) -> None:
    long_exec(client)
    client.close_stdin()
    error = client.reply("long")["error"]
    assert (error["code"], error["data"]["kind"]) == (-32803, "shuttingDown")


def test_a_client_that_closes_stdout_is_gone() -> None:
    with Client(read=False) as deaf:
        assert deaf.process.stdout is not None
        deaf.process.stdout.close()
        deaf.send_request("nope")
        assert deaf.wait(TIMEOUT) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_server_exits_when_the_process_of_the_client_does(client: Client, moment: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent:
        if moment == "before":
            parent.kill()
            parent.wait()
        client.send_request("initialize", {"processId": parent.pid})
        if moment == "after":
            assert client.next()["result"]["protocolVersion"] == 1
            parent.kill()
        assert client.wait() == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs /dev/fd")
def test_a_file_as_stdin_and_as_stdout(tmp_path: Any) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"shutdown"}'
    (tmp_path / "in").write_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    with (tmp_path / "in").open("rb") as stdin, (tmp_path / "out").open("wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "rpc_server", "--stdio"], stdin=stdin, stdout=stdout, cwd=ROOT, check=False
        )
    assert done.returncode == 0
    assert (tmp_path / "out").read_bytes().endswith(b'{"jsonrpc":"2.0","id":1,"result":null}')


def test_a_closed_stdin_is_an_ended_one() -> None:
    done = subprocess.run(["sh", "-c", f"exec {sys.executable} -m rpc_server <&-"], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_a_closed_stdout_is_refused() -> None:
    command = ["sh", "-c", f"exec {sys.executable} -m rpc_server >&-"]
    done = subprocess.run(command, cwd=ROOT, check=False, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert b"stdout is closed" in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--version"], 0, "remotecmd 0"),
        (["--help"], 0, "--log-level"),
        (["--nonsense"], 2, ""),
        (["--log-level", "loud"], 2, ""),
        (["--log-file", "/no/such/directory/log"], 2, ""),
    ],
)
def test_the_command_line(options: list[str], code: int, said: str) -> None:
    command = [sys.executable, "-m", "rpc_server", *options]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, stdin=subprocess.DEVNULL, text=True)
    assert done.returncode == code
    assert said in done.stdout
    assert bool(done.stderr) == (code == 2)
