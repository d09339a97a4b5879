"""Kubeconfigs as kubectl reads them: merging, paths, and what is said of a bad one."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes.kubeconfig import config_paths, load_access

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.transports.kubernetes.access import Access

IN_CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def config(**parts: Any) -> dict[str, Any]:
    """A kubeconfig with one context, `dev`; `cluster`, `user`, `context` add to its entries."""
    return {
        "current-context": "dev",
        "clusters": [{"name": "c", "cluster": {"server": "https://api:6443/", **parts.get("cluster", {})}}],
        "users": [{"name": "u", "user": parts.get("user", {})}],
        "contexts": [{"name": "dev", "context": {"cluster": "c", "user": "u", **parts.get("context", {})}}],
    }


def write(directory: Path, document: Any, name: str = "config") -> Path:
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return path


def load(directory: Path, document: Any, context: str = "") -> Access:
    access = load_access(str(write(directory, document)), context, {})
    assert access is not None
    return access


def refused(directory: Path, document: Any, context: str = "") -> str:
    with pytest.raises(RemoteCommandError) as caught:
        load(directory, document, context)
    assert caught.value.kind is ErrorKind.KUBECONFIG_INVALID
    assert "hidden" not in caught.value.message
    return caught.value.message


def test_plain_context(tmp_path: Path) -> None:
    access = load(tmp_path, config(context={"namespace": "shop"}, user={"token": "t"}))
    assert (access.context, access.namespace, access.server) == ("dev", "shop", "https://api:6443")
    assert (access.user.name, access.user.token, access.verify_tls) == ("u", "t", True)
    assert access.place == "context dev"


def test_namespace_is_default_without_one(tmp_path: Path) -> None:
    assert load(tmp_path, config()).namespace == "default"


def test_secrets_are_in_no_repr(tmp_path: Path) -> None:
    plugin = {"command": "x", "args": ["hidden"], "env": [{"name": "A", "value": "hidden"}]}
    user = {"token": "hidden", "username": "hidden", "password": "hidden", "exec": plugin}
    user["client-key-data"] = base64.b64encode(b"hidden").decode()
    assert "hidden" not in repr(load(tmp_path, config(user=user)))


def test_paths_are_relative_to_their_file(tmp_path: Path) -> None:
    user = {"client-certificate": "c.pem", "client-key": "/abs/k.pem", "tokenFile": "token"}
    user |= {"exec": {"command": "./plugin", "apiVersion": "v"}}  # type: ignore[dict-item]
    access = load(tmp_path, config(cluster={"certificate-authority": "ca.pem"}, user=user))
    assert access.authority is not None and access.authority.file == str(tmp_path / "ca.pem")
    assert access.user.certificate is not None and access.user.certificate.file == str(tmp_path / "c.pem")
    assert access.user.key is not None and access.user.key.file == "/abs/k.pem"
    assert access.user.token_file == str(tmp_path / "token")
    assert access.user.plugin is not None and access.user.plugin.command == str(tmp_path / "plugin")


def test_a_bare_plugin_name_is_left_to_path(tmp_path: Path) -> None:
    access = load(tmp_path, config(user={"exec": {"command": "plugin"}}))
    assert access.user.plugin is not None and access.user.plugin.command == "plugin"


def test_data_wins_over_file(tmp_path: Path) -> None:
    data = base64.b64encode(b"PEM").decode()
    access = load(tmp_path, config(cluster={"certificate-authority-data": data, "certificate-authority": "x"}))
    assert access.authority is not None and (access.authority.data, access.authority.file) == (b"PEM", "")


def test_everything_else_of_a_cluster(tmp_path: Path) -> None:
    cluster = {"insecure-skip-tls-verify": True, "tls-server-name": "api.test", "proxy-url": "http://p:1"}
    access = load(tmp_path, config(cluster=cluster))
    assert (access.verify_tls, access.tls_server_name, access.proxy_url) == (False, "api.test", "http://p:1")


def test_impersonation(tmp_path: Path) -> None:
    user = {"as": "jane", "as-uid": "7", "as-groups": ["a", "b"], "as-user-extra": {"Scopes/x": ["v", "w"], "é": "z"}}
    assert load(tmp_path, config(user=user)).user.impersonation == (
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-Scopes%2Fx", "v"),
        ("Impersonate-Extra-Scopes%2Fx", "w"),
        ("Impersonate-Extra-%C3%A9", "z"),
    )


def test_oidc_shows_its_id_token(tmp_path: Path) -> None:
    user = {"auth-provider": {"name": "oidc", "config": {"id-token": "jwt"}}}
    assert load(tmp_path, config(user=user)).user.token == "jwt"


@pytest.mark.parametrize(
    ("cluster", "server"),
    [
        ({"server": "api:6443"}, "http://api:6443"),
        ({"server": "api:6443", "certificate-authority-data": "UEVN"}, "https://api:6443"),
        ({"server": "https://host/k8s/clusters/c-1/"}, "https://host/k8s/clusters/c-1"),
    ],
)
def test_server_addresses(tmp_path: Path, cluster: dict[str, str], server: str) -> None:
    assert load(tmp_path, config(cluster=cluster)).server == server


def test_first_file_wins_and_entries_are_not_mixed(tmp_path: Path) -> None:
    one = write(tmp_path, {"users": [{"name": "u", "user": {"token": "first"}}], "current-context": ""}, "one")
    two = write(tmp_path, config(user={"token": "second", "as": "jane"}), "two")
    three = write(tmp_path, config() | {"current-context": "other"}, "three")
    listed = os.pathsep.join(map(str, (one, tmp_path / "missing", two, "", three, one)))
    access = load_access("", "", {"KUBECONFIG": listed})
    assert access is not None
    assert (access.context, access.user.token, access.user.impersonation) == ("dev", "first", ())


def test_config_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert [str(p) for p in config_paths("~/x", {"KUBECONFIG": "/a"})] == ["/home/me/x"]
    assert [str(p) for p in config_paths("", {"KUBECONFIG": os.pathsep.join(["/a", "~/b"])})] == ["/a", "/home/me/b"]
    assert [str(p) for p in config_paths("", {"KUBECONFIG": ""})] == ["/home/me/.kube/config"]


def test_in_cluster_needs_the_absence_of_everything_else(tmp_path: Path) -> None:
    missing = {"KUBECONFIG": str(tmp_path / "none")}
    empty = {"KUBECONFIG": str(write(tmp_path, "", "empty"))}
    assert load_access("", "", missing | IN_CLUSTER) is None
    assert load_access("", "", empty | IN_CLUSTER) is None
    for context, environ in (("dev", missing | IN_CLUSTER), ("", missing), ("", empty)):
        with pytest.raises(RemoteCommandError):
            load_access("", context, environ)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "no current context"),
        ("- 1", "must hold a mapping"),
        ("a: [hidden", "not valid YAML, line"),
        ("a: \x01hidden", "not valid YAML"),
        ({"contexts": {"a": 1}}, "contexts must be a list"),
        ({"contexts": [{"context": {}}]}, "has no name"),
        ({"contexts": ["x"]}, "has no name"),
        ({"users": [{"name": "u"}, {"name": "u"}]}, "two entries named u"),
        ({"users": [{"name": "u", "user": "hidden"}]}, "user u must be a mapping"),
        (config(user={"token": 12345}), "token of user u must be text"),
        (config(cluster={"server": ""}), "has no server address"),
        (config(cluster={"server": "ftp://x"}), "must begin with https://"),
        (config(cluster={"insecure-skip-tls-verify": "yes please"}), "must be true or false"),
        (config(cluster={"certificate-authority-data": "x"}), "not base64"),
        (config(context={"cluster": "gone"}), "names cluster 'gone'"),
        (config(context={"user": "gone"}), "names user 'gone'"),
        (config(user={"exec": {"args": []}}), "has no command"),
        (config(user={"exec": {"command": "x", "args": "y"}}), "args of exec of user u must be a list"),
        (config(user={"exec": {"command": "x", "args": [1]}}), "must be texts"),
        (config(user={"exec": {"command": "x", "env": ["hidden"]}}), "list of name and value"),
        (config(user={"exec": "x"}), "must be a mapping"),
        (config(user={"as": "a\nb"}), "line break"),
        (config(user={"auth-provider": {"name": "gcp"}}), "kubectl 1.26 removed"),
        ({"contexts": [], "current-context": "x"}, "it has no contexts"),
    ],
)
def test_a_bad_one_says_what_is_wrong(tmp_path: Path, document: Any, words: str) -> None:
    assert words in refused(tmp_path, document)


def test_context_without_user_is_anonymous(tmp_path: Path) -> None:
    document = config()
    del document["contexts"][0]["context"]["user"]
    assert load(tmp_path, document).user.name == ""


def test_many_contexts_are_not_all_listed(tmp_path: Path) -> None:
    document = config()
    document["contexts"] += [{"name": f"ctx-{i}", "context": {}} for i in range(20)]
    message = refused(tmp_path, document, context="nope")
    assert "dev, ctx-0" in message and "ctx-19" not in message and "…" in message


def test_unreadable_files(tmp_path: Path) -> None:
    assert "can't be read" in _file_refused(tmp_path)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in _file_refused(binary)
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate((16 << 20) + 1)
    assert "larger than" in _file_refused(huge)


def _file_refused(path: Path) -> str:
    with pytest.raises(RemoteCommandError) as caught:
        load_access(str(path), "", {})
    return caught.value.message
