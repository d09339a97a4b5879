"""What the server says without being asked: logs, log messages, traces. Never a value of the user's."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.rpc.client import ROOT, Client, frame

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2hunter2"


def test_no_log_holds_a_value(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Client("--log-level", "debug", "--log-file", str(log)) as client:
        client.result("initialize", {"clientInfo": {"name": SECRET}})
        env = [{"key": SECRET, "value": SECRET}]
        local = {"kind": "local"}
        client.request("remotecmd/exec", {"target": local, "cmdLine": f"echo {SECRET}", "envVars": env})
        client.request("remotecmd/exec", {"target": local, "args": [SECRET, SECRET], "stdin": SECRET})
        client.request("remotecmd/exec", {"target": local, "cmdLine": {SECRET: SECRET}, "envVars": SECRET})
        definition = {"id": "a", "cmdLine": f"echo {SECRET}", "envVars": env, "pidDirectory": str(tmp_path)}
        client.request("remotecmd/start", {"target": local, "definition": definition})
        client.notification("remotecmd/statusChanged")
        client.notify("$/setTrace", {"value": SECRET})
        client.notify("unknown", {SECRET: SECRET})
        client.send({"jsonrpc": "2.0", "id": 99, "result": SECRET})
        body = f'{{"secret": {SECRET}}}'.encode()
        client.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        client.send_bytes(f"{SECRET}\r\n".encode() + frame({"jsonrpc": "2.0", "id": "end", "method": "shutdown"}))
        client.reply("end")
        client.notify("exit")
        assert client.wait() == 0
        assert SECRET not in client.log()
    text = log.read_text()
    assert "ending" in text
    assert SECRET not in text


@pytest.mark.covers("window/logMessage")
def test_warnings_go_to_the_client_once_it_has_initialized(client: Client) -> None:
    client.notify("unknown/before")
    client.result("initialize", {})
    client.notify("unknown/after")
    params = client.notification("window/logMessage")
    assert params["type"] == 2
    assert "unknown/after" in params["message"]
    assert not client.others


@pytest.mark.parametrize("value", ["messages", "compact", "verbose"])
@pytest.mark.covers("$/setTrace", "$/logTrace")
def test_a_trace_names_methods(client: Client, value: str) -> None:
    client.notify("$/setTrace", {"value": value})
    client.request("remotecmd/status", {"target": {"kind": "docker", "container": SECRET}})
    client.notify("$/setTrace", {"value": "off"})
    client.result("shutdown")
    traces = [message["params"] for message in client.others]
    assert traces[0]["message"] == "received request remotecmd/status"
    assert {"received notification $/setTrace", "refused request remotecmd/status"} <= {t["message"] for t in traces}
    assert any("verbose" in trace for trace in traces) == (value == "verbose")
    assert SECRET not in str(traces)


def test_initialize_sets_the_trace(client: Client) -> None:
    client.result("initialize", {"trace": "messages"})
    assert client.notification("$/logTrace")["message"] == "answered request initialize"


def test_nothing_but_frames_reaches_stdout() -> None:
    """Not what Python prints, not what is written to descriptor 1, and not what children write."""
    script = (
        "import os, subprocess, sys\n"
        "from rpc_server.stdio import take_over\n"
        "stdio = take_over()\n"
        "print('noise')\n"
        "sys.stdout.flush()\n"
        "os.write(1, b'noise')\n"
        "subprocess.run(['sh', '-c', 'echo noise; cat'])\n"
        "os.write(stdio.stdout, b'frame')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, input=b"for us")
    assert done.stdout == b"frame"
    assert done.stderr.count(b"noise") == 3
