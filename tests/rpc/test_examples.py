"""The scripted clients of examples/, run as a reader would run them: with `remotecmd` on the PATH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "interpreter, script", [("python", "client.py"), ("node", "client.mjs"), ("python", "typed_client.py")]
)
def test_client_prints_the_output_and_exits_as_the_command_did(interpreter: str, script: str) -> None:
    done = run(interpreter, EXAMPLES / script)
    assert (done.stdout, done.returncode) == ("step 1\nstep 2\nstep 3\n", 7), done.stderr


@pytest.mark.slow
def test_shell_client_prints_the_reply() -> None:
    params = {"target": {"kind": "local"}, "cmdLine": "printf 'ä\\n'; exit 3"}
    done = run(EXAMPLES / "client.sh", "remotecmd/exec", json.dumps(params))
    result = json.loads(done.stdout)["result"]
    assert (result["stdout"], result["exitCode"]) == ("ä\n", 3)


@pytest.mark.slow
def test_shell_client_prints_an_error_too() -> None:
    done = run(EXAMPLES / "client.sh", "remotecmd/stop", '{"target": {"kind": "local"}}')
    assert json.loads(done.stdout)["error"]["code"] == -32602
