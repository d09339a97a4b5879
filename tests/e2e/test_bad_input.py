"""What can be wrong with a request, on a real cluster: one error of the right kind that says what is wrong and where,
nothing left running in any pod, and a server that still answers."""

from __future__ import annotations

import secrets
import socket
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.e2e.conftest import BASE, LONG, Scene
from tests.e2e.container import Container, Process, eventually
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(180)]

WITH_SHELL = [
    ("annotated", "first"), ("annotated", "second"), ("app", "main"), ("app", "side"), ("debian", "main"),
    ("limited", "main"), ("nonroot", "main"), ("readonly", "main"), ("readonly", "shm"),
]  # fmt: skip
PODS = ["annotated", "app", "debian", "limited", "nonroot", "noshell", "pending", "readonly"]
CONTEXTS = ["admin", "viewer", "nobody", "getonly", "createonly", "badtoken"]
MAX_ARGUMENT = 131_071


@pytest.fixture(scope="module")
def quiet(kubeconfig: Path) -> Iterator[None]:
    """Once the server is gone, every container has the processes that it had before."""
    containers = [Container(kubeconfig, *names) for names in WITH_SHELL]
    before = {str(container): container.processes() for container in containers}

    def new() -> dict[str, set[Process]]:
        found = {str(container): container.processes() - before[str(container)] for container in containers}
        return {name: processes for name, processes in found.items() if processes}

    yield
    assert eventually(new, lambda found: not found) == {}


@pytest.fixture(scope="module")
def server(quiet: None) -> Iterator[Client]:
    with Client() as client:
        yield client


@pytest.fixture
def client(server: Client) -> Iterator[Client]:
    """The server that all of these share; it answers after each of them."""
    server.others.clear()
    yield server
    assert server.error("nope")["code"] == -32601
    assert server.process.poll() is None


@pytest.fixture
def fresh() -> Iterator[Client]:
    """A server that has no channel anywhere."""
    with Client() as client:
        yield client


def requests(target: dict[str, Any], id: str) -> dict[str, dict[str, Any]]:
    """One request of each method that takes a target."""
    return {
        "remotecmd/start": {"target": target, "definition": {"id": id, "cmdLine": f"sleep 1000; : {id}"}},
        "remotecmd/exec": {"target": target, "cmdLine": f"sleep 1000; : {id}"},
        "remotecmd/status": {"target": target, "id": id},
        "remotecmd/stop": {"target": target, "id": id},
        "remotecmd/attach": {"target": target, "id": id},
    }


def check_refused(
    client: Client, scene: Scene, target: dict[str, Any], kind: str, words: list[str], **data: Any
) -> None:
    """Every method is refused in the same way; `words` are in the message or the remedy."""
    for method, params in requests(target, scene.id()).items():
        error = client.error(method, params, LONG)
        assert (error["code"], error["data"]["kind"]) == (-32803, kind), (method, error)
        assert {key: error["data"].get(key) for key in data} == data, (method, error)
        said = f"{error['message']} {error['data'].get('remedy', '')}"
        assert [word for word in words if word not in said] == [], (method, said)


@pytest.mark.parametrize(
    ("changes", "kind", "words", "data"),
    [
        pytest.param(
            {"podName": "nix"}, "targetNotFound", ['"nix"', "namespace default", "context admin", *PODS],
            {"httpStatus": 404, "retryable": False}, id="pod",
        ),
        pytest.param(
            {"containerName": "nix"}, "containerNotFound", ['"nix"', "pod app", "main, side"], {"retryable": False},
            id="container",
        ),
        pytest.param(
            {"context": "nix"}, "kubeconfigInvalid", ["context nix", ", ".join(CONTEXTS)], {"retryable": False},
            id="context",
        ),
        pytest.param(
            {"namespace": "nix"}, "targetNotFound", ['namespace "nix"', "context admin", "target.namespace"],
            {"httpStatus": 404, "retryable": False}, id="namespace",
        ),
        pytest.param(
            {"podName": "pending"}, "targetNotRunning",
            ["Container main", "pod pending", "is not running", "ErrImageNeverPull"], {"retryable": True}, id="pending",
        ),
        pytest.param(
            {"context": "badtoken"}, "unauthorized", ["context badtoken", "user badtoken", "Log in"],
            {"httpStatus": 401, "retryable": False}, id="unauthorized",
        ),
        pytest.param(
            {"podName": "noshell"}, "shellMissing", ['"main"', "noshell", "/bin/sh", "image"], {"retryable": False},
            id="no shell",
        ),
        pytest.param(
            {"podName": "readonly", "containerName": "main"}, "storageUnavailable",
            ["main", "readonly", "written", "pidDirectory"], {"retryable": False}, id="nothing can be written",
        ),
    ],
)  # fmt: skip
@pytest.mark.covers("{kind}")
def test_a_target_that_can_not_be_used_is_refused(
    client: Client, scene: Scene, changes: dict[str, str], kind: str, words: list[str], data: dict[str, Any]
) -> None:
    check_refused(client, scene, {**scene.target("app"), **changes}, kind, words, **data)


