"""The node itself: a failure here says that the bench is broken, not what is measured on it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

EXEC_PROBE = ("/bin/sh", "-c", "echo in; exit 3")


@pytest.mark.parametrize(
    ("pod", "container"),
    [
        ("app", "main"),
        ("app", "side"),
        ("annotated", "first"),
        ("annotated", "second"),
        ("debian", "main"),
        ("nonroot", "main"),
        ("readonly", "main"),
        ("readonly", "shm"),
        ("limited", "main"),
    ],
)
def test_a_command_runs_in_each_container(kubectl: Kubectl, pod: str, container: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        kubectl("exec", pod, "-c", container, "--", *EXEC_PROBE)
    assert (caught.value.stdout, caught.value.returncode) == ("in\n", 3)


def test_noshell_has_no_shell(kubectl: Kubectl) -> None:
    with pytest.raises(subprocess.CalledProcessError, match="exec") as caught:
        kubectl("exec", "noshell", "--", *EXEC_PROBE)
    assert "no such file or directory" in caught.value.stderr


def test_pending_does_not_run(kubectl: Kubectl) -> None:
    assert kubectl("get", "pod", "pending", "-o", "jsonpath={.status.phase}") == "Pending"


def test_the_debian_pod_has_dash_and_gnu_tools(kubectl: Kubectl) -> None:
    assert kubectl("exec", "debian", "--", "readlink", "-f", "/bin/sh").endswith("/dash\n")
    assert "coreutils" in kubectl("exec", "debian", "--", "dd", "--version")


@pytest.mark.parametrize("directory", ["/tmp", "/var/tmp", "/dev/shm", "/root"])
def test_readonly_can_write_nowhere(kubectl: Kubectl, directory: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        kubectl("exec", "readonly", "-c", "main", "--", "touch", f"{directory}/probe")
    assert "Read-only file system" in caught.value.stderr


@pytest.mark.parametrize(
    ("context", "verb", "resource", "allowed"),
    [
        ("viewer", "list", "pods", True),
        ("viewer", "create", "pods/exec", False),
        ("nobody", "get", "pods", False),
        ("getonly", "get", "pods/exec", True),
        ("getonly", "create", "pods/exec", False),
        ("createonly", "create", "pods/exec", True),
        ("createonly", "get", "pods/exec", False),
    ],
)
def test_each_context_may_do_what_its_name_says(
    kubectl: Kubectl, context: str, verb: str, resource: str, *, allowed: bool
) -> None:
    name, _, subresource = resource.partition("/")
    question = ["--context", context, "auth", "can-i", verb, name, f"--subresource={subresource}"]
    if allowed:
        assert kubectl(*question) == "yes\n"
    else:
        with pytest.raises(subprocess.CalledProcessError) as caught:
            kubectl(*question)
        assert caught.value.stdout.startswith("no")


def test_a_bad_token_is_unauthorized(kubectl: Kubectl) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        kubectl("--context", "badtoken", "get", "pods")
    assert "Unauthorized" in caught.value.stderr


def test_the_audit_log_has_an_execs_arguments(kubectl: Kubectl, audit_log: Path) -> None:
    kubectl("exec", "app", "-c", "main", "--", "echo", "seen-by-the-audit")
    uris = [json.loads(line)["requestURI"] for line in audit_log.read_text().splitlines()]
    assert any("command=seen-by-the-audit" in uri for uri in uris)
