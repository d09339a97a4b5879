from __future__ import annotations

import pytest

from rpc_cli import targets
from rpc_cli.targets import Options, TargetError
from rpc_client import wire


def kubernetes(**fields: str) -> dict[str, str]:
    return {"kind": "kubernetes", **fields}


READ = {
    "local": {"kind": "local"},
    "k8s:api": kubernetes(podName="api"),
    "kubernetes:api": kubernetes(podName="api"),
    "k8s:shop/api": kubernetes(namespace="shop", podName="api"),
    "k8s:shop/api/app": kubernetes(namespace="shop", podName="api", containerName="app"),
    "k8s:prod/shop/api/app": kubernetes(context="prod", namespace="shop", podName="api", containerName="app"),
    "k8s:pod/api": kubernetes(podName="api"),
    "k8s:po/api/app": kubernetes(podName="api", containerName="app"),
    "k8s:shop/pods/api": kubernetes(namespace="shop", podName="api"),
    "k8s:deploy/web": kubernetes(workload="deployment/web"),
    "k8s:sts/db/main": kubernetes(workload="statefulset/db", containerName="main"),
    "k8s:shop/deploy/web": kubernetes(namespace="shop", workload="deployment/web"),
    "k8s:shop/deploy/web/app": kubernetes(namespace="shop", workload="deployment/web", containerName="app"),
    "k8s:prod/shop/deploy/web": kubernetes(context="prod", namespace="shop", workload="deployment/web"),
    "k8s:deploy": kubernetes(podName="deploy"),
    "docker:db": {"kind": "docker", "container": "db"},
    "podman:db": {"kind": "podman", "container": "db"},
}

REFUSED = {
    "": "is no target",
    "api": 'did you mean "k8s:api"?',
    "shop/api": 'did you mean "k8s:shop/api"?',
    "ssh:host": '"ssh:host" is no target: Targets are local, k8s:POD',
    "docker:": "is no target",
    "k8s:": "has an empty part",
    "k8s:shop//app": "has an empty part",
    "k8s:/api": "has an empty part",
    "k8s:a/b/c/d/e": "too many parts; a context with slashes goes in --context",
    "k8s:deploy/web/app/x": "after deploy/web only a container can come",
    "local:": "is no target",
}


@pytest.mark.parametrize("text", READ)
def test_a_target_is_read(text: str) -> None:
    assert wire.to_json(targets.parse(text)) == READ[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_target_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        targets.parse(text)
    assert REFUSED[text] in str(caught.value)


def test_options_give_what_the_path_leaves_out() -> None:
    options = Options(context="arn:aws:eks/prod", namespace="shop", container="app", kubeconfig="/k")
    expected = kubernetes(
        podName="api", context="arn:aws:eks/prod", namespace="shop", containerName="app", kubeconfig="/k"
    )
    assert wire.to_json(targets.parse("k8s:api", options)) == expected


@pytest.mark.parametrize("options", [Options(namespace="x"), Options(namespace="shop")], ids=["other", "same"])
def test_a_thing_is_said_once(options: Options) -> None:
    with pytest.raises(TargetError, match="the namespace is given twice"):
        targets.parse("k8s:shop/api", options)


def test_options_of_kubernetes_are_refused_elsewhere() -> None:
    with pytest.raises(TargetError, match="for k8s: targets"):
        targets.parse("local", Options(namespace="shop"))


@pytest.mark.parametrize(
    "text, halves",
    {
        "web@local": ("web", "local"),
        "web": ("web", None),
        "web@k8s:user@cluster/shop/api/app": ("web", "k8s:user@cluster/shop/api/app"),
    }.items(),
)
def test_an_address_is_split_at_its_first_at(text: str, halves: tuple[str, str | None]) -> None:
    assert targets.split_address(text) == halves


@pytest.mark.parametrize("text", ["@local", "local", "k8s:shop/api", "", "web@"])
def test_an_address_needs_both_halves(text: str) -> None:
    with pytest.raises(TargetError, match="names no"):
        targets.split_address(text)


@pytest.mark.parametrize("text", ["local", "k8s:api", "k8s:shop/api", "k8s:shop/api/app", "docker:db"])
def test_a_target_is_described_as_it_was_written(text: str) -> None:
    assert targets.describe(targets.parse(text)) == text


@pytest.mark.parametrize("text", ["k8s:", "kubernetes:"])
def test_a_selector_stands_for_the_pod(text: str) -> None:
    found = targets.parse(text, Options(selector="app in (a, b)", namespace="shop"))
    assert wire.to_json(found) == kubernetes(selector="app in (a, b)", namespace="shop")
    assert targets.describe(found) == "k8s: -l 'app in (a, b)' -n shop"


def test_a_pod_is_named_once() -> None:
    with pytest.raises(TargetError, match='the pod is given twice: in "k8s:api" and by --selector'):
        targets.parse("k8s:api", Options(selector="app=web"))


def test_a_workload_is_described_by_its_kind() -> None:
    assert targets.describe(targets.parse("k8s:shop/deploy/web")) == "k8s:shop/deployment/web"
