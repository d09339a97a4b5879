"""The program against a fake API server with a real shell behind it: a pod that is there, and one that is not."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import PROGRAM
from tests.fakes.api_server import FakeApiServer
from tests.rpc.client import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the fake's shell is this machine's"),
]


@pytest.fixture
async def kubeconfig(tmp_path: Path) -> AsyncIterator[str]:
    async with FakeApiServer() as server:
        yield str(server.kubeconfig(tmp_path))


async def call(*words: str) -> tuple[bytes, bytes, int | None]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(PROGRAM, *words, stdout=pipe, stderr=pipe)
    stdout, stderr = await asyncio.wait_for(process.communicate(), TIMEOUT)
    return stdout, stderr, process.returncode


async def test_a_command_runs_in_a_pod(kubeconfig: str, tmp_path: Path) -> None:
    where = ["--kubeconfig", kubeconfig, "--pid-directory", str(tmp_path / "base")]
    assert await call("run", *where, "k8s:app", "--", "echo hello; exit 3") == (b"hello\n", b"", 3)
    assert await call("exec", "--kubeconfig", kubeconfig, "k8s:pod/app", "--", "echo", "x") == (b"x\n", b"", 0)


async def test_a_pod_that_is_not_there_has_a_status_of_its_own(kubeconfig: str) -> None:
    stdout, stderr, status = await call("run", "--kubeconfig", kubeconfig, "k8s:nosuch", "--", "true")
    assert (stdout, status) == (b"", 3)
    assert stderr.startswith(b"remotecmd: ")
    assert b"nosuch" in stderr


async def test_a_context_that_is_not_there_has_one_too(kubeconfig: str) -> None:
    words = ["run", "--kubeconfig", kubeconfig, "--context", "nosuch", "k8s:app", "--", "true"]
    stdout, stderr, status = await call(*words)
    assert (stdout, status) == (b"", 4)
    assert stderr.startswith(b"remotecmd: there is no context nosuch in the kubeconfig")


DEVFILE = """\
schemaVersion: 2.2.2
components: [{name: main, container: {image: any}}]
commands: [{id: it, exec: {component: main, commandLine: 'true'}}]
"""


@pytest.mark.parametrize(
    "words", [["run", "k8s:app", "--", "true"], ["devfile", "run", "it", "k8s:app"]], ids=["run", "devfile run"]
)
async def test_ctrl_c_ends_a_start_that_is_not_answered(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "devfile.yaml").write_text(DEVFILE)
    asked: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    silent = await asyncio.start_server(lambda _, writer: asked.put_nowait(writer), "127.0.0.1", 0)
    address = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        json.dumps(
            {
                "current-context": "a",
                "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
                "clusters": [{"name": "a", "cluster": {"server": address}}],
                "users": [{"name": "a", "user": {}}],
            }
        )
    )
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *words, cwd=tmp_path, env={**os.environ, "KUBECONFIG": str(kubeconfig)}
    )
    connections = [await asyncio.wait_for(asked.get(), TIMEOUT)]
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), TIMEOUT) == 130
    connections += [asked.get_nowait() for _ in range(asked.qsize())]
    for connection in connections:
        connection.close()
        await connection.wait_closed()
    silent.close()
