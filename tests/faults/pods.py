"""A pod of a test's own, whose container may be killed and which may be replaced."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.container import eventually

if TYPE_CHECKING:
    from tests.conftest import Kubectl

VOLUME = "/keep"
"""Outlives the container."""

REAPS = "while :; do sleep 3600 & wait $!; done"
"""A PID 1 that waits for orphans, as an init does."""


class Pod:
    """One container, `main`, with busybox.

    Args:
        name: of the pod.
        kubectl: for the cluster's administrator.
        kubeconfig: of the node.
        script: what PID 1 is to do instead of sleeping.
        restart: the pod's restartPolicy.
    """

    def __init__(
        self, name: str, kubectl: Kubectl, kubeconfig: Path, *, script: str = "", restart: str = "Always"
    ) -> None:
        self.name = name
        self._kubectl = kubectl
        self._socket = kubeconfig.parent / "containerd.sock"
        self._script = script
        self._restart = restart
        self.create()

    def create(self) -> None:
        """Make it (again) and wait until it runs."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self._manifest(), file)
            file.flush()
            self._kubectl("apply", "-f", file.name)
        self._kubectl("wait", "pod", self.name, "--for=condition=Ready", "--timeout=60s", timeout=70)

    def _manifest(self) -> dict[str, Any]:
        container: dict[str, Any] = {
            "name": "main", "image": "remotecmd.test/busybox:1", "imagePullPolicy": "Never",
            "volumeMounts": [{"name": "keep", "mountPath": VOLUME}],
        }  # fmt: skip
        if self._script:
            container["command"] = ["/bin/sh", "-c", self._script]
        spec = {
            "nodeName": "127.0.0.1", "hostNetwork": True, "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False, "enableServiceLinks": False,
            "restartPolicy": self._restart, "containers": [container], "volumes": [{"name": "keep", "emptyDir": {}}],
        }  # fmt: skip
        metadata = {"name": self.name, "labels": {"suite": "faults"}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def delete(self) -> None:
        """Have it gone."""
        self._kubectl("delete", "pod", self.name, "--ignore-not-found", "--timeout=60s", timeout=70)

    @property
    def container_id(self) -> str:
        """Of the container that runs now; empty while none does."""
        path = (
            "jsonpath={.status.containerStatuses[0].state.running.startedAt} {.status.containerStatuses[0].containerID}"
        )
        started, _, found = self._kubectl("get", "pod", self.name, "-o", path).partition(" ")
        return found.removeprefix("containerd://") if started else ""

    def kill_container(self, *, replaced: bool = True) -> None:
        """Kill PID 1 from outside, as the kernel does when memory is short, and wait for another one, or for none."""
        before = self.container_id
        self.ctr("task", "kill", "-s", "KILL", before)

        def is_done(now: str) -> bool:
            return now not in {"", before} if replaced else now == ""

        assert is_done(eventually(lambda: self.container_id, is_done, 60))

    def ctr(self, *arguments: str) -> str:
        """Ask containerd itself."""
        command = ["ctr", "-a", str(self._socket), "-n", "k8s.io", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout

    def host_pid(self) -> int:
        """PID 1 of the container, as the machine sees it."""
        rows = [line.split() for line in self.ctr("task", "ls").splitlines()]
        return next(int(row[1]) for row in rows if row and row[0] == self.container_id)