@pytest.mark.parametrize(
    ("context", "verb", "resource"),
    [("viewer", "get", "pods/exec"), ("createonly", "get", "pods/exec"), ("nobody", "get", "pods")],
)
@pytest.mark.covers("forbidden")
def test_what_rbac_forbids_is_named(fresh: Client, scene: Scene, context: str, verb: str, resource: str) -> None:
    words = [f'"{context}"', f"verb {verb} on {resource} ", "namespace default", "Ask for a role", f"[{verb}"]
    target = scene.target("app", context=context)
    check_refused(fresh, scene, target, "forbidden", words, httpStatus=403, retryable=False)


@pytest.mark.parametrize("context", ["viewer", "createonly"])
def test_a_context_that_may_not_exec_does_not_use_the_channel_of_one_that_may(
    client: Client, scene: Scene, context: str
) -> None:
    scene.container("app")
    allowed = client.result("remotecmd/exec", {"target": scene.target("app"), "cmdLine": "echo in"}, LONG)
    assert allowed["stdout"] == "in\n"
    target = scene.target("app", context=context)
    check_refused(client, scene, target, "forbidden", ["pods/exec"], httpStatus=403)


@pytest.mark.covers("unreachable")
def test_an_api_server_that_is_not_there_is_unreachable(client: Client, scene: Scene, tmp_path: Path) -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else can come to listen there
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        config = yaml.safe_load(scene.kubeconfig.read_text())
        for cluster in config["clusters"]:
            cluster["cluster"]["server"] = f"https://{address}"
        own = tmp_path / "kubeconfig"
        own.write_text(yaml.safe_dump(config))
        words = [address, "context admin", "connection refused"]
        target = scene.target("app", kubeconfig=str(own))
        check_refused(client, scene, target, "unreachable", words, retryable=True)


