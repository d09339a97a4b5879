"""What there is to choose from, and pods that are named by labels or workloads: fake and real API server alike."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import CONTEXT, KUBECONFIG, FakeInThread
from tests.contract.place import LONG
from tests.fakes.api_server import V5, pod, workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.rpc.client import Client


class Cluster:
    """A namespace's pods, real or not. Pods that it adds are named after a suffix, which is a label of theirs, too."""

    def __init__(self, kubeconfig: str, context: str) -> None:
        self.where = {"kind": "kubernetes", "kubeconfig": kubeconfig, "context": context}
        self.suffix = secrets.token_hex(3)
        self.selector = f"test={self.suffix}"

    def name(self, pod_name: str) -> str:
        return f"{pod_name}-{self.suffix}"

    def add(self, pod_name: str) -> None:
        """Add a pod that nothing runs yet."""
        raise NotImplementedError

    def run(self, pod_name: str) -> None:
        """Let it start."""
        raise NotImplementedError

    def remove(self, pod_name: str) -> None:
        raise NotImplementedError


class FakeCluster(Cluster):
    def __init__(self, directory: Path) -> None:
        self.fake = FakeInThread((V5,), directory)
        super().__init__(self.fake.kubeconfig, "admin")
        self.fake.server.tokens["unknown-token"] = ("nobody", frozenset())
        self._set("pending", pod("pending", phase="Pending", containerStatuses=[]))
        self.fake.server.workloads["deployments", "default", self.name("web")] = workload("D", test=self.suffix)

    def _set(self, name: str, found: dict[str, Any]) -> None:
        self.fake.server.pods = {**self.fake.server.pods, ("default", name): found}

    def add(self, pod_name: str) -> None:
        name = self.name(pod_name)
        labels = {"test": self.suffix}
        self._set(name, pod(name, uid=name, labels=labels, phase="Pending", containerStatuses=[]))

    def run(self, pod_name: str) -> None:
        name = self.name(pod_name)
        self._set(name, pod(name, uid=name, labels={"test": self.suffix}))

    def remove(self, pod_name: str) -> None:
        left = {key: found for key, found in self.fake.server.pods.items() if key[1] != self.name(pod_name)}
        self.fake.server.pods = left
        self.fake.server.cut()

    def close(self) -> None:
        self.fake.close()


class RealCluster(Cluster):
    def __init__(self) -> None:
        super().__init__(KUBECONFIG, CONTEXT)
        spec = {"metadata": {"name": self.name("web")}, "apiVersion": "apps/v1", "kind": "Deployment"}
        labels = {"test": self.suffix}
        containers = [{"name": "main", "image": "remotecmd.test/busybox:1"}]
        template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
        self._create({**spec, "spec": {"selector": {"matchLabels": labels}, "template": template}})

    def _kubectl(self, *words: str, stdin: str = "") -> None:
        command = [
            Path(KUBECONFIG).parent / "bin" / "kubectl",
            "--kubeconfig",
            KUBECONFIG,
            "--context",
            CONTEXT,
            *words,
        ]
        subprocess.run(command, input=stdin, text=True, check=True, capture_output=True, timeout=60)

    def _create(self, document: dict[str, Any], path: str = "") -> None:
        self._kubectl("create", *(["--raw", path] if path else []), "-f", "-", stdin=json.dumps(document))

    def add(self, pod_name: str) -> None:
        container = {"name": "main", "image": "remotecmd.test/busybox:1", "imagePullPolicy": "Never"}
        spec = {
            "hostNetwork": True, "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False,
            "enableServiceLinks": False, "containers": [container],
        }  # fmt: skip
        metadata = {"name": self.name(pod_name), "labels": {"test": self.suffix}}
        self._create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    def run(self, pod_name: str) -> None:
        """What a scheduler does."""
        name = self.name(pod_name)
        node = {"apiVersion": "v1", "kind": "Node", "name": "127.0.0.1"}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": node}
        self._create(binding, f"/api/v1/namespaces/default/pods/{name}/binding")

    def remove(self, pod_name: str) -> None:
        self._kubectl("delete", "pod", self.name(pod_name), "--wait=true")

    def close(self) -> None:
        self._kubectl("delete", "deployment", self.name("web"))
        self._kubectl("delete", "pods", "-l", self.selector, "--force", "--grace-period=0")


