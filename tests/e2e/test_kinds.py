"""Failures that take more than a wrong target, and the connection's state while the API server is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.e2e.conftest import LONG, Scene
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(180)]

SMALL = "/small"
"""Where the container of the pod `limited` has a disk of 4 MiB."""


@pytest.fixture
def client() -> Iterator[Client]:
    with Client() as client:
        yield client


@pytest.mark.covers("credentialPluginFailed")
def test_a_credential_plugin_that_fails_is_named(client: Client, scene: Scene, tmp_path: Path) -> None:
    config = yaml.safe_load(scene.kubeconfig.read_text())
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"}
    for user in config["users"]:
        user["user"] = {"exec": plugin}
    own = tmp_path / "kubeconfig"
    own.write_text(yaml.safe_dump(config))
    target = scene.target("app", kubeconfig=str(own))
    error = client.error("remotecmd/status", {"target": target}, LONG)
    assert (error["code"], error["data"]["kind"]) == (-32803, "credentialPluginFailed")
    assert "false" in error["message"]


@pytest.mark.covers("storageFull")
def test_a_full_disk_is_told_and_room_on_it_is_used(client: Client, scene: Scene) -> None:
    scene.container("limited", base=f"{SMALL}/remotecmd-0")
    target = scene.target("limited")
    filler = f"{SMALL}/filler-{scene.suffix}"
    client.result("remotecmd/exec", {"target": target, "cmdLine": f"dd if=/dev/zero of={filler} bs=4096"}, LONG)
    definition = {"id": scene.id(), "cmdLine": "exit 5", "pidDirectory": SMALL}
    try:
        error = client.error("remotecmd/start", {"target": target, "definition": definition}, LONG)
        assert (error["data"]["kind"], error["data"]["retryable"]) == ("storageFull", True)
    finally:
        client.result("remotecmd/exec", {"target": target, "args": ["rm", filler]}, LONG)
    params = {"target": target, "id": scene.id(), "pidDirectory": SMALL}
    client.result("remotecmd/start", {"target": target, "definition": definition}, LONG)
    assert client.result("remotecmd/wait", params, LONG)["process"]["exitCode"] == 5
    assert client.result("remotecmd/remove", params, LONG) is None