def test_an_api_server_of_another_authority_is_not_trusted(client: Client, scene: Scene, tmp_path: Path) -> None:
    config = yaml.safe_load(scene.kubeconfig.read_text())
    for cluster in config["clusters"]:
        cluster["cluster"].pop("certificate-authority-data", None)
        cluster["cluster"].pop("certificate-authority", None)
    own = tmp_path / "kubeconfig"
    own.write_text(yaml.safe_dump(config))
    words = ["context admin", "certificate", "certificate-authority"]
    check_refused(client, scene, scene.target("app", kubeconfig=str(own)), "unreachable", words, retryable=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("users:\n- name: x\n  token: {secret\n", ["not valid YAML", "line 4"], id="no YAML"),
        pytest.param("- secret\n", ["mapping"], id="a list"),
        pytest.param("", ["no current context", "no contexts"], id="empty"),
        pytest.param(
            "current-context: c\ncontexts: [{name: c, context: {cluster: gone}}]\n",
            ["context c", "gone"],
            id="dangling",
        ),
    ],
)
def test_a_kubeconfig_that_is_wrong_is_named_and_not_quoted(
    client: Client, scene: Scene, tmp_path: Path, text: str, words: list[str]
) -> None:
    path = tmp_path / "broken"
    path.write_text(text)
    target = scene.target("app", kubeconfig=str(path))
    check_refused(client, scene, target, "kubeconfigInvalid", words, retryable=False)
    assert "secret" not in str(client.error("remotecmd/status", {"target": target}))


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_kubeconfig_that_can_not_be_read_is_named(client: Client, scene: Scene, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    check_refused(client, scene, scene.target("app", kubeconfig=str(path)), "kubeconfigInvalid", [str(path)])


@pytest.mark.covers("targetAmbiguous")
def test_a_selector_that_many_pods_have_names_them(client: Client, scene: Scene) -> None:
    target = {"kind": "kubernetes", "selector": "suite=remotecmd", "kubeconfig": str(scene.kubeconfig)}
    check_refused(client, scene, target, "targetAmbiguous", ["suite=remotecmd", "annotated, app"], retryable=False)


@pytest.mark.parametrize("field, value", [("selector", "app=nosuch"), ("workload", "deploy/nosuch")])
def test_a_selector_or_workload_without_pods_is_quoted(client: Client, scene: Scene, field: str, value: str) -> None:
    target = {"kind": "kubernetes", field: value, "kubeconfig": str(scene.kubeconfig)}
    check_refused(client, scene, target, "targetNotFound", ["nosuch"], retryable=False)


@pytest.mark.parametrize(
    ("pod", "container", "base"),
    [
        ("nonroot", "main", "/tmp/remotecmd-1000"),
        ("readonly", "shm", "/dev/shm/remotecmd-0"),
        ("annotated", "second", BASE),
    ],
)
def test_an_unusual_container_is_used_like_any_other(
    client: Client, scene: Scene, pod: str, container: str, base: str
) -> None:
    inside = scene.container(pod, container, base)
    target = scene.target(pod, containerName=container)
    process = scene.start(client, target, f"echo up; sleep 1000; : {scene.suffix}")
    assert client.notification("remotecmd/output", LONG)["data"] == "up\n"
    assert process["pid"] in {p.pid for p in inside.processes()}
    assert len(inside.agents(base)) == 1
    who = client.result("remotecmd/exec", {"target": target, "args": ["id", "-u"]}, LONG)["stdout"]
    assert base.endswith(f"-{who.strip()}")
    stopped = client.result("remotecmd/stop", {"target": target, "id": scene.id()}, LONG)
    assert (stopped["process"]["status"], stopped["verdict"]["survivors"]) == ("stopped", [])


@pytest.mark.parametrize("pod", ["app", "debian"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"workingDir": "/no/such/directory"}, "workingDirNotFound", id="no directory"),
        pytest.param({"workingDir": "/etc/passwd"}, "workingDirNotADirectory", id="a file for a directory"),
        pytest.param({"args": ["/no/such/program"]}, "executableNotFound", id="no program"),
        pytest.param({"args": ["no-such-program"]}, "executableNotFound", id="no program in the path"),
        pytest.param({"args": ["/etc/passwd"]}, "permissionDenied", id="not executable"),
        pytest.param({"args": ["true", *["x" * MAX_ARGUMENT] * 20]}, "argumentListTooLong", id="too long together"),
    ],
)
def test_a_command_that_can_not_start_says_why(
    client: Client, scene: Scene, pod: str, changes: dict[str, Any], reason: str
) -> None:
    inside = scene.container(pod)
    what = changes if "args" in changes else {"cmdLine": f"sleep 1000; : {scene.suffix}", **changes}
    error = client.error(
        "remotecmd/start", {"target": scene.target(pod), "definition": {"id": scene.id(), **what}}, LONG
    )
    data = error["data"]
    assert (error["code"], data["kind"], data["reason"]) == (-32803, "startFailed", reason)
    assert scene.id() in error["message"]
    assert (data["process"]["state"], data["process"]["id"]) == ("startFailed", scene.id())
    error = client.error("remotecmd/exec", {"target": scene.target(pod), **what}, LONG)
    assert (error["data"]["kind"], error["data"]["reason"]) == ("startFailed", reason)
    supervisors = eventually(
        lambda: [p for p in inside.processes() if any(arg.startswith("run:") for arg in p.args)],
        lambda found: not found,
    )
    assert supervisors == []


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        pytest.param({"id": ""}, "definition.id", id="id empty"),
        pytest.param({"id": "a" * 64}, "definition.id", id="id too long"),
        pytest.param({"id": "-a"}, "definition.id", id="id begins with a dash"),
        pytest.param({"id": "../a"}, "definition.id", id="id is a path"),
        pytest.param({"id": "a\n"}, "definition.id", id="id with a line break"),
        pytest.param({"id": "a\0"}, "definition.id", id="id with NUL"),
        pytest.param({"cmdLine": "true\0"}, "definition.cmdLine", id="cmdLine with NUL"),
        pytest.param({"cmdLine": ":" * (MAX_ARGUMENT + 1)}, "definition.cmdLine", id="cmdLine too long"),
        pytest.param({"args": ["true", "a\0b"]}, "definition.args[1]", id="argument with NUL"),
        pytest.param({"args": ["true", "", "é" * 65_536]}, "definition.args[2]", id="argument too long in bytes"),
        pytest.param({"workingDir": "/tmp\0"}, "definition.workingDir", id="directory with NUL"),
        pytest.param({"pidDirectory": "/tmp\0"}, "definition.pidDirectory", id="base with NUL"),
        pytest.param({"pidDirectory": "tmp"}, "definition.pidDirectory", id="base relative"),
        pytest.param({"envVars": [{"key": "A", "value": "\0"}]}, "definition.envVars[0].value", id="value with NUL"),
        pytest.param({"envVars": [{"key": "A\0", "value": ""}]}, "definition.envVars[0].key", id="key with NUL"),
        pytest.param({"envVars": [{"key": "1A", "value": ""}]}, "definition.envVars[0].key", id="key begins with 1"),
        pytest.param({"envVars": [{"key": "A=B", "value": ""}]}, "definition.envVars[0].key", id="key with ="),
        pytest.param({"envVars": [{"key": "", "value": ""}]}, "definition.envVars[0].key", id="key empty"),
        pytest.param(
            {"envVars": [{"key": "A", "value": ""}, {"key": "KEY", "value": "x" * (MAX_ARGUMENT - 3)}]},
            "definition.envVars[1].value", id="key=value too long",
        ),
    ],
)  # fmt: skip
def test_values_out_of_range_are_listed_by_their_wire_path(
    client: Client, scene: Scene, definition: dict[str, Any], path: str
) -> None:
    default = {"id": scene.id()} if "args" in definition else {"id": scene.id(), "cmdLine": "true"}
    error = client.error("remotecmd/start", {"target": scene.target("app"), "definition": {**default, **definition}})
    assert (error["code"], [field["path"] for field in error["data"]]) == (-32602, [path])
    assert path in error["message"]


