"""What a user gives stays between the client, the container's memory and the command: not in the API server's audit
log, our logs, or the arguments of any process but the command itself."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import LONG, Scene
from tests.e2e.container import Container, eventually
from tests.e2e.following import Following
from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(240)]

FIELDS = ("id", "line", "arg", "key", "value", "dir", "stdin", "piddir", "output", "run")
TIMES = 5
"""How often each request is made, since a short-lived process can slip through between two samples."""

# All arguments of all processes, again and again: FILE:argument NUL. A line between two samples.
SAMPLE = "while :; do grep -Hz '' /proc/[0-9]*/cmdline 2>/dev/null; printf '=\\0'; done"

# Runs a tool and writes its arguments down. Only where the shell has no tools of its own (dash) it sees all of them.
WRAPPER = """#!/bin/sh
{{ printf '%s\\0' "$0" "$@"; printf '=\\0'; }} >>{log}
exec /usr/bin/${{0##*/}} "$@"
"""
TOOLS = "cat dd env grep head ls mkdir mkfifo mv readlink rm rmdir sed setsid sleep tr wc xargs"


class Markers:
    """A text of its own for each field."""

    def __init__(self) -> None:
        self._all = {field: f"{field}{secrets.token_hex(10)}" for field in FIELDS}

    def __getattr__(self, field: str) -> str:
        return self._all[field]

    def found_in(self, text: str) -> list[str]:
        return [field for field, marker in self._all.items() if marker in text]


class Sampler:
    """Every process' arguments, as often as the container's shell can list them."""

    def __init__(self, container: Container, file: Path) -> None:
        self._file = file
        with file.open("wb") as out:
            self._process = subprocess.Popen(
                container.argv("/bin/sh", "-s", stdin=True), stdin=subprocess.PIPE, stdout=out
            )
        assert self._process.stdin is not None
        self._process.stdin.write(SAMPLE.encode())
        self._process.stdin.close()
        assert eventually(lambda: self.count, lambda count: count > 1) > 1

    @property
    def count(self) -> int:
        """How many samples there are."""
        return self._file.read_bytes().count(b"=\0")

    def argument_lists(self) -> set[tuple[str, ...]]:
        """What was seen, each once."""
        found = set()
        pid, args = "", []
        for record in [*self._file.read_bytes().decode("utf-8", "replace").split("\0"), "="]:
            where, _, arg = record.partition(":")
            if where != pid:
                found.add(tuple(args))
                pid, args = where, []
            args.append(arg)
        return found - {()}

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def markers() -> Markers:
    return Markers()


@pytest.fixture(params=[("annotated", "first"), ("debian", "main")], ids=["busybox", "dash"])
def container(request: pytest.FixtureRequest, scene: Scene, markers: Markers) -> Iterator[Container]:
    container = scene.container(*request.param)
    container.shell(f"mkdir /tmp/{markers.dir} /tmp/{markers.piddir}")
    yield container
    container.shell(f"rm -rf /tmp/{markers.dir} /tmp/{markers.piddir}; {SWEEP.format(name=markers.id)}")


SWEEP = """for m in /tmp/remotecmd-0/runs/*/meta; do
  id=; read -r id _ <"$m"
  case $id in *{name}*) rm -rf "${{m%/meta}}" ;; esac
done 2>/dev/null"""


@pytest.fixture
def sampler(container: Container, tmp_path: Path) -> Iterator[Sampler]:
    sampler = Sampler(container, tmp_path / "samples")
    yield sampler
    sampler.stop()
    # A killed kubectl does not end what it had started.
    pids = [str(p.pid) for p in container.processes() if p.args == ("/bin/sh", "-s")]
    container.run("/bin/sh", "-c", f"kill -KILL {' '.join(pids)}")


@pytest.fixture
def audit_entries(audit_log: Path) -> Any:
    """The lines that were added since the test began."""
    begun = audit_log.stat().st_size

    def added() -> str:
        with audit_log.open("rb") as file:
            file.seek(begun)
            return file.read().decode()

    return added


LINE = 'printf %s "$KEY" | sha256sum; pwd; : {line}; echo {output}; sleep 1000; :'
"""The shell stays, so that its own arguments are there to be seen: a last command it may exec."""


def use_everything(client: Client, target: dict[str, Any], markers: Markers) -> None:
    """Each request with a marker in each field that it has; checks that the values arrived."""
    value = markers.value
    common = {"workingDir": f"/tmp/{markers.dir}", "envVars": [{"key": f"K{markers.key}", "value": value}]}
    line = LINE.replace("KEY", f"K{markers.key}").format(line=markers.line, output=markers.output)
    expected = f"{hashlib.sha256(value.encode()).hexdigest()}  -\n/tmp/{markers.dir}\n{markers.output}\n".encode()
    by_args = {"args": ["/bin/sh", "-c", line, "sh", markers.arg]}
    for i in range(TIMES):
        for what in ({"cmdLine": line}, by_args):
            for directory in ({}, {"pidDirectory": f"/tmp/{markers.piddir}"}):
                start(client, target, {"id": f"{markers.id}-{i}", **what, **common, **directory}, markers.run, expected)
        for what in ({"cmdLine": f"cat; : {markers.line}"}, {"args": ["/bin/sh", "-c", "cat", "sh", markers.arg]}):
            params = {"target": target, **what, **common, "stdin": f"{markers.stdin}\n"}
            assert client.result("remotecmd/exec", params, LONG)["stdout"] == f"{markers.stdin}\n"
    for definition in ({"cmdLine": f"exit 3; {markers.line}"}, {"args": [f"/nix/{markers.arg}"]}):
        refused = {"id": markers.id, **definition, "workingDir": f"/nix/{markers.dir}"}
        client.error("remotecmd/start", {"target": target, "definition": refused})
    client.error("remotecmd/exec", {"target": {**target, "containerName": "nix"}, "cmdLine": markers.line})


def start(client: Client, target: dict[str, Any], definition: dict[str, Any], run: str, expected: bytes) -> None:
    name = {key: definition[key] for key in ("id", "pidDirectory") if key in definition}
    params = {"target": target, "definition": definition, "runId": f"{run}-{secrets.token_hex(4)}"}
    process = client.result("remotecmd/start", params, LONG)["process"]
    Following(client, process["runId"]).until(lambda f: f.data["stdout"] == expected)
    status = client.result("remotecmd/status", {"target": target, **name}, LONG)
    assert status["process"]["state"] == "running"
    client.result("remotecmd/attach", {"target": target, **name}, LONG)
    following = Following(client, process["runId"]).until(lambda f: f.data["stdout"] == expected)
    stopped = client.result("remotecmd/stop", {"target": target, **name}, LONG)
    assert stopped["process"]["state"] == "signaled"
    following.to_end()


def target_of(scene: Scene, container: Container) -> dict[str, Any]:
    return scene.target(container.pod, containerName=container.name)


def test_the_audit_log_and_our_logs_hold_no_value(
    scene: Scene, container: Container, markers: Markers, audit_entries: Any, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with Client("--log-level", "debug", "--log-file", str(log)) as client:
        client.result("initialize", {"trace": "verbose"})
        use_everything(client, target_of(scene, container), markers)
        end_log = client.log()
    ours = eventually(lambda: our_execs(audit_entries()), lambda found: len(found) > 1)
    assert len(ours) > 1
    assert {uri.partition("?")[0].split("/")[-2] for uri in ours} == {container.pod}
    assert markers.found_in(audit_entries()) == []
    assert log.stat().st_size > 0
    assert markers.found_in(log.read_text()) == []
    assert markers.found_in(end_log) == []


def our_execs(entries: str) -> list[str]:
    """URLs of the execs that the server under test asked for."""
    lines = [json.loads(line) for line in entries.splitlines() if line.endswith("}")]
    return [
        line["requestURI"] for line in lines if line.get("userAgent") == "remotecmd" and "/exec?" in line["requestURI"]
    ]


def test_no_process_but_the_command_has_a_value_in_its_arguments(
    scene: Scene, container: Container, markers: Markers, sampler: Sampler
) -> None:
    with Client() as client:
        before = sampler.count
        use_everything(client, target_of(scene, container), markers)
        assert sampler.count - before > 50
    seen = [args for args in sampler.argument_lists() if markers.found_in(" ".join(args))]
    values = {field for args in seen for field in markers.found_in(" ".join(args))}
    assert {"line", "arg"} <= values  # the command's own arguments: so others would have been seen, too
    assert [args for args in seen if not is_the_command(args, markers)] == []


def is_the_command(args: tuple[str, ...], markers: Markers) -> bool:
    """Whether these are arguments that were asked for; they hold neither id nor value.

    `setsid` is the command a moment before: it executes what it was given in its own process.
    """
    if args[0].endswith("/setsid"):
        args = args[1:]
    found = set(markers.found_in(" ".join(args)))
    if found == {"piddir"}:  # the agent's own path, which its tools are given
        return True
    is_ours = args[:2] == ("/bin/sh", "-c") and (args[3:] == ("sh", markers.arg) or markers.line in args[2])
    return is_ours and found <= {"line", "arg", "key", "output"}


@pytest.mark.parametrize("container", [("debian", "main")], indirect=True, ids=["dash"])
def test_no_tool_that_the_agent_runs_gets_a_value(scene: Scene, container: Container, markers: Markers) -> None:
    log = f"/tmp/argv-{scene.suffix}"
    wrapper = WRAPPER.format(log=log).replace("'", "'\\''")
    install = f"cd /usr/local/sbin && for t in {TOOLS}; do printf %s '{wrapper}' >$t && chmod 755 $t; done"
    with contextlib.ExitStack() as stack:
        stack.callback(container.shell, f"cd /usr/local/sbin && rm -f {TOOLS}")
        container.shell(f"mkdir -p /usr/local/sbin && {install}")
        with Client() as client:
            use_everything(client, target_of(scene, container), markers)
    calls = [tuple(call.split("\0")) for call in container.shell(f"cat {log}").split("\0=\0") if call]
    assert {"dd", "mkdir", "mkfifo", "setsid", "xargs"} <= {call[0].rpartition("/")[2] for call in calls}
    with_markers = [call for call in calls if markers.found_in(" ".join(call))]
    assert [call for call in with_markers if not is_the_command(call, markers)] == []
