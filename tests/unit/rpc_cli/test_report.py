from __future__ import annotations

import pytest

from rpc_cli import exits, report
from rpc_server import results

YAML = "Add this:\nrules:\n- {verbs: [get]}"


def finding(
    check: str = "shell", level: str = "ok", detail: str = "All is well.", remedy: str | None = None
) -> results.Finding:
    return results.Finding(check=check, level=level, detail=detail, remedy=remedy)


def shown(*findings: results.Finding, width: int | None = None) -> str:
    return "".join(label + "\n".join(lines) + "\n" for label, _, lines in report.findings(findings, width))


def test_columns_are_aligned_and_remedies_keep_their_lines() -> None:
    assert shown(finding(), finding("permissions", "warning", "No.", YAML)) == (
        "ok       shell        All is well.\n"
        "warning  permissions  No.\n"
        "                      → Add this:\n"
        "                        rules:\n"
        "                        - {verbs: [get]}\n"
    )


def test_fields_are_called_by_the_names_of_options() -> None:
    text = shown(finding(detail="pidDirectory is full.", remedy="Give pidDirectory /data."))
    assert text == "ok  shell  --pid-directory is full.\n           → Give --pid-directory /data.\n"


def test_a_terminal_wraps_and_cuts_nothing() -> None:
    text = shown(finding(detail="one two three four five six seven", remedy="eight nine ten eleven twelve"), width=34)
    assert text == (
        "ok  shell  one two three four five\n"
        "           six seven\n"
        "           → eight nine ten\n"
        "               eleven twelve\n"
    )


@pytest.mark.parametrize("width", [1, 20])
def test_a_narrow_terminal_still_gets_words(width: int) -> None:
    assert "one two three\n" in shown(finding(detail="one two three"), width=width)


def test_what_a_terminal_would_obey_is_taken_out() -> None:
    text = shown(finding("a\x1b[2J", "o\nk", "b\x07", "c\x1b\nd"))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert text.count("\n") == 3


def test_levels_have_colours_and_unknown_ones_are_taken_for_information() -> None:
    levels = ["ok", "info", "warning", "error", "dreadful"]
    styles = [style for _, style, _ in report.findings([finding(level=level) for level in levels], None)]
    assert styles == ["green", "dim", "yellow", "red", "dim"]
    assert list(report.findings([], None)) == []
    assert shown(finding(detail="")) == "ok  shell  \n"


@pytest.mark.parametrize(
    ("mode", "errors", "status"),
    [
        ("supervised", [], 0),
        ("refused", ["permissions", "mode"], exits.ACCESS),
        ("refused", ["target", "mode"], exits.TARGET),
        ("refused", ["shell", "mode"], exits.CONTAINER),
        ("refused", ["somethingNew", "mode"], exits.CONTAINER),
        ("refused", [], exits.FAILED),
    ],
)
def test_the_exit_status_is_that_of_the_first_error(mode: str, errors: list[str], status: int) -> None:
    findings = (finding(level="warning"), *(finding(check, "error") for check in errors))
    assert report.status(results.DoctorResult(mode=mode, findings=findings)) == status
