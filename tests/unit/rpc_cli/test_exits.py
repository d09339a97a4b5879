from __future__ import annotations

import pytest

from handlers.errors import ErrorKind
from rpc_cli import exits
from rpc_client.errors import Kind, RequestError
from rpc_server import results

TARGET = results.ResolvedTarget(kind="local")


def process(**fields: object) -> results.Process:
    given = {"id": "a", "target": TARGET, "status": "errored", "state": "exited", **fields}
    return results.Process(**given)  # type: ignore[arg-type]  # a table's values


def failure(kind: str, reason: str | None = None) -> RequestError:
    return RequestError(kind, "x", data=results.FailureData(kind=kind, retryable=False, reason=reason))


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_of_failure_has_a_documented_status(kind: ErrorKind) -> None:
    assert kind in exits.OF_KIND
    assert exits.of_error(failure(kind)) in exits.MEANINGS


@pytest.mark.parametrize(
    "error, status",
    [
        (failure("targetNotFound"), 3),
        (failure("forbidden"), 4),
        (failure("unreachable"), 5),
        (failure("commandNotFound"), 6),
        (failure("toolMissing"), 7),
        (failure("timeout"), 124),
        (failure("notSupported"), 125),
        (failure("startFailed", "executableNotFound"), 127),
        (failure("startFailed", "permissionDenied"), 126),
        (failure("startFailed", "workingDirNotFound"), 125),
        (failure("ofALaterServer"), 125),
        (RequestError(Kind.INVALID_PARAMS, "x"), 2),
        (RequestError(Kind.SERVER_GONE, "x"), 125),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else f"{value.kind} {value.reason or ''}",
)
def test_status_of_a_failure(error: RequestError, status: int) -> None:
    assert exits.of_error(error) == status


@pytest.mark.parametrize(
    "run, status",
    [
        (process(exit_code=0), 0),
        (process(exit_code=7), 7),
        (process(exit_code=143, signal="TERM"), 143),
        (process(exit_code=143, reason="timeout"), 124),
        (process(state="startFailed", reason="executableNotFound"), 127),
        (process(state="lost", status="unknown", reason="containerRestarted"), 125),
        (process(state="lost", status="unknown"), 125),
    ],
    ids=["0", "its own", "signal", "time limit", "not found", "lost", "lost without a reason"],
)
def test_status_of_a_run(run: results.Process, status: int) -> None:
    assert exits.of_process(run) == status
