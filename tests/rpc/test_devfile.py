"""remotecmd/devfile on the wire: definitions that start as they are, and errors with their place."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.rpc.client import Client

DEVFILE = """\
schemaVersion: 2.2.2
components:
  - {name: tools, container: {image: any, sourceMapping: /tmp}}
commands:
  - {id: say, exec: {component: tools, commandLine: 'echo "$WHO in $PROJECT_SOURCE"; pwd', workingDir: $PROJECTS_ROOT,
      env: [{name: WHO, value: me}]}}
"""


@pytest.mark.covers("remotecmd/devfile")
@pytest.mark.skipif(sys.platform != "linux", reason="the command runs on this machine")
def test_a_definition_can_be_started_as_it_is(client: Client, tmp_path: Path) -> None:
    (tmp_path / "devfile.yaml").write_text(DEVFILE)
    found = client.result("remotecmd/devfile", {"path": str(tmp_path)})
    assert found == client.result("remotecmd/devfile", {"text": DEVFILE})
    (command,) = found["commands"]
    definition = {**command["definition"], "pidDirectory": str(tmp_path / "base")}
    where = {"target": {"kind": "local"}, "id": definition["id"], "pidDirectory": definition["pidDirectory"]}
    client.result("remotecmd/start", {"target": where["target"], "definition": definition})
    assert client.result("remotecmd/wait", where)["process"]["exitCode"] == 0
    read = client.result("remotecmd/read", {**where, "stream": "stdout", "offset": 0, "length": 100})
    assert read["data"] == "me in /tmp\n/tmp\n"


@pytest.mark.covers("devfileInvalid")
def test_a_mistake_has_its_line_and_column(client: Client) -> None:
    error = client.error("remotecmd/devfile", {"text": DEVFILE.replace("component: tools", "component: tols")})
    assert error["code"] == -32803
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("devfileInvalid", False)
    assert (error["data"]["line"], error["data"]["column"]) == (5, 33)
    assert "line 5, column 33" in error["message"]


@pytest.mark.parametrize("params", [{}, {"path": "a", "text": "b"}])
def test_exactly_one_of_path_and_text_is_given(client: Client, params: dict[str, str]) -> None:
    assert client.error("remotecmd/devfile", params)["code"] == -32602
