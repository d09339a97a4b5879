"""Commands through the server's stdio, unchanged on every transport: this machine, the fake API server, a real pod.

What is in a place is looked at with `remotecmd/exec`, so the tests need no way into it of their own.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.contract.place import LONG, Place, decode
from tests.rpc.client import Client

ALSO_ON_V4 = True


@pytest.mark.covers("remotecmd/start", "remotecmd/output", "remotecmd/statusChanged")
def test_run_is_started_watched_and_ended(place: Place) -> None:
    reply_id = place.client.send_request(
        "remotecmd/start", place.start_params("echo out; echo err >&2; sleep 0.2; exit 3")
    )
    messages = []
    while not messages or messages[-1].get("id") != reply_id:
        messages.append(place.client.next(LONG))
    assert [m.get("method") for m in messages[:-1]] == []  # nothing of the run comes before the reply that created it
    result = messages[-1]["result"]
    process = result["process"]
    assert result["created"] is True
    assert (process["status"], process["state"], process["id"]) == ("running", "running", place.id())
    assert process["pid"] > 0
    assert process["target"]["kind"] == place.target["kind"]
    data, final = place.follow()
    assert data == {"stdout": b"out\n", "stderr": b"err\n"}
    assert (final["status"], final["state"], final["exitCode"]) == ("errored", "exited", 3)
    assert "signal" not in final
    assert final["offsets"] == {"stdout": 4, "stderr": 4}
    assert (final["stdoutEnded"], final["stderrEnded"]) == (True, True)
    assert final["endedAt"] >= final["startedAt"]
    assert place.ask("status") == {"process": final}


def test_what_was_resolved_is_pinned_in_the_process(place: Place) -> None:
    target = place.start("true")["process"]["target"]
    if place.target["kind"] == "local":
        assert target == {"kind": "local"}
    else:
        assert {"kind", "context", "namespace", "podName", "podUid", "containerName", "containerId"} <= set(target)


def test_absent_command_has_only_what_is_known(place: Place) -> None:
    process = place.ask("status", "never")["process"]
    assert (process["id"], process["status"], process["state"]) == (place.id("never"), "unknown", "absent")
    assert set(process) == {"id", "target", "status", "state"}


@pytest.mark.covers("remotecmd/status")
def test_status_of_all_lists_live_and_ended(place: Place) -> None:
    place.start("true", "ended")
    place.follow("ended")
    place.start("sleep 1000", "live", output={"follow": False})
    found = place.client.result("remotecmd/status", {"target": place.target})["processes"]
    states = {p["id"]: p["state"] for p in found}
    assert (states[place.id("ended")], states[place.id("live")]) == ("exited", "running")
    assert not [p for p in found if p["id"].startswith("_")]
    place.ask("stop", "live")


@pytest.mark.covers("commandConflict")
def test_second_start_attaches_and_another_definition_conflicts(place: Place) -> None:
    first = place.start("sleep 1000", output={"follow": False})
    again = place.start("sleep 1000", output={"follow": False})
    assert (again["created"], again["process"]["runId"]) == (False, first["process"]["runId"])
    error = place.client.error("remotecmd/start", place.start_params("sleep 1001"))
    assert (error["code"], error["data"]["kind"]) == (-32803, "commandConflict")
    error = place.client.error("remotecmd/start", place.start_params("sleep 1000", ifExists="fail"))
    assert error["data"]["kind"] == "commandConflict"
    other = place.start("sleep 1002", ifExists="replace", output={"follow": False})
    assert other["created"] is True
    assert other["process"]["pid"] != first["process"]["pid"]
    place.ask("stop")


def test_run_id_makes_start_safe_to_ask_twice(place: Place) -> None:
    run_id = f"run-{place.suffix}"
    first = place.start("exit 4", runId=run_id)
    place.follow()
    again = place.start("exit 4", runId=run_id, output={"follow": False})
    assert (again["created"], again["process"]["exitCode"]) == (False, 4)
    assert again["process"]["pid"] == first["process"]["pid"]
    for params in (
        place.start_params("exit 5", runId=run_id),
        place.start_params("exit 4", "other", runId=run_id),
    ):
        assert place.client.error("remotecmd/start", params)["data"]["kind"] == "commandConflict"
    assert place.start("exit 4")["created"] is True


@pytest.mark.covers("remotecmd/stop")
def test_stop_ends_the_tree_and_tells_how(place: Place) -> None:
    sleeper = f"sleep 1000; : mark-{place.suffix}"
    place.start(f"({sleeper}) & ({sleeper}) & sh -c '{sleeper}' & wait", output={"follow": False})
    stopped = place.ask("stop")
    process, verdict = stopped["process"], stopped["verdict"]
    assert (process["status"], process["state"], process["signal"]) == ("stopped", "signaled", "TERM")
    assert (verdict["signalled"], verdict["escalated"], verdict["survivors"]) == (True, False, [])
    assert place.left() == ""
    again = place.ask("stop")
    assert again["verdict"]["signalled"] is False
    assert again["process"]["state"] == "signaled"


def test_stop_kills_what_ignores_term(place: Place) -> None:
    line = f"trap '' TERM; echo up; while :; do sleep 1; done; : mark-{place.suffix}"
    place.start(line)
    place.client.notification("remotecmd/output", LONG)
    stopped = place.ask("stop", gracePeriodSeconds=0.3)
    assert (stopped["process"]["signal"], stopped["verdict"]["escalated"]) == ("KILL", True)
    assert place.left() == ""


def test_followed_stop_tells_stopping_and_one_end(place: Place) -> None:
    place.start("echo up; sleep 1000")
    place.client.notification("remotecmd/output", LONG)
    place.ask("stop")
    _, final = place.follow()
    assert (final["state"], final["status"]) == ("signaled", "stopped")
    place.exec("true")  # a round trip: whatever else was to come has come
    assert not [m for m in place.client.others if m.get("method") == "remotecmd/statusChanged"]


VALUES = ["plain", 'it\'s "$(id)" `id` $HOME \\ \\n %s', "line\nline\n", "é€😀 \t\r", "x" * 102_400]


@pytest.mark.parametrize("value", VALUES, ids=["plain", "quotes", "newlines", "unicode", "100KiB"])
def test_values_arrive_exactly(place: Place, value: str) -> None:
    env_vars = [{"key": "VALUE", "value": value}]
    digest = hashlib.sha256(value.encode()).hexdigest()
    script = 'printf %s "$VALUE" | sha256sum; printf %s "$1" | sha256sum'
    args = ["/bin/sh", "-c", script, "sh", value]
    result = place.client.result("remotecmd/exec", {"target": place.target, "args": args, "envVars": env_vars}, LONG)
    assert [line.split()[0] for line in result["stdout"].splitlines()] == [digest, digest], result["stderr"]


def test_working_directory_of_any_name(place: Place) -> None:
    name = f'/tmp/it\'s "$(x)" é \\ -{place.suffix}'
    place.exec('mkdir "$DIR"', envVars=[{"key": "DIR", "value": name}])
    assert place.exec("pwd", workingDir=name)["stdout"] == f"{name}\n"
    place.exec('rmdir "$DIR"', envVars=[{"key": "DIR", "value": name}])


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ({"workingDir": "/no/such/directory"}, "workingDirNotFound"),
        ({"cmdLine": ..., "args": ["/no/such/program"]}, "executableNotFound"),
        ({"cmdLine": ..., "args": ["/etc/passwd"]}, "permissionDenied"),
    ],
    ids=["directory", "program", "permission"],
)
@pytest.mark.covers("startFailed")
def test_what_can_not_start_is_answered_so_and_does_not_occupy_the_id(
    place: Place, definition: dict[str, Any], reason: str
) -> None:
    params = place.start_params("true", definition=definition)
    params["definition"] = {k: v for k, v in params["definition"].items() if v is not ...}
    error = place.client.error("remotecmd/start", params)
    assert error["code"] == -32803
    data = error["data"]
    assert (data["kind"], data["reason"]) == ("startFailed", reason)
    assert (data["process"]["state"], data["process"]["status"]) == ("startFailed", "errored")
    assert place.ask("status")["process"]["state"] == "startFailed"
    assert place.start("true")["created"] is True


@pytest.mark.covers("remotecmd/exec")
def test_exec_gives_code_and_both_streams(place: Place) -> None:
    result = place.exec("echo out; echo err >&2; exit 5")
    assert result == {"exitCode": 5, "stdout": "out\n", "stderr": "err\n", "truncated": False, "encoding": "utf8"}


def test_exec_gives_stdin_and_cuts_long_output(place: Place) -> None:
    text = "zeile é\n" * 2000
    result = place.exec("cat", stdin=text, maxOutputBytes=1000)
    assert result["truncated"] is True
    assert text.startswith(result["stdout"])
    assert 997 <= len(result["stdout"].encode()) <= 1000


@pytest.mark.covers("timeout")
def test_exec_that_takes_too_long_is_stopped(place: Place) -> None:
    params = {"target": place.target, "cmdLine": f"sleep 1000; : mark-{place.suffix}", "timeoutSeconds": 0.3}
    assert place.client.error("remotecmd/exec", params)["data"]["kind"] == "timeout"
    assert place.left() == ""


@pytest.mark.covers("$/cancelRequest")
def test_cancelled_exec_leaves_nothing_running(place: Place) -> None:
    line = f"echo up; sleep 1000; : mark-{place.suffix}"
    params = {"target": place.target, "cmdLine": line, "stream": True, "runId": f"c-{place.suffix}"}
    request = place.client.send_request("remotecmd/exec", params)
    place.client.notification("remotecmd/output", LONG)
    place.client.notify("$/cancelRequest", {"id": request})
    assert place.client.reply(request)["error"]["code"] == -32800
    for _ in range(100):
        if not place.left():
            break
    assert place.left() == ""


@pytest.mark.covers("remotecmd/attach")
def test_attach_continues_at_any_offset_and_replays(place: Place) -> None:
    place.start("printf 0123456789; printf abc >&2", output={"follow": False})
    while place.ask("status")["process"]["state"] == "running":
        pass
    attached = place.ask("attach", **{"from": {"stdout": 4, "stderr": 1}})
    assert attached["offsets"] == {"stdout": 4, "stderr": 1}
    data, final = place.follow()
    assert data == {"stdout": b"456789", "stderr": b"bc"}
    assert final["exitCode"] == 0
    place.ask("attach")
    assert place.follow()[0] == {"stdout": b"0123456789", "stderr": b"abc"}
    place.ask("attach", **{"from": "end"})
    assert place.follow()[0] == {"stdout": b"", "stderr": b""}


def test_command_outlives_a_killed_server(place: Place) -> None:
    line = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo line $i; sleep 0.1; done"
    with Client() as first:
        started = first.result("remotecmd/start", place.start_params(line), LONG)
        output = first.notification("remotecmd/output", LONG)
        first.process.kill()
        first.process.wait()
    seen = output["data"].encode()
    attached = place.ask("attach", **{"from": {"stdout": len(seen)}})
    assert attached["process"]["pid"] == started["process"]["pid"]
    data, final = place.follow()
    assert seen + data["stdout"] == b"".join(b"line %d\n" % i for i in range(1, 16))
    assert final["exitCode"] == 0


def test_binary_output_is_byte_exact(place: Place) -> None:
    size = 4 << 20
    line = f"head -c {size} /dev/urandom >/tmp/bin-{place.suffix}; cat /tmp/bin-{place.suffix}"
    place.start(line)
    data, _ = place.follow()
    digest = place.exec(f"sha256sum </tmp/bin-{place.suffix}; rm /tmp/bin-{place.suffix}")["stdout"].split()[0]
    assert len(data["stdout"]) == size
    assert hashlib.sha256(data["stdout"]).hexdigest() == digest


def test_text_is_cut_only_between_characters(place: Place) -> None:
    place.start("printf 'a\\303'; sleep 0.2; printf '\\251b\\n'; printf '\\377\\n' >&2")
    pieces = {"stdout": [], "stderr": []}
    while len(b"".join(pieces["stdout"])) < 5 or not pieces["stderr"]:
        params = place.client.notification("remotecmd/output", LONG)
        assert params.get("encoding") == ("base64" if params["stream"] == "stderr" else None)
        pieces[params["stream"]].append(decode(params))
    assert (b"".join(pieces["stdout"]), pieces["stderr"]) == ("aéb\n".encode(), [b"\xff\n"])


def test_own_base_directory_is_used(place: Place) -> None:
    directory = f"/tmp/base-{place.suffix}"
    place.start("sleep 1000", definition={"pidDirectory": directory}, output={"follow": False})
    assert place.ask("status")["process"]["state"] == "absent"
    assert place.ask("status", pidDirectory=directory)["process"]["state"] == "running"
    assert place.ask("stop", pidDirectory=directory)["process"]["status"] == "stopped"
    place.exec(f"rm -r {directory}")


@pytest.mark.parametrize("method", ["stop", "attach"])
@pytest.mark.covers("commandNotFound")
def test_unknown_command_is_not_found(place: Place, method: str) -> None:
    error = place.client.error(f"remotecmd/{method}", {"target": place.target, "id": place.id("never")})
    assert (error["code"], error["data"]["kind"]) == (-32803, "commandNotFound")