@pytest.fixture(params=["fake", pytest.param("cluster", marks=pytest.mark.cluster)])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    there = RealCluster() if request.param == "cluster" else FakeCluster(tmp_path)
    yield there
    there.close()


def listed(client: Client, cluster: Cluster, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.result("remotecmd/targets", {**cluster.where, **more}, LONG)
    return found


def refused(client: Client, method: str, params: dict[str, Any]) -> dict[str, Any]:
    error = client.error(f"remotecmd/{method}", params, LONG)
    assert error["code"] == -32803, error
    return error


def starting(cluster: Cluster, **target: Any) -> dict[str, Any]:
    definition = {"id": f"cmd-{cluster.suffix}", "cmdLine": "exec sleep 1000"}
    return {"target": {**cluster.where, **target}, "definition": definition, "output": {"follow": False}}


@pytest.mark.covers("remotecmd/targets")
def test_pods_come_page_by_page(second: Client, cluster: Cluster) -> None:
    whole = listed(second, cluster)
    assert (whole["context"], whole["namespace"], whole.get("continue")) == (cluster.where["context"], "default", None)
    pods, token = [], {}
    while True:
        page = listed(second, cluster, limit=2, **token)
        pods += page["pods"]
        if "continue" not in page:
            break
        assert len(page["pods"]) == 2
        token = {"continue": page["continue"]}
    assert pods == whole["pods"]
    app = next(found for found in pods if found["podName"] == "app")
    assert (app["phase"], app["usable"], app["defaultContainer"], "reason" in app) == ("Running", True, "main", False)
    assert [(c["containerName"], c["state"], c["usable"]) for c in app["containers"]] == [
        ("main", "running", True), ("side", "running", True),
    ]  # fmt: skip


def test_what_can_not_be_used_says_why(second: Client, cluster: Cluster) -> None:
    found = next(found for found in listed(second, cluster)["pods"] if found["podName"] == "pending")
    assert (found["usable"], found["phase"]) == (False, "Pending")
    assert found["reason"] and found["reason"] == found["containers"][0]["reason"]


def test_only_pods_with_the_labels_are_listed(second: Client, cluster: Cluster) -> None:
    cluster.add("web")
    assert [found["podName"] for found in listed(second, cluster, selector=cluster.selector)["pods"]] == [
        cluster.name("web")
    ]
    assert listed(second, cluster, selector="test=nosuch")["pods"] == []


def test_contexts_and_namespaces_say_which_is_current(second: Client, cluster: Cluster) -> None:
    found = listed(second, cluster, list="namespaces")["namespaces"]
    assert [entry["name"] for entry in found if entry["current"]] == ["default"]
    where = {key: value for key, value in cluster.where.items() if key != "context"}
    found = second.result("remotecmd/targets", {**where, "list": "contexts"})["contexts"]
    assert [entry["name"] for entry in found if entry["current"]] == ["admin"]
    assert {"name": "nobody", "current": False}.items() <= next(e for e in found if e["name"] == "nobody").items()


@pytest.mark.parametrize("what", ["pods", "namespaces"])
@pytest.mark.covers("forbidden")
def test_what_may_not_be_listed_is_no_empty_list(second: Client, cluster: Cluster, what: str) -> None:
    error = refused(second, "targets", {**cluster.where, "context": "nobody", "list": what})
    assert (error["data"]["kind"], error["data"]["httpStatus"]) == ("forbidden", 403)
    assert f"lacks the verb list on {what}" in error["message"]
    assert "when it is named" in error["data"]["remedy"]


def test_a_namespace_that_is_not_there_is_no_empty_list(second: Client, cluster: Cluster) -> None:
    error = refused(second, "targets", {**cluster.where, "namespace": "nowhere"})
    assert error["data"]["kind"] == "targetNotFound" and '"nowhere"' in error["message"]


def test_a_token_of_no_list_is_told(second: Client, cluster: Cluster) -> None:
    error = refused(second, "targets", {**cluster.where, "continue": "nonsense"})
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("offsetExpired", False)
    assert "without continue" in error["message"]


@pytest.mark.parametrize("field", ["selector", "workload"])
def test_the_one_running_pod_is_found(second: Client, cluster: Cluster, field: str) -> None:
    cluster.add("web")
    cluster.add("later")
    cluster.run("web")
    named = {"selector": cluster.selector} if field == "selector" else {"workload": f"deploy/{cluster.name('web')}"}
    params = {"target": {**cluster.where, **named}, "cmdLine": "echo hello", "waitSeconds": LONG}
    assert second.result("remotecmd/exec", params, LONG)["stdout"] == "hello\n"


@pytest.mark.covers("targetAmbiguous")
def test_several_pods_are_named(second: Client, cluster: Cluster) -> None:
    selector = {"selector": "app in (app, web-5c4b, debian)"}
    error = refused(second, "list", {"target": {**cluster.where, **selector}})
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("targetAmbiguous", False)
    assert "app" in error["data"]["candidates"] and len(error["data"]["candidates"]) == 2
    assert '"app in (app, web-5c4b, debian)"' in error["message"]


def test_no_pod_quotes_the_selector(second: Client, cluster: Cluster) -> None:
    error = refused(second, "list", {"target": {**cluster.where, "selector": "app=apii"}})
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("targetNotFound", False)
    assert '"app=apii"' in error["message"] and "--show-labels" in error["data"]["remedy"]


def test_a_workload_that_is_not_there_is_named(second: Client, cluster: Cluster) -> None:
    error = refused(second, "list", {"target": {**cluster.where, "workload": "sts/nosuch"}})
    assert error["data"]["kind"] == "targetNotFound" and 'No statefulset "nosuch"' in error["message"]


@pytest.mark.covers("$/progress", "remotecmd/start")
def test_a_pod_that_starts_is_waited_for(second: Client, cluster: Cluster) -> None:
    cluster.add("web")
    params = {**starting(cluster, selector=cluster.selector), "waitSeconds": LONG, "workDoneToken": "w"}
    asked = second.send_request("remotecmd/start", params)
    begun = second.notification("$/progress", LONG)
    assert (begun["token"], begun["value"]["kind"]) == ("w", "begin")
    assert cluster.name("web") in begun["value"]["message"]
    cluster.run("web")
    process = second.reply(asked, LONG)["result"]["process"]
    assert process["target"]["podName"] == cluster.name("web")
    told = [message["params"]["value"]["kind"] for message in second.others if message["method"] == "$/progress"]
    assert told[-1] == "end" and set(told[:-1]) <= {"report"}
    where = {"target": params["target"], "id": process["id"]}
    second.result("remotecmd/stop", {**where, "gracePeriodSeconds": 0}, LONG)


def test_the_first_pod_of_a_workload_is_waited_for(second: Client, cluster: Cluster) -> None:
    target = {**cluster.where, "workload": f"deployment/{cluster.name('web')}"}
    asked = second.send_request(
        "remotecmd/exec", {"target": target, "cmdLine": "echo hi", "waitSeconds": LONG, "workDoneToken": 7}
    )
    assert second.notification("$/progress", LONG)["token"] == 7
    cluster.add("web")
    cluster.run("web")
    assert second.reply(asked, LONG)["result"]["stdout"] == "hi\n"


@pytest.mark.covers("targetNotRunning")
def test_waiting_ends(second: Client, cluster: Cluster) -> None:
    cluster.add("web")
    params = {**starting(cluster, selector=cluster.selector), "waitSeconds": 0.2}
    error = refused(second, "start", params)
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("targetNotRunning", True)
    assert cluster.name("web") in error["message"] and error["message"].endswith("It was waited for 0.2 s.")
    assert not second.others, "without a token nothing is told"


def test_waiting_can_be_cancelled(second: Client, cluster: Cluster) -> None:
    cluster.add("web")
    params = {**starting(cluster, selector=cluster.selector), "waitSeconds": 1000, "workDoneToken": "w"}
    asked = second.send_request("remotecmd/start", params)
    second.notification("$/progress", LONG)
    second.notify("$/cancelRequest", {"id": asked})
    assert second.reply(asked)["error"]["code"] == -32800
    assert second.others[-1]["params"]["value"] == {"kind": "end"}


def test_a_command_stays_where_it_is(second: Client, cluster: Cluster) -> None:
    """While the selector matches two pods, and after its own pod went, another one."""
    cluster.add("web")
    cluster.run("web")
    params = {**starting(cluster, selector=cluster.selector), "waitSeconds": LONG}
    process = second.result("remotecmd/start", params, LONG)["process"]
    where = {"target": params["target"], "id": process["id"]}
    cluster.add("other")
    cluster.run("other")
    by_name = {"target": {**cluster.where, "podName": cluster.name("other")}, "cmdLine": "true", "waitSeconds": LONG}
    second.result("remotecmd/exec", by_name, LONG)
    found = second.result("remotecmd/status", where, LONG)["process"]
    assert (found["runId"], found["target"]) == (process["runId"], process["target"])
    assert second.result("remotecmd/start", params, LONG)["created"] is False
    second.result("remotecmd/stop", {**where, "gracePeriodSeconds": 0}, LONG)
    cluster.remove("web")
    reached = cluster.name("web")
    while reached == cluster.name("web"):  # the pod is removed from the API first, then from the node
        reply = second.request("remotecmd/status", where, LONG)
        if "error" in reply:
            assert reply["error"]["data"]["kind"] in {"targetNotFound", "containerNotFound"}, reply
        else:
            reached = reply["result"]["process"]["target"]["podName"]
    assert reached == cluster.name("other")


# -- the fake only: what a real server can't be brought to in a test ---------------------------------------------------


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeCluster]:
    there = FakeCluster(tmp_path)
    yield there
    there.close()


