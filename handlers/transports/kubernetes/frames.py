"""The exec WebSocket's framing, sans I/O: messages in, output bytes and the end out; stdin bytes in, messages out.

Each binary message is one channel byte and a payload (v4.channel.k8s.io; KEP-4006 for v5.channel.k8s.io). v5 differs
in one thing: a client may close one stream, which is how a program reads EOF while its output still arrives.
Rule: nothing that a server sends raises; what can't be understood is dropped, or ends as `Cut` with the reason.
Must not know: WebSockets, asyncio, the Kubernetes client.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from handlers.api import Stream
from handlers.transports.base import Cut, Exited, StartFailed, StreamEnd

if TYPE_CHECKING:
    from collections.abc import Iterator

V5 = "v5.channel.k8s.io"
V4 = "v4.channel.k8s.io"
SUBPROTOCOLS = (V5, V4)
"""In order of preference; API servers before 1.30 know only v4."""

STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255

MAX_STDIN_FRAME_BYTES = 32 * 1024
"""What the far side's copy buffers hold (io.Copy), so nothing is gained by more."""

MAX_STATUS_BYTES = 64 * 1024
"""A V1Status is about 1 KiB; a longer one than this is dropped, and the stream's end is a `Cut`."""

_MAX_REASON_CHARACTERS = 400
_HEAD_BYTES = 1024

_NO_SUCH_PROGRAM = re.compile(
    r'exec: "[^"]*": .*no such file or directory'  # runc 1.1+, with a path
    r"|executable file .*not found"  # runc and crun, with a name to look up
    r"|executable .* not found"  # youki
    r"|error finding executable"  # gVisor
    r"|\bexec \S+: no such file or directory"  # a program whose interpreter is missing
    r"|exec user process caused.*no such file"  # runc 1.0
    r"|cannot find the file specified",  # Windows nodes
    re.IGNORECASE | re.DOTALL,
)
_NEVER_STARTED = re.compile(
    r"OCI runtime exec failed|failed to (?:start|create) exec|unable to start container process|exec format error"
    r"|container not found|container (?:is )?not running|CONTAINER_EXITED|cannot exec in a \w+ (?:state|container)",
    re.IGNORECASE,
)
_CODE_IN_WORDS = re.compile(r"exit (?:code|status):? (\d{1,10})\b")


class Demultiplexer:
    """Splits one exec stream's messages by channel and remembers how it ended."""

    def __init__(self) -> None:
        self._status = bytearray()
        self._status_dropped = False
        self._end: StreamEnd | None = None
        self._head = b""
        self._whole = True

    def feed(self, message: bytes) -> tuple[Stream, bytes] | StreamEnd | None:
        """Take one message: output bytes (never empty), the end once it is known, or None if it says nothing.

        Output may follow the end: the channels are copied independently, so read on until the connection closes.
        """
        if len(message) < 2:  # servers begin with an empty message on stdout
            return None
        channel = message[0]
        if channel in (STDOUT, STDERR):
            data = message[1:]
            if self._whole:
                self._keep_head(data)
            return (Stream.STDOUT if channel == STDOUT else Stream.STDERR), data
        if channel == STATUS and self._end is None:
            return self._feed_status(message)
        return None

    def finish(self, detail: str) -> StreamEnd:
        """Say how the stream ended, the connection being gone; `detail` says how that went, for a `Cut`."""
        if self._end is None:
            if self._status or self._status_dropped:
                detail = f"the API server's exec status can't be read; {detail}"
            self._end = Cut(detail)
        return self._end

    def _keep_head(self, data: bytes) -> None:
        self._head += data[:_HEAD_BYTES]
        self._whole = len(self._head) < _HEAD_BYTES

    def _feed_status(self, message: bytes) -> StreamEnd | None:
        """A status may come in pieces, since every hop copies streams in buffers of its own size."""
        if self._status_dropped or len(self._status) + len(message) > MAX_STATUS_BYTES:
            self._status.clear()
            self._status_dropped = True
            return None
        self._status += memoryview(message)[1:]
        try:
            status = json.loads(self._status)
        except (ValueError, RecursionError):
            return None
        self._end = end_of_status(status, self._head if self._whole else b"")
        return self._end


def end_of_status(status: Any, output: bytes = b"") -> StreamEnd:
    """Read a decoded V1Status as an end.

    Args:
        status: what the JSON held; anything at all.
        output: everything the program printed, if that was little. Docker (cri-dockerd) reports a program that it could
            not start as exit code 126 or 127 and prints the reason as if the program had.
    """
    if not isinstance(status, dict):
        return Cut("the API server's exec status is not an object")
    if status.get("status") == "Success":
        return Exited(0)
    message = _text(status.get("message"))
    code = _exit_code(status, message)
    if code in (126, 127) and output.startswith(b"OCI runtime exec failed"):
        message = output.decode(errors="replace")
    elif code is not None and "OCI runtime exec failed" not in message:
        return Exited(code)
    if _NO_SUCH_PROGRAM.search(message):
        return StartFailed(_reason(message), shell_missing=True)
    if _NEVER_STARTED.search(message):
        return StartFailed(_reason(message))
    return Cut(_reason(message) or "the API server reported a failure without saying which")


def _exit_code(status: dict[str, Any], message: str) -> int | None:
    """The exit code of a NonZeroExitCode status: from its causes, else from the words of its message."""
    if status.get("reason") != "NonZeroExitCode":
        return None
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    for cause in causes if isinstance(causes, list) else ():
        if isinstance(cause, dict) and cause.get("reason") == "ExitCode":
            value = _text(cause.get("message"))
            if re.fullmatch(r"-?\d{1,10}", value):
                return int(value)
    found = _CODE_IN_WORDS.findall(message)
    return int(found[-1]) if found else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _reason(message: str) -> str:
    """The runtime's own words: what stands after the last wrapper, on one line and bounded."""
    for wrapper in ("OCI runtime exec failed: ", "Internal error occurred: ", "executing command in container: "):
        message = message.rpartition(wrapper)[2]
    words = " ".join(message.split()).removesuffix(": unknown")
    return words[:_MAX_REASON_CHARACTERS]


def encode_stdin(data: bytes) -> Iterator[bytes]:
    """Cut bytes for stdin into messages; no message for no bytes."""
    view = memoryview(data)
    for start in range(0, len(view), MAX_STDIN_FRAME_BYTES):
        yield b"\0" + view[start : start + MAX_STDIN_FRAME_BYTES]


def encode_close(channel: int = STDIN) -> bytes:
    """The v5 message that closes one stream (KEP-4006)."""
    return bytes((CLOSE, channel))


def encode_resize(rows: int, columns: int) -> bytes:
    """The message that tells a TTY its size (remotecommand.TerminalSize)."""
    return bytes((RESIZE,)) + json.dumps({"Width": columns, "Height": rows}).encode()