@pytest.mark.parametrize("method", ["status", "stop", "attach"])
@pytest.mark.parametrize("id", ["", "a" * 64, "_a", "a/b", "a\0"])
def test_an_id_out_of_range_is_listed_by_every_method(client: Client, scene: Scene, method: str, id: str) -> None:
    error = client.error(f"remotecmd/{method}", {"target": scene.target("app"), "id": id})
    assert (error["code"], [field["path"] for field in error["data"]]) == (-32602, ["id"])


@pytest.mark.parametrize("method", ["stop", "attach"])
def test_a_command_that_was_never_started_is_named(client: Client, scene: Scene, method: str) -> None:
    error = client.error(f"remotecmd/{method}", {"target": scene.target("app"), "id": scene.id()}, LONG)
    assert (error["code"], error["data"]["kind"]) == (-32803, "commandNotFound")
    assert scene.id() in error["message"]


def test_the_longest_values_are_taken(client: Client, scene: Scene) -> None:
    scene.container("app")
    params = {
        "target": scene.target("app"),
        "args": ["/bin/sh", "-c", 'echo "${#KEY} ${#1}"', "sh", "x" * MAX_ARGUMENT],
        "envVars": [{"key": "KEY", "value": secrets.token_hex(1) * ((MAX_ARGUMENT - 5) // 2)}],
    }
    assert client.result("remotecmd/exec", params, LONG)["stdout"] == f"{(MAX_ARGUMENT - 5) // 2 * 2} {MAX_ARGUMENT}\n"