def test_a_list_that_is_too_old_goes_on(second: Client, fake: FakeCluster) -> None:
    first = listed(second, fake, limit=1)
    fake.fake.server.lists_expire = True
    rest = listed(second, fake, **{"continue": first["continue"]})
    assert [found["podName"] for found in first["pods"] + rest["pods"]] == ["app", "pending", "web-5c4b"]


def test_a_list_that_can_not_go_on_begins_again(second: Client, fake: FakeCluster) -> None:
    body = {"kind": "Status", "status": "Failure", "message": "too old", "reason": "Expired", "code": 410}
    fake.fake.server.refusals = [(410, json.dumps(body).encode())]
    error = refused(second, "targets", {**fake.where, "continue": "x"})
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("offsetExpired", True)


def test_five_thousand_pods(second: Client, fake: FakeCluster) -> None:
    fake.fake.server.pods = {("default", f"web-{i:04}"): pod(f"web-{i:04}", uid=f"{i}") for i in range(5000)}
    found, token = [], {}
    while True:
        page = listed(second, fake, **token)
        found += [entry["podName"] for entry in page["pods"]]
        if "continue" not in page:
            break
        token = {"continue": page["continue"]}
    assert found == [f"web-{i:04}" for i in range(5000)]
    assert len([request for request in fake.fake.server.requests if request.path.endswith("/pods")]) == 10
    error = refused(second, "list", {"target": {**fake.where, "selector": "app"}})
    assert len(error["data"]["candidates"]) == 20
    many = {"target": {**fake.where, "selector": "app=web-4321"}, "cmdLine": "echo found"}
    assert second.result("remotecmd/exec", many, LONG)["stdout"] == "found\n"


def test_a_pod_on_its_way_out_is_passed_over(second: Client, fake: FakeCluster) -> None:
    fake.add("old")
    fake.run("old")
    params = {"target": {**fake.where, "selector": fake.selector}, "cmdLine": "echo old"}
    fake.fake.server.pods["default", fake.name("old")]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert second.result("remotecmd/exec", params, LONG)["stdout"] == "old\n"
    entry = listed(second, fake, selector=fake.selector)["pods"][0]
    assert (entry["usable"], entry["reason"]) == (False, "the pod is being deleted")


WORDS = [("statefulsets", "sts"), ("jobs", "job"), ("daemonsets", "ds"), ("replicasets", "rs")]


@pytest.mark.parametrize(("resource", "word"), WORDS)
def test_every_kind_of_workload(second: Client, fake: FakeCluster, resource: str, word: str) -> None:
    fake.fake.server.workloads[resource, "default", "db"] = workload("X", app="app")
    params = {"target": {**fake.where, "workload": f"{word}/db"}, "cmdLine": "echo db"}
    assert second.result("remotecmd/exec", params, LONG)["stdout"] == "db\n"
