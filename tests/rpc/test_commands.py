"""Commands over the wire, on the local target: what methods answer and which notifications follow."""

from __future__ import annotations

import base64
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.rpc.client import TIMEOUT, Client, frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local target is Linux only")

LOCAL = {"kind": "local"}
FULL = {
    "id", "runId", "target", "pid", "status", "state", "exitCode", "startedAt", "endedAt", "specHash", "mode",
    "command", "offsets", "stdoutEnded", "stderrEnded",
}  # fmt: skip


class Commands:
    """Commands in a directory of their own, stopped in the end."""

    def __init__(self, client: Client, directory: Path) -> None:
        self.client = client
        self.directory = str(directory)
        self.ids: set[str] = set()

    def start_params(self, id: str, cmd_line: str, definition: dict[str, Any], **options: Any) -> dict[str, Any]:
        self.ids.add(id)
        run = {"id": id, "cmdLine": cmd_line, "pidDirectory": self.directory, **definition}
        return {"target": LOCAL, "definition": run, **options}

    def start(self, id: str, cmd_line: str, *, definition: Any = None, **options: Any) -> dict[str, Any]:
        result: dict[str, Any] = self.client.result(
            "remotecmd/start", self.start_params(id, cmd_line, definition or {}, **options)
        )
        return result

    def ask(self, method: str, id: str | None = None, **params: Any) -> dict[str, Any]:
        with_id = {} if id is None else {"id": id}
        params = {"target": LOCAL, "pidDirectory": self.directory, **with_id, **params}
        result: dict[str, Any] = self.client.result(f"remotecmd/{method}", params)
        return result

    def follow(self, id: str) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any]]:
        """Everything that is pushed for an id until its final state: outputs by stream, and that process."""
        outputs: dict[str, list[dict[str, Any]]] = {"stdout": [], "stderr": []}
        while True:
            message = self.client.next()
            params = message.get("params", {})
            if message.get("method") == "remotecmd/output" and params["id"] == id:
                outputs[params["stream"]].append(params)
            if message.get("method") == "remotecmd/statusChanged" and params["process"]["id"] == id:
                process: dict[str, Any] = params["process"]
                if process["state"] not in {"starting", "running", "stopping"}:
                    return outputs, process


@pytest.fixture
def commands(client: Client, tmp_path: Path) -> Iterator[Commands]:
    running = Commands(client, tmp_path / "base")
    yield running
    if client.process.poll() is None:
        for started in running.ids:
            running.ask("stop", started, gracePeriodSeconds=0)


def text(outputs: list[dict[str, Any]]) -> str:
    assert not any("encoding" in output for output in outputs)
    return "".join(output["data"] for output in outputs)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what nothing tells us of."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_run_from_start_to_end(commands: Commands) -> None:
    result = commands.start("a", "echo out; echo err >&2; exit 3")
    assert result["created"] is True
    assert result["process"]["id"] == "a"
    assert result["process"]["target"] == LOCAL
    assert not commands.client.others, "output came before the reply"
    outputs, process = commands.follow("a")
    assert (text(outputs["stdout"]), text(outputs["stderr"])) == ("out\n", "err\n")
    assert [output["offset"] for stream in outputs.values() for output in stream] == [0, 0]
    assert process.keys() == FULL
    assert (process["state"], process["status"], process["exitCode"]) == ("exited", "errored", 3)
    assert process["offsets"] == {"stdout": 4, "stderr": 4}
    assert process["runId"] == result["process"]["runId"] == outputs["stdout"][0]["runId"]


@pytest.mark.slow
def test_first_output_follows_the_reply_and_the_end_comes_once(commands: Commands) -> None:
    """Twenty at a time, so that replies and outputs of many runs are under way together."""
    client = commands.client
    asked = {client.send_request("remotecmd/start", commands.start_params(f"r{i}", "echo x", {})) for i in range(20)}
    replied: set[str] = set()
    ended: Counter[str] = Counter()
    while asked or len(ended) < 20:
        message = client.next()
        params = message.get("params", {})
        if "id" in message:
            asked.remove(message["id"])
            replied.add(message["result"]["process"]["id"])
        elif message["method"] == "remotecmd/output":
            assert params["id"] in replied
            assert params["id"] not in ended
        elif params["process"]["state"] == "exited":
            ended[params["process"]["id"]] += 1
    assert set(ended.values()) == {1}


