"""remotecmd/targets beside `kubectl get pods`: 5,000 pods in the fake API server, 200 on the real node.

    make bench, or python bench/targets.py with what tests/cluster/up prints

The pods on the real node are real objects that no node takes, in a namespace of their own, which is removed in the
end. Those of the fake are copies of one of them. Both sides get the same answers of the same server; kubectl asks for
a table (about half the bytes), and starts anew each time, as a person's does.
"""

from __future__ import annotations

import copy
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.contract.conftest import FakeInThread
from tests.fakes.api_server import V5
from tests.rpc.client import Client

KUBECONFIG = os.environ["REMOTECMD_TEST_KUBECONFIG"]
NAMESPACE = f"bench-targets-{os.getpid()}"
ROUNDS = 7
REAL, FAKE = 200, 5000


def kubectl(kubeconfig: str, *arguments: str, stdin: str = "") -> bytes:
    command = ["kubectl", "--kubeconfig", kubeconfig, "--context", "admin", *arguments]
    return subprocess.run(command, check=True, capture_output=True, input=stdin.encode()).stdout


def pod(number: int) -> dict[str, Any]:
    """What no node takes: there is none with such a label."""
    name = f"web-{number:05d}"
    resources = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}
    containers = [
        {
            "name": container,
            "image": f"registry.test/shop/{container}:1.27.3",
            "env": [{"name": f"SETTING_{i}", "value": f"value number {i}"} for i in range(8)],
            "resources": resources,
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
        }
        for container in ("app", "proxy")
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": "web", "number": str(number)}},
        "spec": {
            "nodeSelector": {"remotecmd.test/nowhere": "true"},
            "automountServiceAccountToken": False,
            "containers": containers,
        },
    }


def timed(*works: Any) -> list[float]:
    """The median of each, in milliseconds, taken in turn, so that a slow moment of the machine is everybody's."""
    times: list[list[float]] = [[] for _ in works]
    for turn in range(ROUNDS + 1):
        for work, taken in zip(works, times, strict=True):
            begun = time.perf_counter()
            work()
            if turn:  # the first does not count
                taken.append((time.perf_counter() - begun) * 1000)
    return [statistics.median(taken) for taken in times]


def pages(client: Client, params: dict[str, Any], count: int | None = None) -> int:
    """Ask for so many pages, or for all; how many pods they have."""
    found, token = 0, {}
    while True:
        page = client.result("remotecmd/targets", {**params, **token})
        found += len(page["pods"])
        count = None if count is None else count - 1
        if "continue" not in page or count == 0:
            return found
        token = {"continue": page["continue"]}


def compare(what: str, kubeconfig: str, size: int) -> None:
    params = {"kind": "kubernetes", "namespace": NAMESPACE, "kubeconfig": kubeconfig, "context": "admin"}
    with Client() as client:
        assert pages(client, params) == size
        answer = client.result("remotecmd/targets", {**params, "limit": 1})["pods"]
        assert answer[0]["containers"][0]["containerName"] == "app"
        base, whole, first = timed(
            lambda: kubectl(kubeconfig, "get", "pods", "-n", NAMESPACE),
            lambda: pages(client, params),
            lambda: pages(client, {**params, "limit": size // 10}, 1),
        )
    print(f"{what}: kubectl get pods {base:.0f} ms")
    print(f"  the whole list by remotecmd/targets  {whole:7.0f} ms  {whole / base:5.2f}×  ≤ 1.5×")
    print(
        f"  its first page, of {size // 10:<4}              {first:7.0f} ms  {first / base:5.2f}×  ≤ 0.3×", flush=True
    )


def remove_namespace() -> None:
    """Without a controller on the node nobody else takes the finalizer away."""
    kubectl(KUBECONFIG, "delete", "namespace", NAMESPACE, "--wait=false")
    found = json.loads(kubectl(KUBECONFIG, "get", "namespace", NAMESPACE, "-o", "json"))
    path = f"/api/v1/namespaces/{NAMESPACE}/finalize"
    kubectl(KUBECONFIG, "replace", "--raw", path, "-f", "-", stdin=json.dumps({**found, "spec": {"finalizers": []}}))


def main() -> None:
    listing = {"apiVersion": "v1", "kind": "List", "items": [pod(number) for number in range(REAL)]}
    kubectl(KUBECONFIG, "create", "namespace", NAMESPACE)
    try:
        kubectl(KUBECONFIG, "create", "-f", "-", stdin=json.dumps(listing))
        one = json.loads(
            kubectl(KUBECONFIG, "get", "pod", "-n", NAMESPACE, "web-00000", "-o", "json", "--show-managed-fields")
        )
        print(f"a pod is {len(json.dumps(one))} bytes of JSON")
        compare(f"{REAL} pods, real API server", KUBECONFIG, REAL)
    finally:
        kubectl(KUBECONFIG, "delete", "pods", "-n", NAMESPACE, "--all", "--force", "--grace-period=0")
        remove_namespace()
    with tempfile.TemporaryDirectory() as directory:
        fake = FakeInThread((V5,), Path(directory), tls=True)  # kubectl shows no token without TLS
        try:
            for number in range(FAKE):
                found = copy.deepcopy(one)
                found["metadata"]["name"] = f"web-{number:05d}"
                fake.server.pods[NAMESPACE, found["metadata"]["name"]] = found
            compare(f"{FAKE:,} pods, fake API server", fake.kubeconfig, FAKE)
        finally:
            fake.close()


if __name__ == "__main__":
    main()
