"""Judging pods: which container, and why it can't be used."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.api import ResolvedTarget
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes import pods
from tests.fakes.api_server import pod

PLACE = "context prod"
ANNOTATION = {"annotations": {pods.DEFAULT_CONTAINER: "side"}}


def pin(found: Any, wanted: str = "") -> ResolvedTarget:
    return pods.pin(found, wanted, place=PLACE, context="prod", kubeconfig="k")


def refused(found: Any, wanted: str = "") -> RemoteCommandError:
    with pytest.raises(RemoteCommandError) as caught:
        pin(found, wanted)
    return caught.value


def with_state(state: Any, **status: Any) -> dict[str, Any]:
    found = pod("api", namespace="shop", **status)
    if "containerStatuses" not in status:
        found["status"]["containerStatuses"][0]["state"] = state
    return found


def test_first_container_is_the_default() -> None:
    assert pin(pod("api", namespace="shop")) == ResolvedTarget(
        kind="kubernetes",
        context="prod",
        namespace="shop",
        pod_name="api",
        pod_uid="uid-1",
        container_name="main",
        container_id="containerd://uid-1-main",
        kubeconfig="k",
    )


def test_annotation_is_followed_if_it_names_a_container() -> None:
    found = pod("api")
    found["metadata"] |= ANNOTATION
    assert pin(found).container_name == "side"
    assert pin(found, "main").container_name == "main"
    found["metadata"]["annotations"][pods.DEFAULT_CONTAINER] = "gone"
    assert pin(found).container_name == "main"


@pytest.mark.parametrize(
    ("key", "status_key"),
    [("initContainers", "initContainerStatuses"), ("ephemeralContainers", "ephemeralContainerStatuses")],
)
def test_sidecars_and_debug_containers_are_found(key: str, status_key: str) -> None:
    found = pod("api")
    found["spec"][key] = [{"name": "extra"}]
    found["status"][status_key] = [{"name": "extra", "state": {"running": {}}, "containerID": "containerd://x"}]
    assert pin(found, "extra").container_id == "containerd://x"
    assert pin(found).container_name == "main"


def test_missing_container_names_all() -> None:
    found = pod("api", namespace="shop")
    found["spec"]["initContainers"] = [{"name": "init"}]
    error = refused(found, "app")
    assert error.kind is ErrorKind.CONTAINER_NOT_FOUND
    assert error.message == (
        'No container "app" in pod api (namespace shop, context prod); containers there: main, side, init.'
    )


@pytest.mark.parametrize(
    ("found", "words", "retryable"),
    [
        (
            with_state({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m."}}),
            "CrashLoopBackOff (back-off 5m)",
            True,
        ),
        (with_state({"waiting": {"x": 1}}), "waiting", True),
        (
            with_state({"terminated": {"reason": "Completed", "exitCode": 0}}, phase="Succeeded"),
            "Completed, exit code 0",
            False,
        ),
        (with_state({"terminated": {"exitCode": 1}}), "terminated, exit code 1", True),
        (with_state({}), "the pod is Running", True),
        (with_state(None, phase="Failed", reason="Evicted", message="low on disk"), "Evicted (low on disk)", False),
        (with_state(None, phase="", containerStatuses=[]), "the pod is ", True),
        (
            with_state(
                None,
                phase="Pending",
                containerStatuses="odd",
                conditions=[{"type": "Ready"}, {"type": "PodScheduled", "status": "False", "message": "no node fits"}],
            ),
            "the pod is Pending, not scheduled (no node fits)",
            True,
        ),
    ],
)
def test_not_running_says_why(found: dict[str, Any], words: str, retryable: bool) -> None:
    error = refused(found)
    assert (error.kind, error.retryable) == (ErrorKind.TARGET_NOT_RUNNING, retryable)
    assert error.message.startswith("Container main of pod api (namespace shop, context prod) is not running: ")
    assert words in error.message


def test_deletion_is_mentioned_only_when_it_matters() -> None:
    found = pod("api")
    found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert pin(found).container_name == "main"  # it still runs
    found["status"]["containerStatuses"] = []
    assert "being deleted" in refused(found).message


def test_pin_is_checked() -> None:
    found = pod("api")
    target = pin(found)
    pods.check_pin(found, target, place=PLACE)
    restarted = copy.deepcopy(found)
    restarted["status"]["containerStatuses"][0]["containerID"] = "containerd://new"
    replaced = pod("api", uid="new")
    waiting = copy.deepcopy(found)
    waiting["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    over = copy.deepcopy(found)
    over["status"]["phase"] = "Failed"
    deleted = copy.deepcopy(over)
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    deleted["status"]["containerStatuses"] = []
    for other, kind, reason in (
        (waiting, ErrorKind.TARGET_NOT_RUNNING, None),
        (over, ErrorKind.CONTAINER_NOT_FOUND, "containerEnded"),
        (deleted, ErrorKind.TARGET_NOT_RUNNING, None),
        (restarted, ErrorKind.CONTAINER_NOT_FOUND, "containerRestarted"),
        (replaced, ErrorKind.TARGET_NOT_FOUND, "podReplaced"),
    ):
        with pytest.raises(RemoteCommandError) as caught:
            pods.check_pin(other, target, place=PLACE)
        assert (caught.value.kind, caught.value.reason) == (kind, reason)


def test_alike_pods_come_first_and_few() -> None:
    there = [f"zz-{i}" for i in range(20)] + ["api-7d9f"]
    message = pods.no_such_pod("apii-7d9f", there, namespace="shop", place=PLACE).message
    assert message.startswith('No pod "apii-7d9f" in namespace shop (context prod); pods there: api-7d9f, zz-0, ')
    assert message.endswith("zz-6, ….")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda c: (
        st.lists(c, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "spec", "status", "containers", "name", "containerStatuses", "state", "waiting"]
            ),
            c,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), json_values))
def test_no_pod_is_too_odd(found: dict[str, Any]) -> None:
    try:
        pin(found)
    except RemoteCommandError as error:
        assert error.kind in (ErrorKind.CONTAINER_NOT_FOUND, ErrorKind.TARGET_NOT_RUNNING)
