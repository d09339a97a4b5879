"""The exec framing: tables of what servers send, and round trips over anything at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.api import Stream
from handlers.transports.base import Cut, Exited, StartFailed, StreamEnd
from handlers.transports.kubernetes import frames
from handlers.transports.kubernetes.frames import Demultiplexer, end_of_status

OCI = (
    "Internal error occurred: Internal error occurred: error executing command in container: failed to exec in "
    'container: failed to start exec "d46d": OCI runtime exec failed: exec failed: unable to start container process: '
)


def failure(message: str, reason: str = "InternalError", causes: Any = None) -> dict[str, Any]:
    return {"status": "Failure", "message": message, "reason": reason, "details": {"causes": causes}}


def code(value: Any) -> dict[str, Any]:
    return failure("command terminated", "NonZeroExitCode", [{"reason": "ExitCode", "message": value}])


ENDS: dict[str, tuple[Any, StreamEnd]] = {
    "success": ({"status": "Success"}, Exited(0)),
    "code": (code("42"), Exited(42)),
    "signal": (code("137"), Exited(137)),
    "windows": (code("-1073741510"), Exited(-1073741510)),
    "code in words": (failure("... exited, exit code 7", "NonZeroExitCode"), Exited(7)),
    "code of another kind": (failure("exit status 7", "NonZeroExitCode", ["x", {"reason": "Other"}, {}]), Exited(7)),
    "code not a number": (code("many"), Cut("command terminated")),
    "code too long": (code("9" * 11), Cut("command terminated")),
    "code missing": (failure("terminated", "NonZeroExitCode", "x"), Cut("terminated")),
    "details missing": ({"status": "Failure", "reason": "NonZeroExitCode", "message": "m"}, Cut("m")),
    "nothing said": ({"status": "Failure"}, Cut("the API server reported a failure without saying which")),
    "no status": ({}, Cut("the API server reported a failure without saying which")),
    "message not text": (failure(7), Cut("the API server reported a failure without saying which")),  # type: ignore[arg-type]
    "not an object": ([], Cut("the API server's exec status is not an object")),
    "timeout": (failure("Internal error occurred: error dialing backend: EOF"), Cut("error dialing backend: EOF")),
}


@pytest.mark.parametrize("name", ENDS)
def test_status_is_read_as_an_end(name: str) -> None:
    status, end = ENDS[name]
    assert end_of_status(status) == end


@pytest.mark.parametrize(
    "words",
    [
        OCI + 'exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown',
        OCI + 'exec: "sh": executable file not found in $PATH: unknown',
        "executable file `/bin/sh` not found: No such file or directory: OCI runtime attempted to invoke a command ...",
        "OCI runtime exec failed: executable '/bin/sh' for container not found",
        'error finding executable "/bin/sh" in PATH [/bin]: no such file or directory',
        "starting: exec /bin/sh: no such file or directory",
        "standard_init_linux.go:228: exec user process caused: no such file or directory",
        "hcs::System::CreateProcess: The system cannot find the file specified.",
    ],
)
def test_missing_shell_is_recognised(words: str) -> None:
    end = end_of_status(failure(words))
    assert isinstance(end, StartFailed) and end.shell_missing
    assert end.message and "Internal error" not in end.message and "unknown" not in end.message


@pytest.mark.parametrize(
    "words",
    [
        OCI + 'exec: "/etc": permission denied: unknown',
        OCI + 'chdir to cwd ("/gone") set in config.json failed: no such file or directory: unknown',
        'container not found ("main")',
        "rpc error: cannot exec in a stopped state: unknown",
        "failed to exec in container: container is in CONTAINER_EXITED state",
        "exec format error",
    ],
)
def test_other_start_failures_do_not_blame_the_shell(words: str) -> None:
    end = end_of_status(failure(words))
    assert isinstance(end, StartFailed) and not end.shell_missing


@pytest.mark.parametrize("number", ["126", "127"])
def test_docker_reports_a_start_failure_as_an_exit(number: str) -> None:
    said = (
        b'OCI runtime exec failed: exec failed: exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown\r\n'
    )
    end = end_of_status(code(number), said)
    assert isinstance(end, StartFailed) and end.shell_missing
    assert end_of_status(code(number), b"OCI is not mentioned") == Exited(int(number))
    assert end_of_status(code("1"), said) == Exited(1)


def test_a_runtime_message_with_a_code_is_a_start_failure() -> None:
    causes = [{"reason": "ExitCode", "message": "127"}]
    end = end_of_status(failure(OCI + 'exec: "sh": executable file not found', "NonZeroExitCode", causes))
    assert isinstance(end, StartFailed) and end.shell_missing


def test_reason_is_one_bounded_line() -> None:
    end = end_of_status(failure("a\nb\t" + "c" * 5000))
    assert isinstance(end, Cut)
    assert end.detail.startswith("a b ccc") and len(end.detail) == 400


def test_channels_are_split() -> None:
    demultiplexer = Demultiplexer()
    assert demultiplexer.feed(b"\1out") == (Stream.STDOUT, b"out")
    assert demultiplexer.feed(b"\2err") == (Stream.STDERR, b"err")
    assert demultiplexer.feed(b'\3{"status":"Success"}') == Exited(0)
    assert demultiplexer.feed(b"\1late") == (Stream.STDOUT, b"late")
    assert demultiplexer.finish("closed") == Exited(0)


@pytest.mark.parametrize("message", [b"", b"\0", b"\1", b"\2", b"\3", b"\4x", b"\xff\1", b"\x09data", b"\0stdin"])
def test_what_says_nothing_is_dropped(message: bytes) -> None:
    demultiplexer = Demultiplexer()
    assert demultiplexer.feed(message) is None
    assert demultiplexer.finish("closed") == Cut("closed")


def test_status_may_come_in_pieces_and_only_once() -> None:
    demultiplexer = Demultiplexer()
    whole = json.dumps(code("3")).encode()
    for i in range(len(whole) - 1):
        assert demultiplexer.feed(b"\3" + whole[i : i + 1]) is None
    assert demultiplexer.feed(b"\3" + whole[-1:]) == Exited(3)
    assert demultiplexer.feed(b'\3{"status":"Success"}') is None
    assert demultiplexer.finish("closed") == Exited(3)


@pytest.mark.parametrize("junk", [b"not json", b"\xff\xfe", b"[" * 50_000, b"x" * frames.MAX_STATUS_BYTES])
def test_unreadable_status_is_a_cut(junk: bytes) -> None:
    demultiplexer = Demultiplexer()
    assert demultiplexer.feed(b"\3" + junk) is None
    assert demultiplexer.finish("closed") == Cut("the API server's exec status can't be read; closed")


def test_oversized_status_is_dropped_whole() -> None:
    demultiplexer = Demultiplexer()
    for _ in range(4):
        assert demultiplexer.feed(b"\3" + b" " * (frames.MAX_STATUS_BYTES // 2)) is None
    assert demultiplexer.feed(b'\3{"status":"Success"}') is None
    assert isinstance(demultiplexer.finish("closed"), Cut)


def test_docker_words_count_only_as_the_whole_output() -> None:
    said = b"OCI runtime exec failed: exec failed: unable to start container process: permission denied"
    status = b"\3" + json.dumps(code("126")).encode()
    alone = Demultiplexer()
    alone.feed(b"\1" + said)
    assert isinstance(alone.feed(status), StartFailed)
    among_more = Demultiplexer()
    among_more.feed(b"\1" + said)
    among_more.feed(b"\2" + b"x" * 4096)
    among_more.feed(b"\2more")
    assert among_more.feed(status) == Exited(126)


@given(st.binary(max_size=70_000))
def test_stdin_round_trip(data: bytes) -> None:
    messages = list(frames.encode_stdin(data))
    assert all(
        message[0] == frames.STDIN and 1 < len(message) <= frames.MAX_STDIN_FRAME_BYTES + 1 for message in messages
    )
    assert b"".join(message[1:] for message in messages) == data


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(min_size=1, max_size=3000)), max_size=30))
def test_output_round_trip(parts: list[tuple[int, bytes]]) -> None:
    demultiplexer = Demultiplexer()
    got = [demultiplexer.feed(bytes([channel]) + data) for channel, data in parts]
    assert got == [(Stream.STDOUT if channel == 1 else Stream.STDERR, data) for channel, data in parts]


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_nothing_that_is_sent_raises(messages: list[bytes]) -> None:
    demultiplexer = Demultiplexer()
    for message in messages:
        demultiplexer.feed(message)
    demultiplexer.finish("closed")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: (
        st.lists(children)
        | st.dictionaries(st.sampled_from(["status", "reason", "message", "details", "causes"]), children)
    ),
    max_leaves=12,
)


@given(json_values, st.binary(max_size=50))
def test_any_status_is_some_end(status: Any, output: bytes) -> None:
    assert isinstance(end_of_status(status, output), Exited | StartFailed | Cut)


def test_control_messages() -> None:
    assert frames.encode_close() == b"\xff\0"
    message = frames.encode_resize(24, 80)
    assert message[0] == frames.RESIZE and json.loads(message[1:]) == {"Width": 80, "Height": 24}
