"""Failures and gaps that no other contract test provokes, unchanged on every transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.place import LONG, Place, decode

if TYPE_CHECKING:
    from tests.rpc.client import Client

QUIET = {"output": {"follow": False}}


@pytest.mark.covers("storageUnavailable")
def test_a_directory_that_can_not_be_made_is_refused(place: Place) -> None:
    nowhere = Place(place.target, place.client, "/proc/nowhere")
    error = place.client.error("remotecmd/start", nowhere.start_params("true"), LONG)
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("storageUnavailable", False)
    assert "pidDirectory" in error["data"]["remedy"]
    for method in ("status", "stop", "attach", "wait", "remove"):
        assert nowhere.refused(method)["kind"] == "storageUnavailable"


@pytest.mark.covers("notSupported")
def test_what_is_not_built_is_not_supported(place: Place) -> None:
    size = {"rows": 24, "columns": 80}
    error = place.client.error("remotecmd/start", place.start_params("cat", definition={"tty": size}))
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("notSupported", False)
    assert place.ask("status")["process"]["state"] == "absent"


@pytest.mark.covers("internal")
def test_a_record_that_somebody_changed_is_no_run(home: Place) -> None:
    started = home.start("sleep 1000", **QUIET)["process"]
    home.exec(
        f"cd {home.directory}/remotecmd-*/runs && meta=$(grep -l '^{home.id()} ' */meta) && "
        "read -r id run hash merge epoch rest <$meta && echo $id $run $hash $merge never $rest >$meta"
    )
    error = home.client.error("remotecmd/start", home.start_params("sleep 1000"), LONG)
    assert (error["code"], error["data"]["kind"], error["data"]["retryable"]) == (-32803, "internal", False)
    assert "record" in error["message"]
    home.exec(f"kill -KILL {started['pid']}")


@pytest.mark.covers("shuttingDown")
def test_what_the_end_of_the_server_cuts_off_is_answered(place: Place, second: Client) -> None:
    params = {"target": place.target, "cmdLine": f"echo up; sleep 1000; : mark-{place.suffix}"}
    request = second.send_request("remotecmd/exec", {**params, "stream": True, "runId": f"cut-{place.suffix}"})
    second.notification("remotecmd/output", LONG)
    second.close_stdin()
    error = second.reply(request, LONG)["error"]
    assert (error["code"], error["data"]["kind"]) == (-32803, "shuttingDown")
    while place.left():
        pass


@pytest.mark.covers("remotecmd/gap")
def test_bytes_that_are_gone_are_told_as_a_gap(home: Place) -> None:
    home.start("echo gone; echo there >&2; exit 5", **QUIET)
    home.ask("wait")
    home.exec(f'cd {home.directory}/remotecmd-*/runs && rm "$(dirname "$(grep -l "^{home.id()} " */meta)")"/o.0')
    run = home.ask("attach")["process"]["runId"]
    told = [home.client.next(LONG) for _ in range(3)]
    assert told.pop()["params"]["process"]["exitCode"] == 5
    gap, output = sorted(told, key=lambda message: message["method"])
    assert gap["params"] == {
        "runId": run, "id": home.id(), "stream": "stdout", "from": 0, "to": 5, "reason": "spoolLimit",
    }  # fmt: skip
    assert (output["params"]["stream"], decode(output["params"])) == ("stderr", b"there\n")
