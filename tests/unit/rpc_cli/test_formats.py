from __future__ import annotations

import pytest

from rpc_cli import formats
from rpc_server import messages, results

TARGET = results.ResolvedTarget(kind="local")
NOW = 1_000_000_000_000
LOCAL = messages.LocalTarget(kind="local")


def process(**fields: object) -> results.Process:
    given = {"id": "web", "target": TARGET, "status": "running", "state": "running", **fields}
    return results.Process(**given)  # type: ignore[arg-type]  # a table's values


@pytest.mark.parametrize(
    "milliseconds, text",
    [(-5, "0s"), (0, "0s"), (999, "0s"), (59_999, "59s"), (60_000, "1m"), (3_600_000, "1h"), (86_400_000 * 40, "40d")],
)
def test_an_age_has_one_unit(milliseconds: int, text: str) -> None:
    assert formats.age(milliseconds) == text


@pytest.mark.parametrize(
    "count, text",
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 KiB"), (1024, "1.0 KiB"), (14_336, "14 KiB"), (10_239, "10 KiB"),
        (1_153_434, "1.1 MiB"), (1 << 30, "1.0 GiB"), (5 << 50, "5120 TiB"),
    ],
)  # fmt: skip
def test_a_size_has_about_three_digits(count: int, text: str) -> None:
    assert formats.size(count) == text


@pytest.mark.parametrize("milliseconds, text", [(0, "0 ms"), (99, "99 ms"), (100, "0.1 s"), (12_340, "12.3 s")])
def test_elapsed(milliseconds: int, text: str) -> None:
    assert formats.elapsed(milliseconds) == text


@pytest.mark.parametrize(
    "text, shown",
    {
        "a b": "a b",
        "a\nb\tc": "a b c",
        "\x1b[31mred\x07": "·[31mred·",
        "ä漢": "ä漢",
        " x ": "x",
        "\u202ex": "·x",
    }.items(),
)
def test_control_characters_do_not_reach_a_terminal(text: str, shown: str) -> None:
    assert formats.printable(text) == shown


HOSTILE = {"id": "a\x1b[2J", "run_id": "\x1b]0;x\x07", "signal": "\x1bc", "state": "exited\x9b", "command": "\x1b"}
"""What a server may have read from a container that lies."""


@pytest.mark.parametrize("status", ["errored\x1b[1m", "running"])
def test_nothing_of_a_process_reaches_a_terminal_as_it_is(status: str) -> None:
    lying = process(**HOSTILE, status=status, started_at=10**300, ended_at=-(10**17), reason="\x1b[3J")
    shown = [*formats.row(lying, NOW), *(value for pair in formats.details(lying, NOW) for value in pair)]
    assert all(text.isprintable() for text in shown)


ROWS = {
    "running": (
        process(pid=411, started_at=NOW - 12_000, offsets=results.Offsets(stdout=14_000, stderr=336), command="serve"),
        ("web", "running", "411", "12s", "–", "14 KiB", "serve"),  # noqa: RUF001  # an empty cell
    ),
    "ended": (
        process(status="errored", state="exited", pid=9, exit_code=2, started_at=NOW - 180_000, command="npm\ntest"),
        ("web", "errored", "–", "3m", "2", "–", "npm test"),  # noqa: RUF001  # an empty cell
    ),
    "stopped": (
        process(status="stopped", state="signaled", exit_code=143, signal="TERM", started_at=NOW),
        ("web", "stopped", "–", "0s", "TERM", "–", "–"),  # noqa: RUF001  # an empty cell
    ),
    "not started": (
        process(status="errored", state="startFailed", reason="executableNotFound"),
        ("web", "errored", "–", "–", "executableNotFound", "–", "–"),  # noqa: RUF001  # an empty cell
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row(name: str) -> None:
    run, cells = ROWS[name]
    assert formats.row(run, NOW) == cells


def test_a_plain_table_is_aligned_and_has_no_trailing_blanks() -> None:
    assert formats.plain_table([("ID", "X"), ("long-id", "y"), ("b", "")]) == "ID       X\nlong-id  y\nb\n"


STATES = {
    "starting": (process(state="starting", status="starting"), "starting"),
    "running": (process(pid=4), "running, pid 4"),
    "stopping": (process(state="stopping", pid=4), "stopping, pid 4"),
    "exited": (process(state="exited", status="errored", exit_code=3), "errored, exit status 3"),
    "signaled": (
        process(state="signaled", status="stopped", exit_code=143, signal="TERM"),
        "stopped, exit status 143, by TERM",
    ),
    "timeout": (
        process(state="exited", status="errored", exit_code=143, reason="timeout"),
        "errored, exit status 143, at its time limit",
    ),
    "startFailed": (
        process(state="startFailed", status="errored", reason="permissionDenied"),
        "errored, permissionDenied",
    ),
    "lost": (process(state="lost", status="unknown"), "unknown, lost"),
    "absent": (
        process(state="absent", status="unknown"),
        "unknown: never started here, or gone with its container",
    ),
}


@pytest.mark.parametrize("state", STATES)
def test_a_state_in_words(state: str) -> None:
    run, expected = STATES[state]
    assert dict(formats.details(run, NOW))["status"] == expected


def test_details_hold_what_is_known() -> None:
    run = process(
        pid=4, started_at=NOW - 2000, ended_at=NOW, offsets=results.Offsets(stdout=1, stderr=2), command="x", run_id="r"
    )
    found = dict(formats.details(run, NOW))
    assert list(found) == ["id", "status", "started", "ended", "output", "command", "run"]
    assert found["started"].endswith("(2s ago)")
    assert found["output"] == "1 B stdout, 2 B stderr"


def test_a_place_is_the_pod_and_container_that_were_found() -> None:
    found = results.ResolvedTarget(kind="kubernetes", pod_name="api-7d9f", container_name="app")
    assert formats.place(found, LOCAL) == "api-7d9f/app"
    assert formats.place(TARGET, LOCAL) == "local"


@pytest.mark.parametrize(
    "message, shown",
    {
        "There is no pod.": "there is no pod.",
        "Kubernetes says no.": "Kubernetes says no.",
        "/bin/sh is missing": "/bin/sh is missing",
        "HTTP 500": "HTTP 500",
        "": "",
        "One": "one",
    }.items(),
)
def test_a_sentence_begins_in_lower_case_unless_with_a_name(message: str, shown: str) -> None:
    assert formats.sentence(message) == shown


def test_counts_know_one() -> None:
    assert formats.count(1, "process", "processes") == "1 process"
    assert formats.count(4, "process", "processes") == "4 processes"
    assert formats.count(1234, "byte") == "1,234 bytes"
