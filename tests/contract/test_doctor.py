"""What doctor tells over every transport, and what it says of rights: fake and real API server alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handlers.doctor.visit import TOLD
from tests.contract.conftest import CASES, FakeInThread
from tests.contract.place import LONG, Place
from tests.fakes.api_server import V4, V5, pod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.rpc.client import Client

CHECKS = [
    "target", "permissions", "webSocket", "roundTrip", "clock", "shell", "tools", "proc", "storage", "rootFilesystem",
    "user", "memory", "processes", "reaping", "costs", "mode",
]  # fmt: skip
ALSO_ON_V4 = True


def examine(client: Client, target: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The result, and its findings by what they are about."""
    result = client.result("remotecmd/doctor", {"target": target}, LONG)
    return result, {finding["check"]: finding for finding in result["findings"]}


@pytest.mark.covers("remotecmd/doctor")
def test_a_place_where_commands_run_is_supervised(place: Place) -> None:
    result, findings = examine(place.client, place.target)
    is_local = place.target["kind"] == "local"
    expected = [check for check in CHECKS if not (is_local and check in {"permissions", "webSocket"})]
    assert [finding["check"] for finding in result["findings"]] == expected
    assert result["mode"] == "supervised"
    assert result["target"]["kind"] == place.target["kind"]
    assert {finding["level"] for finding in result["findings"]} <= {"ok", "info", "warning"}
    assert "kubeconfig" not in result["target"]
    if not is_local:
        assert findings["permissions"]["level"] == "ok"
        assert ".channel.k8s.io" in findings["webSocket"]["detail"]


def test_what_doctor_makes_does_not_stay(place: Place) -> None:
    examine(place.client, place.target)
    assert place.exec("echo /tmp/.remotecmd-probe-*")["stdout"] == "/tmp/.remotecmd-probe-*\n"


@pytest.mark.parametrize("target", [case for case in CASES if case != "local"], indirect=True)
def test_no_such_target_is_an_error(place: Place) -> None:
    error = place.client.error("remotecmd/doctor", {"target": {**place.target, "podName": "nosuch"}}, LONG)
    assert error["data"]["kind"] == "targetNotFound"


# ---------------------------------------------------------------- rights, at a fake API server


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeInThread]:
    there = FakeInThread((V5, V4), tmp_path)
    yield there
    there.close()


def at(fake: FakeInThread, **more: Any) -> dict[str, Any]:
    given = {"podName": "app", **more}
    return {"kind": "kubernetes", "kubeconfig": fake.kubeconfig, **{k: v for k, v in given.items() if v is not None}}


def permit(fake: FakeInThread, *permissions: str) -> None:
    fake.server.tokens["view-token"] = ("viewer", frozenset(permissions))


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [
        (["get pods", "list pods"], ["get", "create"]),
        (["get pods", "list pods", "get pods/exec"], ["create"]),
        (["get pods", "list pods", "create pods/exec"], ["get"]),
    ],
)
def test_missing_verbs_are_named_with_the_rule(
    second: Client, fake: FakeInThread, permissions: list[str], missing: list[str]
) -> None:
    permit(fake, *permissions)
    result, findings = examine(second, at(fake, context="view"))
    assert (result["mode"], findings["permissions"]["level"]) == ("refused", "error")
    verbs = ", ".join(missing)
    assert f'- {{apiGroups: [""], resources: [pods/exec], verbs: [{verbs}]}}' in findings["permissions"]["remedy"]
    assert findings["mode"]["detail"].endswith("because of permissions.")
    assert result["target"]["podName"] == "app"


def test_who_may_do_nothing_gets_the_whole_rule_and_no_target(second: Client, fake: FakeInThread) -> None:
    permit(fake)
    result, findings = examine(second, at(fake, podName=None, workload="deployment/app", context="view"))
    assert "target" not in result
    assert findings["permissions"]["remedy"].splitlines()[1:] == [
        "rules:",
        '- {apiGroups: [""], resources: [pods], verbs: [get, list]}',
        '- {apiGroups: [""], resources: [pods/exec], verbs: [get, create]}',
        '- {apiGroups: ["apps"], resources: [deployments], verbs: [get]}',
    ]


def test_what_is_reviewed_are_rights_to_that_pod(second: Client, fake: FakeInThread) -> None:
    examine(second, at(fake, namespace="default"))
    where = {"namespace": "default", "resource": "pods"}
    asked = sorted(fake.server.reviews, key=lambda review: (review.get("subresource", ""), review["verb"]))
    assert asked == [
        {**where, "verb": "get", "name": "app"},
        {**where, "verb": "list"},
        {**where, "verb": "create", "subresource": "exec", "name": "app"},
        {**where, "verb": "get", "subresource": "exec", "name": "app"},
    ]


def test_an_exec_without_create_is_a_warning(second: Client, fake: FakeInThread) -> None:
    fake.server.execs_without_create = True
    permit(fake, "get pods", "list pods", "get pods/exec")
    result, findings = examine(second, at(fake, context="view"))
    assert (result["mode"], findings["permissions"]["level"]) == ("supervised", "warning")


def test_who_may_not_list_is_told_what_that_costs(second: Client, fake: FakeInThread) -> None:
    permit(fake, "get pods", "get pods/exec", "create pods/exec")
    result, findings = examine(second, at(fake, context="view"))
    assert (result["mode"], findings["permissions"]["level"]) == ("supervised", "info")


def test_an_api_server_without_reviews_is_looked_at_all_the_same(second: Client, fake: FakeInThread) -> None:
    fake.server.has_reviews = False
    result, findings = examine(second, at(fake))
    assert (result["mode"], findings["permissions"]["level"]) == ("supervised", "info")
    permit(fake, "get pods")
    result, findings = examine(second, at(fake, context="view"))
    assert (result["mode"], findings["permissions"]["level"]) == ("refused", "error")
    assert "viewer" in findings["permissions"]["detail"]


def test_a_container_that_does_not_run_is_a_finding(second: Client, fake: FakeInThread) -> None:
    waiting = [{"name": "main", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    fake.server.pods["default", "app"] = pod("app", containerStatuses=waiting)
    result, findings = examine(second, at(fake))
    assert (result["mode"], findings["target"]["level"]) == ("refused", "error")
    assert "CrashLoopBackOff" in findings["target"]["detail"]
    assert findings["target"]["remedy"]
    assert "shell" not in findings


def test_credentials_that_nobody_knows_are_an_error(second: Client, fake: FakeInThread) -> None:
    assert "unauthorized" not in {kind.value for kind in TOLD}
    error = second.error("remotecmd/doctor", {"target": at(fake, context="nobody")}, LONG)
    assert error["data"]["kind"] == "unauthorized"


def test_nothing_of_the_probe_is_in_a_url(second: Client, fake: FakeInThread) -> None:
    examine(second, at(fake))
    [url] = fake.server.exec_urls
    assert "probe" not in url
    assert len(url) < 300
