"""Failures in words: the right kind for every one, bounded, and silent about what is the user's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handlers import explain
from handlers.agent.channel import AgentMissing
from handlers.agent.codec import Refused
from handlers.api import Process, ResolvedTarget, State, Status
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.base import Cut, Exited, StartFailed

HERE = ResolvedTarget(kind="local")
POD = ResolvedTarget(kind="kubernetes", pod_name="web-0", container_name="app")
ENDLESS = "untrusted " * 10_000
MAX_MESSAGE = 500


def process(**fields: object) -> Process:
    made = {"id": "web", "target": POD, "status": Status.RUNNING, "state": State.RUNNING, **fields}
    return Process(**made)  # type: ignore[arg-type]  # a table's fields


REFUSALS = {
    "tool": (Refused("tool", "mkfifo"), ErrorKind.TOOL_MISSING, "mkfifo"),
    "shell": (Refused("shell", "kill"), ErrorKind.SHELL_MISSING, "kill"),
    "storage": (Refused("storage", ""), ErrorKind.STORAGE_UNAVAILABLE, "written"),
    "storage full": (Refused("storage", "full"), ErrorKind.STORAGE_FULL, "no room"),
    "proc": (Refused("proc", ""), ErrorKind.NOT_SUPPORTED, "/proc"),
    "anything else": (Refused("untrusted", "untrusted"), ErrorKind.NOT_SUPPORTED, "/proc"),
    "endless tool": (Refused("tool", ENDLESS), ErrorKind.TOOL_MISSING, "untrusted"),
    "endless shell": (Refused("shell", ENDLESS), ErrorKind.SHELL_MISSING, "untrusted"),
    "endless storage": (Refused("storage", ENDLESS), ErrorKind.STORAGE_UNAVAILABLE, "written"),
    "endless": (Refused(ENDLESS, ENDLESS), ErrorKind.NOT_SUPPORTED, "/proc"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal_of_the_agent(name: str) -> None:
    refused, kind, part = REFUSALS[name]
    error = explain.refusal(refused, POD, directory_given=False)
    assert error.kind == kind
    assert part in error.message
    assert len(error.message) < MAX_MESSAGE
    if kind != ErrorKind.STORAGE_FULL:
        assert 'container "app" of pod web-0' in error.message


@pytest.mark.parametrize("what", ["tool", "shell", "storage"])
def test_refusal_says_what_to_do(what: str) -> None:
    assert explain.refusal(Refused(what, "x"), POD, directory_given=False).remedy


def test_refusal_of_storage_names_the_directory_that_was_given() -> None:
    refused = Refused("storage", "")
    assert "pidDirectory can't" in explain.refusal(refused, POD, directory_given=True).message
    assert "$HOME can't" in explain.refusal(refused, POD, directory_given=False).message


ENDS: dict[str, tuple[object, str, ErrorKind, bool]] = {
    # end, complaint, kind, retryable
    "shell missing": (StartFailed("no such file", shell_missing=True), "", ErrorKind.SHELL_MISSING, False),
    "not started": (StartFailed("OCI runtime exec failed"), "", ErrorKind.TARGET_NOT_RUNNING, True),
    "killed": (Exited(137), "", ErrorKind.TARGET_NOT_RUNNING, True),
    "exit 0": (Exited(0), "", ErrorKind.SHELL_MISSING, False),
    "exit 2": (Exited(2), "sh: syntax error", ErrorKind.SHELL_MISSING, False),
    "exit 126": (Exited(126), "", ErrorKind.SHELL_MISSING, False),
    "cut": (Cut("connection reset"), "", ErrorKind.UNREACHABLE, True),
    "closed": (None, "", ErrorKind.UNREACHABLE, True),
    "dash can't fork": (Exited(2), "/bin/sh: 1: Cannot fork", ErrorKind.PROCESS_LIMIT, True),
    "busybox can't fork": (
        Exited(1),
        "sh: can't fork: Resource temporarily unavailable",
        ErrorKind.PROCESS_LIMIT,
        True,
    ),
    "bash can't fork": (Exited(254), "sh: fork: retry: No child processes", ErrorKind.PROCESS_LIMIT, True),
    "no fork, then cut": (Cut("reset"), "Resource temporarily unavailable", ErrorKind.PROCESS_LIMIT, True),
    "no fork, not started": (StartFailed("x"), "can't fork", ErrorKind.PROCESS_LIMIT, True),
    "endless start": (StartFailed(ENDLESS), ENDLESS, ErrorKind.TARGET_NOT_RUNNING, True),
    "endless cut": (Cut(ENDLESS), ENDLESS, ErrorKind.UNREACHABLE, True),
    "endless fork": (Exited(1), "fork" + ENDLESS, ErrorKind.PROCESS_LIMIT, True),
}


@pytest.mark.parametrize("name", ENDS)
def test_end_before_the_hello(name: str) -> None:
    end, complaint, kind, retryable = ENDS[name]
    error = explain.end_before_hello(AgentMissing(end, complaint), POD)
    assert (error.kind, error.retryable) == (kind, retryable)
    assert 'container "app"' in error.message
    assert len(error.message) < MAX_MESSAGE


@pytest.mark.parametrize("name", ENDS)
def test_end_before_the_hello_does_not_repeat_the_complaint(name: str) -> None:
    end = ENDS[name][0]
    error = explain.end_before_hello(AgentMissing(end, "sh: s3cret: not found, fork"), POD)
    assert "s3cret" not in f"{error.message} {error.remedy}"


def test_end_is_told_with_what_the_transport_said() -> None:
    assert "connection reset" in explain.end_before_hello(AgentMissing(Cut("connection reset"), ""), POD).message
    assert "OCI" in explain.end_before_hello(AgentMissing(StartFailed("OCI"), ""), POD).message
    assert "status 2" in explain.end_before_hello(AgentMissing(Exited(2), ""), POD).message


def test_target_without_a_container_is_this_machine() -> None:
    assert "this machine" in explain.end_before_hello(AgentMissing(Exited(2), ""), HERE).message


PLAIN: dict[str, tuple[Callable[[], RemoteCommandError], ErrorKind, bool]] = {
    "no hello": (lambda: explain.no_hello(POD), ErrorKind.TIMEOUT, True),
    "lost": (explain.lost, ErrorKind.UNREACHABLE, True),
    "start unknown": (lambda: explain.start_unknown("r1"), ErrorKind.UNREACHABLE, True),
    "exec unknown": (explain.exec_unknown, ErrorKind.UNREACHABLE, True),
    "signal unknown": (explain.signal_unknown, ErrorKind.UNREACHABLE, True),
    "broken record": (explain.broken_record, ErrorKind.INTERNAL, False),
    "storage full": (explain.storage_full, ErrorKind.STORAGE_FULL, True),
    "storage gone": (explain.storage_gone, ErrorKind.STORAGE_UNAVAILABLE, False),
    "stop not over": (explain.stop_not_over, ErrorKind.TIMEOUT, True),
    "end unknown": (explain.end_unknown, ErrorKind.UNREACHABLE, False),
}


@pytest.mark.parametrize("name", PLAIN)
def test_failure_that_needs_no_detail(name: str) -> None:
    make, kind, retryable = PLAIN[name]
    error = make()
    assert (error.kind, error.retryable) == (kind, retryable)
    assert str(error) == error.message
    assert 0 < len(error.message) < MAX_MESSAGE


def test_limit_of_an_exec_is_named() -> None:
    error = explain.exec_timeout(2.5)
    assert error.kind is ErrorKind.TIMEOUT
    assert "2.5 s" in error.message


def test_id_that_no_run_has_is_named() -> None:
    error = explain.not_found("web")
    assert error.kind is ErrorKind.COMMAND_NOT_FOUND
    assert '"web"' in error.message


START_REASONS = {
    "workingDirNotFound": "working directory does not exist",
    "workingDirNotADirectory": "not a directory",
    "executableNotFound": "no such executable",
    "permissionDenied": "permission",
    "argumentListTooLong": "longer than the kernel takes",
    "processLimit": "limit of processes",
    "noRecord": "nothing was heard",
}


@pytest.mark.parametrize("reason", START_REASONS)
def test_failed_start_says_why_and_keeps_the_run(reason: str) -> None:
    failed = process(reason=reason)
    error = explain.start_failed(failed)
    assert (error.kind, error.reason, error.process) == (ErrorKind.START_FAILED, reason, failed)
    assert 'Command "web"' in error.message
    assert START_REASONS[reason] in error.message


def test_failed_start_with_an_endless_reason_is_bounded() -> None:
    assert len(explain.start_failed(process(reason=ENDLESS)).message) < MAX_MESSAGE


def test_start_whose_outcome_is_not_known_names_the_run_to_ask_for() -> None:
    error = explain.start_unknown("r1")
    assert error.run_id == "r1"
    assert 'runId "r1"' in error.message


def test_failed_start_without_a_reason_has_one() -> None:
    assert explain.start_failed(process()).reason == "unknown"


def test_failed_exec_does_not_show_its_made_up_id() -> None:
    assert "_0af" not in explain.start_failed(process(id="_0af", reason="executableNotFound")).message


CONFLICTS = {
    "named twice": (True, True, "runId is taken"),
    "named twice with another definition": (False, True, "runId is taken"),
    "same definition": (True, False, "live already"),
    "another definition": (False, False, "another definition"),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_conflict_says_which_and_keeps_the_run(name: str) -> None:
    is_same, named_twice, part = CONFLICTS[name]
    live = process()
    error = explain.conflict(live, is_same=is_same, named_twice=named_twice)
    assert (error.kind, error.process) == (ErrorKind.COMMAND_CONFLICT, live)
    assert '"web"' in error.message
    assert part in error.message


def test_kinds_are_those_of_the_contract() -> None:
    words = (
        "targetNotFound containerNotFound targetNotRunning targetAmbiguous unauthorized forbidden unreachable "
        "credentialPluginFailed kubeconfigInvalid timeout commandNotFound commandConflict startFailed shellMissing "
        "toolMissing storageUnavailable storageFull processLimit offsetExpired backendMissing notSupported "
        "shuttingDown internal"
    )
    added = {"devfileInvalid", "stdinClosed"}
    assert set(ErrorKind) == {*words.split(), *added}


def test_error_has_nothing_that_was_not_said() -> None:
    error = RemoteCommandError(ErrorKind.INTERNAL, "what happened")
    assert (error.retryable, error.remedy, error.http_status, error.reason, error.process) == (False, *[None] * 4)
    assert (error.first_offset, error.run_id) == (None, None)