def test_a_second_start_attaches_and_another_definition_conflicts(commands: Commands) -> None:
    first = commands.start("a", "exec sleep 60")
    again = commands.start("a", "exec sleep 60")
    assert (again["created"], again["process"]["runId"]) == (False, first["process"]["runId"])
    error = commands.client.error("remotecmd/start", commands.start_params("a", "exec sleep 61", {}))
    assert (error["code"], error["data"]["kind"]) == (-32803, "commandConflict")


def test_without_follow_nothing_is_pushed(commands: Commands) -> None:
    commands.start("a", "echo x", output={"follow": False})
    until(lambda: commands.ask("status", "a")["process"]["state"] == "exited")
    assert not commands.client.others


def test_status_of_one_and_of_all(commands: Commands) -> None:
    commands.start("a", "true")
    commands.follow("a")
    commands.start("b", "exec sleep 60")
    assert commands.ask("status", "b")["process"]["state"] == "running"
    assert {p["id"]: p["state"] for p in commands.ask("status")["processes"]} == {"a": "exited", "b": "running"}
    absent = {"id": "c", "target": LOCAL, "status": "unknown", "state": "absent"}
    assert commands.ask("status", "c") == {"process": absent}


def test_stop_ends_a_run(commands: Commands) -> None:
    commands.start("a", "exec sleep 60")
    result = commands.ask("stop", "a", signal="SIGTERM")
    assert result["process"]["status"] == "stopped"
    assert result["verdict"].keys() >= {"signalled", "escalated", "survivors", "elapsedMs"}
    assert (result["verdict"]["signalled"], result["verdict"]["survivors"]) == (True, [])
    assert commands.ask("stop", "a")["verdict"]["signalled"] is False


@pytest.mark.parametrize("method", ["stop", "attach"])
def test_an_unknown_id_is_not_found(commands: Commands, method: str) -> None:
    params = {"target": LOCAL, "id": "unknown", "pidDirectory": commands.directory}
    error = commands.client.error(f"remotecmd/{method}", params)
    assert (error["code"], error["data"]["kind"]) == (-32803, "commandNotFound")


def test_a_run_that_can_not_start_says_why(commands: Commands) -> None:
    params = commands.start_params("a", "true", {"workingDir": "/no/such/directory"})
    error = commands.client.error("remotecmd/start", params)
    assert (error["code"], error["data"]["kind"]) == (-32803, "startFailed")
    assert error["data"]["reason"] == error["data"]["process"]["reason"] == "workingDirNotFound"
    assert error["data"]["process"]["state"] == "startFailed"


def test_attach_replays_from_any_offset(commands: Commands) -> None:
    commands.start("a", "printf 0123456789")
    commands.follow("a")
    for start, expected, offset in [("start", "0123456789", 0), ({"stdout": 4}, "456789", 4)]:
        result = commands.ask("attach", "a", **{"from": start})
        assert result["offsets"] == {"stdout": offset, "stderr": 0}
        outputs, process = commands.follow("a")
        assert text(outputs["stdout"]) == expected
        assert outputs["stdout"][0]["offset"] == offset
        assert process["exitCode"] == 0


@pytest.mark.slow
def test_text_is_cut_only_between_characters(commands: Commands) -> None:
    """Three bytes a character and an odd beginning: no power of two is a boundary."""
    line = "€" * 30
    commands.start("a", f"printf x; i=0; while [ $i -lt 3000 ]; do printf {line}; i=$((i+1)); done")
    outputs, process = commands.follow("a")
    assert text(outputs["stdout"]) == "x" + "€" * 90_000
    assert process["offsets"]["stdout"] == 270_001
    offset = 0
    for output in outputs["stdout"]:
        assert output["offset"] == offset
        offset += len(output["data"].encode())


def test_bytes_that_are_no_text_come_as_base64(commands: Commands) -> None:
    commands.start("a", r"printf '\377\376\000'")
    outputs, _ = commands.follow("a")
    assert {output["encoding"] for output in outputs["stdout"]} == {"base64"}
    assert b"".join(base64.b64decode(output["data"]) for output in outputs["stdout"]) == b"\xff\xfe\0"


def test_all_output_is_base64_for_a_client_that_asked_for_it(commands: Commands) -> None:
    commands.client.result("initialize", {"capabilities": {"outputEncoding": "base64"}})
    commands.start("a", "printf text")
    outputs, _ = commands.follow("a")
    assert [(output["encoding"], output["data"]) for output in outputs["stdout"]] == [("base64", "dGV4dA==")]
    result = commands.client.result("remotecmd/exec", {"target": LOCAL, "cmdLine": "printf text"})
    assert (result["encoding"], result["stdout"], result["stderr"]) == ("base64", "dGV4dA==", "")


