"""Credential plugins that misbehave: the request is answered, others are not held up, and no plugin is left running."""

from __future__ import annotations

import json
import os
import select
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.rpc.client import TIMEOUT, Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pidfd, and the local target")

SECRET = "hunter2hunter2"


def target(directory: Path, script: str, **more: Any) -> dict[str, Any]:
    """A pod that can only be reached with what a plugin says; nobody listens at its API server's address."""
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", script],
        "env": [{"name": "SECRET", "value": SECRET}],
        "interactiveMode": "IfAvailable",
        **more,
    }
    config = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "eve"}}],
        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "eve", "user": {"exec": plugin}}],
    }
    path = directory / "kubeconfig"
    path.write_text(json.dumps(config))
    return {"kind": "kubernetes", "podName": "app", "kubeconfig": str(path)}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("raise SystemExit('hunter2hunter2')", "failed with exit status 1", id="fails"),
        pytest.param("import os; os.kill(os.getpid(), 9)", "was ended by signal 9", id="dies"),
        pytest.param("print('hunter2hunter2')", "printed something that is not an ExecCredential", id="garbage"),
        pytest.param("pass", "printed something that is not an ExecCredential", id="nothing"),
        pytest.param("print('[' * 100_000)", "printed something that is not an ExecCredential", id="nested"),
        pytest.param(
            r"import sys; sys.stdout.buffer.write(b'\xff\0' * 100)", "printed something that is not", id="binary"
        ),
        pytest.param(
            "import sys\nfor _ in range(100): sys.stdout.write('x' * (1 << 20))",
            "printed more than 1048576 bytes",
            id="100 MB",
        ),
        pytest.param(
            "print('{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": {\"token\": \"a\\\\nb\"}}')",
            "has characters that no HTTP header can carry",
            id="token with a newline",
        ),
    ],
)  # fmt: skip
def test_a_plugin_that_fails_is_told_and_not_quoted(shared: Client, tmp_path: Path, script: str, words: str) -> None:
    error = shared.error("remotecmd/status", {"target": target(tmp_path, script)})
    assert error["data"]["kind"] in {"credentialPluginFailed", "kubeconfigInvalid"}
    assert "eve" in error["message"]
    assert words in error["message"]
    assert SECRET not in str(error)
    assert SECRET not in shared.log()


def test_a_plugin_that_is_not_there_is_told(shared: Client, tmp_path: Path) -> None:
    error = shared.error("remotecmd/status", {"target": target(tmp_path, "", command="no-such-plugin")})
    assert error["data"]["kind"] == "credentialPluginFailed"
    assert "no-such-plugin of user eve is not installed" in error["message"]


class Hanging:
    """A request whose plugin says that it runs, and then nothing more."""

    def __init__(self, client: Client, directory: Path) -> None:
        self.fifo = directory / "fifo"
        os.mkfifo(self.fifo)
        script = f"import os, time; open({str(self.fifo)!r}, 'w').write(str(os.getpid())); time.sleep(1000)"
        self.target = target(directory, script)
        client.send_request("remotecmd/status", {"target": self.target}, msg_id="hanging")
        self.plugin = os.pidfd_open(int(self.fifo.read_text()))  # reading waits for the plugin

    def ended(self) -> bool:
        """Whether the plugin's process ends, soon."""
        poll = select.poll()
        poll.register(self.plugin, select.POLLIN)
        return bool(poll.poll(TIMEOUT * 1000))


@pytest.fixture
def hanging(client: Client, tmp_path: Path) -> Iterator[Hanging]:
    found = Hanging(client, tmp_path)
    yield found
    os.close(found.plugin)


def test_a_plugin_that_hangs_holds_up_nobody_and_can_be_cancelled(client: Client, hanging: Hanging) -> None:
    local = client.result("remotecmd/exec", {"target": {"kind": "local"}, "cmdLine": "echo in"})
    assert local["stdout"] == "in\n"
    assert client.result("rpc.discover")["openrpc"]
    client.notify("$/cancelRequest", {"id": "hanging"})
    assert client.reply("hanging")["error"]["code"] == -32800
    assert hanging.ended()
    assert client.error("nope")["code"] == -32601


def test_two_requests_may_wait_for_one_plugin_and_one_be_cancelled(client: Client, hanging: Hanging) -> None:
    client.send_request("remotecmd/status", {"target": hanging.target}, msg_id="second")
    client.notify("$/cancelRequest", {"id": "second"})
    assert client.reply("second")["error"]["code"] == -32800
    client.notify("$/cancelRequest", {"id": "hanging"})
    assert client.reply("hanging")["error"]["code"] == -32800
    assert hanging.ended()


def test_a_plugin_that_hangs_ends_with_the_server(client: Client, hanging: Hanging) -> None:
    client.close_stdin()
    assert client.reply("hanging")["error"]["data"]["kind"] == "shuttingDown"
    assert client.wait(TIMEOUT) == 0
    assert hanging.ended()
