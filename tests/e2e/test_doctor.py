"""Doctor on a real node: each container or user that lacks something gets its finding and its remedy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.e2e.conftest import LONG, Scene
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(180)]

PROGRAM = str(Path(sys.executable).parent / "remotecmd")
SMALL = "/small"
"""Where the container of the pod `limited` has a disk of 4 MiB."""

Findings = dict[str, dict[str, Any]]


@pytest.fixture
def client() -> Iterator[Client]:
    with Client() as client:
        yield client


def examine(client: Client, target: dict[str, Any]) -> tuple[str, Findings]:
    """The mode, and the findings by what they are about."""
    result = client.result("remotecmd/doctor", {"target": target}, LONG)
    return result["mode"], {finding["check"]: finding for finding in result["findings"]}


def errors(findings: Findings) -> set[str]:
    return {check for check, finding in findings.items() if finding["level"] == "error"}


@pytest.mark.covers("remotecmd/doctor")
def test_a_plain_pod_is_well(client: Client, scene: Scene) -> None:
    mode, findings = examine(client, scene.target("app"))
    assert (mode, errors(findings)) == ("supervised", set())
    assert "container main of pod app" in findings["target"]["detail"]
    assert findings["permissions"]["level"] == "ok"
    assert "v5.channel.k8s.io" in findings["webSocket"]["detail"]
    assert "busybox" in findings["shell"]["detail"]
    assert "busybox" in findings["tools"]["detail"]
    assert "/tmp/remotecmd-0" in findings["storage"]["detail"]
    assert findings["clock"]["level"] == "ok"
    assert "PID 1 (sleep)" in findings["reaping"]["detail"]  # it reaps nothing
    assert "tini" in findings["reaping"]["remedy"]
    assert "ephemeral storage" in findings["costs"]["detail"]


def test_gnu_tools_are_told_apart(client: Client, scene: Scene) -> None:
    mode, findings = examine(client, scene.target("debian"))
    assert mode == "supervised"
    assert "dash" in findings["shell"]["detail"]
    assert "dd of GNU" in findings["tools"]["detail"]
    assert findings["tools"]["level"] == "ok"


def test_a_read_only_root_without_a_volume_refuses(client: Client, scene: Scene) -> None:
    mode, findings = examine(client, scene.target("readonly", containerName="main"))
    assert (mode, errors(findings)) == ("refused", {"storage", "mode"})
    assert "/tmp can't be written" in findings["storage"]["detail"]
    assert yaml.safe_load(findings["storage"]["remedy"].partition("\n")[2])["volumes"]
    assert findings["rootFilesystem"]["level"] == "warning"
    assert "read-only" in findings["rootFilesystem"]["detail"]
    assert "emptyDir" in findings["rootFilesystem"]["remedy"]
    error = client.error("remotecmd/status", {"target": scene.target("readonly", containerName="main")}, LONG)
    assert error["data"]["kind"] == "storageUnavailable"


def test_a_read_only_root_with_a_place_to_write_is_supervised(client: Client, scene: Scene) -> None:
    mode, findings = examine(client, scene.target("readonly", containerName="shm"))
    assert mode == "supervised"
    assert "/dev/shm/remotecmd-0 (tmpfs" in findings["storage"]["detail"]
    assert findings["rootFilesystem"]["level"] == "info"
    assert "in memory" in findings["costs"]["detail"]


def test_a_user_who_is_not_root_is_told(client: Client, scene: Scene) -> None:
    mode, findings = examine(client, scene.target("nonroot"))
    assert (mode, findings["user"]["level"]) == ("supervised", "info")
    assert "uid 1000, gid 1000" in findings["user"]["detail"]
    assert "runAsUser" in findings["user"]["remedy"]
    assert "/tmp/remotecmd-1000" in findings["storage"]["detail"]


def test_an_image_without_a_shell_is_told(client: Client, scene: Scene) -> None:
    mode, findings = examine(client, scene.target("noshell"))
    assert (mode, errors(findings)) == ("refused", {"shell", "mode"})
    assert "no /bin/sh" in findings["shell"]["detail"]
    assert "kubectl debug" in findings["shell"]["remedy"]
    assert findings["permissions"]["level"] == "ok"


@pytest.mark.parametrize(
    ("context", "verbs"), [("viewer", {"pods/exec": ["get", "create"]}), ("createonly", {"pods/exec": ["get"]}),
                           ("nobody", {"pods": ["get"], "pods/exec": ["get", "create"]})],
)  # fmt: skip
def test_missing_rights_are_named_with_the_rule_that_gives_them(
    client: Client, scene: Scene, context: str, verbs: dict[str, list[str]]
) -> None:
    mode, findings = examine(client, scene.target("app", context=context))
    assert (mode, errors(findings)) == ("refused", {"permissions", "mode"})
    rules = yaml.safe_load(findings["permissions"]["remedy"].partition("\n")[2])["rules"]
    assert {rule["resources"][0]: rule["verbs"] for rule in rules} == verbs


def test_an_exec_that_goes_without_create_is_a_warning(client: Client, scene: Scene) -> None:
    mode, findings = examine(client, scene.target("app", context="getonly"))
    assert (mode, findings["permissions"]["level"]) == ("supervised", "warning")
    assert "create on pods/exec" in findings["permissions"]["detail"]


def test_a_full_disk_is_told(client: Client, scene: Scene) -> None:
    scene.container("limited")
    target = scene.target("limited")
    filler = f"{SMALL}/filler-{scene.suffix}"
    client.result("remotecmd/exec", {"target": target, "cmdLine": f"dd if=/dev/zero of={filler} bs=4096"}, LONG)
    try:
        mode, findings = examine(client, target)
    finally:
        client.result("remotecmd/exec", {"target": target, "args": ["rm", filler]}, LONG)
    assert (mode, findings["storage"]["level"]) == ("supervised", "warning")
    assert findings["storage"]["detail"].startswith(f"{SMALL} is full.")
    assert SMALL in findings["storage"]["remedy"]
    _, findings = examine(client, target)
    assert findings["storage"]["level"] == "ok"


def test_a_pod_that_does_not_run_is_told(client: Client, scene: Scene) -> None:
    mode, findings = examine(client, scene.target("pending"))
    assert (mode, errors(findings)) == ("refused", {"target", "mode"})
    assert "kubectl describe pod pending" in findings["target"]["remedy"]


@pytest.mark.parametrize(
    ("words", "status", "check"),
    [
        (["k8s:app"], 0, "reaping"),
        (["k8s:noshell"], 7, "shell"),
        (["k8s:pending"], 3, "target"),
        (["--context", "viewer", "k8s:app"], 4, "permissions"),
    ],
)
def test_the_command_line_shows_it_and_exits_with_its_status(
    scene: Scene, words: list[str], status: int, check: str
) -> None:
    def run(*more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KUBECONFIG": str(scene.kubeconfig)}
        return subprocess.run(
            [PROGRAM, "doctor", *words, *more], capture_output=True, text=True, timeout=60, check=False, env=environment
        )

    table, result = run(), run("--json")
    assert (table.returncode, result.returncode) == (status, status)
    [line] = [line for line in table.stdout.splitlines() if line.split()[1:2] == [check]]
    found = {finding["check"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert line.split()[0] == found[check]["level"]
    assert "→ " in table.stdout


def test_limits_of_memory_are_told(client: Client, scene: Scene, tmp_path: Path) -> None:
    name = f"doctor-{scene.suffix}"
    container = {
        "name": "main",
        "image": "remotecmd.test/busybox:1",
        "imagePullPolicy": "Never",
        "resources": {"limits": {"memory": "24Mi"}},
    }
    spec = {
        "nodeName": "127.0.0.1",
        "hostNetwork": True,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "containers": [container],
    }
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    kubectl = [str(scene.kubeconfig.parent / "bin" / "kubectl"), "--kubeconfig", str(scene.kubeconfig)]
    subprocess.run([*kubectl, "create", "-f", "-"], input=json.dumps(manifest), text=True, check=True, timeout=30)
    try:
        subprocess.run(
            [*kubectl, "wait", "--for=jsonpath={.status.phase}=Running", f"pod/{name}", "--timeout=60s"],
            check=True, timeout=90,
        )  # fmt: skip
        mode, findings = examine(client, scene.target(name))
    finally:
        subprocess.run([*kubectl, "delete", "pod", name, "--wait=false"], check=True, timeout=30)
    assert (mode, findings["memory"]["level"]) == ("supervised", "warning")
    assert "limit of 24 MiB" in findings["memory"]["detail"]
    assert "resources.limits.memory" in findings["memory"]["remedy"]