EXEC = {
    "text": ({"cmdLine": "printf é; printf e >&2; exit 4"}, {"exitCode": 4, "stdout": "é", "stderr": "e"}),
    "args": ({"args": ["printf", "%s|", "a b", "", "$HOME\n'\""]}, {"stdout": "a b||$HOME\n'\"|"}),
    "variables": ({"cmdLine": 'printf %s "$A"', "envVars": [{"key": "A", "value": "x\n\n"}]}, {"stdout": "x\n\n"}),
    "directory": ({"cmdLine": "pwd", "workingDir": "/usr"}, {"stdout": "/usr\n"}),
    "input": ({"args": ["cat"], "stdin": "é\0\n"}, {"stdout": "é\0\n"}),
    "empty input": ({"args": ["cat"], "stdin": ""}, {"stdout": ""}),
    "no text": (
        {"cmdLine": r"printf '\377'; printf e >&2"},
        {"stdout": "/w==", "stderr": "ZQ==", "encoding": "base64"},
    ),
    "cut": ({"cmdLine": "printf 123456", "maxOutputBytes": 4}, {"stdout": "1234", "truncated": True}),
    "cut in a character": ({"cmdLine": "printf 123é", "maxOutputBytes": 4}, {"stdout": "123", "truncated": True}),
}


@pytest.mark.parametrize(("params", "expected"), EXEC.values(), ids=EXEC.keys())
def test_exec(shared: Client, params: dict[str, Any], expected: dict[str, Any]) -> None:
    usual = {"exitCode": 0, "stdout": "", "stderr": "", "truncated": False, "encoding": "utf8"}
    assert shared.result("remotecmd/exec", {"target": LOCAL, **params}) == {**usual, **expected}


def test_exec_can_stream(shared: Client) -> None:
    params = {"target": LOCAL, "cmdLine": "printf out", "stream": True, "runId": "mine"}
    result = shared.result("remotecmd/exec", params)
    assert (result["exitCode"], result["stdout"], result["stderr"]) == (0, "", "")
    output = shared.notification("remotecmd/output")
    assert (output["runId"], output["stream"], output["data"]) == ("mine", "stdout", "out")
    shared.others.clear()


def test_a_cancelled_exec_leaves_nothing_running(client: Client, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    params = {"target": LOCAL, "cmdLine": f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; sleep 60; true"}
    request = client.send_request("remotecmd/exec", params)
    until(pid_file.exists)
    client.notify("$/cancelRequest", {"id": request})
    assert client.reply(request)["error"]["code"] == -32800
    pid = int(pid_file.read_text())
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_request_may_be_cancelled_before_it_began(client: Client) -> None:
    """Request and cancellation in one write: the task has had no step yet."""
    request = {"jsonrpc": "2.0", "id": 1, "method": "remotecmd/exec", "params": {"target": LOCAL, "args": ["true"]}}
    cancel = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1}}
    client.send_bytes(frame(request) + frame(cancel))
    assert client.reply(1)["error"]["code"] == -32800


@pytest.mark.slow
def test_a_client_that_does_not_read_slows_output_down_and_loses_nothing(commands: Commands) -> None:
    """8 MiB wait in the container while the client reads nothing; the server stays small and answers to a signal."""
    client = commands.client
    commands.start("a", "dd if=/dev/zero bs=65536 count=128 2>/dev/null | tr '\\0' x", output={"follow": False})
    until(lambda: commands.ask("status", "a")["process"]["state"] == "exited")
    commands.ask("attach", "a")
    outputs, process = commands.follow("a")
    assert sum(len(output["data"]) for output in outputs["stdout"]) == process["offsets"]["stdout"] == 8 << 20
    assert not client.others


def test_commands_outlive_the_server(tmp_path: Path) -> None:
    directory = tmp_path / "base"
    with Client() as first:
        pid = Commands(first, directory).start("a", "exec sleep 60")["process"]["pid"]
        first.close_stdin()
        assert first.wait() == 0
    with Client() as second:
        commands = Commands(second, directory)
        process = commands.ask("status", "a")["process"]
        assert (process["state"], process["pid"]) == ("running", pid)
        assert commands.ask("stop", "a")["process"]["status"] == "stopped"
