"""What the tests on the real node share: targets, a look into containers, and clearing up after each test."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.container import Container

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.rpc.client import Client

BASE = "/tmp/remotecmd-0"
"""The agent's base directory where nothing else is asked for and the container runs as root."""

LONG = 40.0
"""Seconds for one reply on a loaded machine."""


class Scene:
    """Names that nobody else uses, and the containers that a test uses."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.suffix = secrets.token_hex(6)
        self.containers: list[tuple[Container, str]] = []

    def id(self, name: str = "cmd") -> str:
        """A command id; everything under it is removed after the test."""
        return f"{name}-{self.suffix}"

    def target(self, pod: str, **more: str) -> dict[str, Any]:
        """A target on the wire."""
        return {"kind": "kubernetes", "podName": pod, "kubeconfig": str(self.kubeconfig), **more}

    def container(self, pod: str, name: str = "main", base: str = BASE) -> Container:
        """A container to look into; it is cleared up after the test."""
        container = Container(self.kubeconfig, pod, name)
        self.containers.append((container, base))
        return container

    def start(self, client: Client, target: dict[str, Any], command: str, **more: Any) -> dict[str, Any]:
        """Start a command line under the id `cmd` and return the process."""
        params = {"target": target, "definition": {"id": self.id(), "cmdLine": command}, **more}
        process: dict[str, Any] = client.result("remotecmd/start", params, LONG)["process"]
        return process


@pytest.fixture
def scene(kubeconfig: Path) -> Iterator[Scene]:
    scene = Scene(kubeconfig)
    yield scene
    for container, base in scene.containers:
        container.forget(base, scene.suffix)
