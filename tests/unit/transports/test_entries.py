"""Pods as a picker shows them, and which of several is meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes import decoded, entries, paths
from handlers.transports.kubernetes.choice import Choice, selector_of
from tests.fakes.api_server import pod
from tests.unit.transports.test_pods import json_values

DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def with_state(state: Any, **status: Any) -> dict[str, Any]:
    found = pod("api", **status)
    found["status"]["containerStatuses"][0]["state"] = state
    return found


def test_a_pod_that_can_be_used() -> None:
    found = pod("api", conditions=[{"type": "Ready", "status": "True"}])
    found["metadata"]["creationTimestamp"] = "2026-01-01T00:00:01Z"
    found["status"]["containerStatuses"][0]["ready"] = True
    entry = entries.pod(found)
    assert (entry.name, entry.phase, entry.is_ready, entry.reason) == ("api", "Running", True, "")
    assert (entry.created_at, entry.default_container) == (1_767_225_601_000, "main")
    assert [(c.name, c.state, c.is_ready, c.reason, c.role) for c in entry.containers] == [
        ("main", "running", True, "", ""),
        ("side", "running", False, "", ""),
    ]


@pytest.mark.parametrize(
    ("found", "state", "reason"),
    [
        (with_state({"waiting": {"reason": "ErrImagePull", "message": "no."}}), "waiting", "ErrImagePull (no)"),
        (with_state({"waiting": {"reason": "CrashLoopBackOff"}}), "waiting", "CrashLoopBackOff"),
        (with_state({"terminated": {"reason": "OOMKilled", "exitCode": 9}}), "terminated", "OOMKilled, exit code 9"),
        (pod("api", phase="Pending", containerStatuses=[]), "waiting", "the pod is Pending"),
        (with_state({}, phase=""), "waiting", "it does not run"),
    ],
)  # fmt: skip
def test_why_a_pod_can_not_be_used(found: dict[str, Any], state: str, reason: str) -> None:
    entry = entries.pod(found)
    assert (entry.containers[0].state, entry.containers[0].reason, entry.reason) == (state, reason, reason)


def test_other_containers_follow_and_what_is_done_is_left_out() -> None:
    found = pod("api")
    found["spec"] |= {
        "initContainers": [{"name": "done"}, {"name": "mesh", "restartPolicy": "Always"}, {"name": "migrate"}],
        "ephemeralContainers": [{"name": "debugger"}],
    }
    running = {"running": {}}
    found["status"] |= {
        "initContainerStatuses": [
            {"name": "done", "state": {"terminated": {"exitCode": 0}}},
            {"name": "mesh", "state": running},
            {"name": "migrate", "state": running},
        ],
        "ephemeralContainerStatuses": [{"name": "debugger", "state": running}],
    }
    assert [(entry.name, entry.role) for entry in entries.pod(found).containers] == [
        ("main", ""), ("side", ""), ("mesh", "sidecar"), ("migrate", "init"), ("debugger", "ephemeral"),
    ]  # fmt: skip


def test_a_pod_without_containers() -> None:
    assert entries.pod({}).reason == "it has no containers"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_time(text: str) -> None:
    assert entries.milliseconds(text) is None


def test_namespaces_and_the_way_on() -> None:
    listing = {"metadata": {"continue": "next"}, "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}
    assert [(entry.name, entry.is_current) for entry in entries.namespaces(listing, "b")] == [("a", False), ("b", True)]
    assert entries.continue_token(listing) == "next"
    assert entries.continue_token({}) == ""


@given(json_values)
def test_no_list_is_too_odd(items: Any) -> None:
    for entry in entries.pods({"items": items}):
        assert entry.default_container or entry.reason


def test_names_of_an_odd_list() -> None:
    assert decoded.names({"items": [{"metadata": {"name": "a"}}, {}, "x", {"metadata": {"name": 7}}]}) == ["a"]
    assert decoded.names({}) == []


# -- which is meant ----------------------------------------------------------------------------------------------------


def choose(*found: dict[str, Any], wanted: str = "", may_come: bool = False) -> Any:
    """The name of the pod that is chosen, or the error."""
    choice = Choice(wanted, "the selector", where="namespace shop", place="context prod", context="prod", kubeconfig="")
    choice.take({"items": list(found)})
    assert choice.is_ambiguous == (len(found) > 1 and found[-1]["metadata"]["name"] == "last of many")
    try:
        return choice.made(may_come=may_come).pod_name
    except RemoteCommandError as error:
        return error


def deleted(name: str) -> dict[str, Any]:
    found = pod(name)
    found["metadata"] |= DELETED
    return found


ENDED, STARTING = pod("ended", phase="Succeeded"), pod("starting", phase="Pending", containerStatuses=[])


def test_the_one_that_runs_is_meant() -> None:
    assert choose(ENDED, STARTING, pod("a")) == "a"
    assert choose(deleted("old"), pod("new")) == "new"
    assert choose(deleted("old")) == "old"


@pytest.mark.parametrize("may_come", [False, True])
def test_none_is_told(may_come: bool) -> None:
    error = choose(ENDED, may_come=may_come)
    assert (error.kind, error.retryable) == (ErrorKind.TARGET_NOT_FOUND, may_come)


def test_one_that_starts_is_told_before_one_that_leaves() -> None:
    error = choose(deleted("old"), STARTING)
    assert (error.kind, error.retryable) == (ErrorKind.TARGET_NOT_RUNNING, True)
    assert "pod starting" in error.message


def test_many_are_told_up_to_a_number() -> None:
    error = choose(*(pod(f"a-{i}") for i in range(30)), pod("last of many"))
    assert error.kind is ErrorKind.TARGET_AMBIGUOUS
    assert error.candidates == tuple(f"a-{i}" for i in range(20))
    assert error.message.startswith("31 running pods in namespace shop match the selector: a-0, a-1, ")


def test_a_container_that_none_has_is_told() -> None:
    error = choose(pod("a"), wanted="nosuch")
    assert error.kind is ErrorKind.CONTAINER_NOT_FOUND


def test_the_selector_of_a_workload() -> None:
    expressions = [
        {"key": "env", "operator": "In", "values": ["dev", "test"]},
        {"key": "tier", "operator": "NotIn", "values": ["db"]},
        {"key": "app", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    found = {"spec": {"selector": {"matchLabels": {"a": "b"}, "matchExpressions": expressions}}}
    assert selector_of(found) == "a=b,env in (dev,test),tier notin (db),app,!old"
    assert selector_of({"spec": {"selector": {}}}) == ""


def test_names_lead_nowhere_else() -> None:
    assert paths.pod("a/b", "..?") == "/api/v1/namespaces/a%2Fb/pods/..%3F"
    assert paths.workload("job", "a", "b") == "/apis/batch/v1/namespaces/a/jobs/b"
