"""The words that the server and the agent exchange: quoting, requests, replies, notices. Pure, sans-I/O.

A request is one line of shell words that the agent evaluates, so everything of the user's in it is quoted here and
nowhere else. A reply is a header line (nonce, request id, byte count, words) and that many raw bytes on the agent's
stdout; a notice is one line on its stderr. What comes from the container is untrusted: every length is bounded, lines
without the nonce are dropped. The facts in a `Snapshot` are judged by `handlers.lifecycle`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import string
import urllib.parse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_LINE_BYTES = 65_536
"""Longest header or notice that is believed; the agent's own are below 5 KiB."""

MAX_BODY_BYTES = 64 << 20
"""Longest reply body that is believed; windows are asked for in a few MiB at most."""

_OF_SHELLS = frozenset({"UID", "EUID", "PPID", "GROUPS", "RANDOM", "SECONDS", "LINENO", "OPTIND"})
"""Variables that some shell keeps for itself: read-only, numbers only, or changed behind our back."""

CHUNK_BYTES = 16_384
"""Longest piece of a value in one request: `read` takes 213 ms for a MiB in dash, and other requests go in between."""


def quote(value: str) -> str:
    r"""Quote for the agent's `eval`: single quotes, a newline as `"$rc_nl"` so that the request stays one line.

    Raises:
        ValueError: the value holds a NUL, which no shell can hold.
    """
    if "\0" in value:
        msg = "a shell word can't hold a NUL"
        raise ValueError(msg)
    return "'" + value.replace("'", "'\\''").replace("\n", "'\"$rc_nl\"'") + "'"


def quote_in_file(value: str) -> str:
    """Quote for a script file, where a newline may stand as it is."""
    return "'" + value.replace("'", "'\\''") + "'"


def request_line(operation: str, *words: str | int) -> bytes:
    """One request; `operation` is a function of the agent, words are quoted."""
    return " ".join([operation, *(quote(str(word)) for word in words)]).encode() + b"\n"


def chunks(text: str) -> Iterator[str]:
    """Split a text so that each piece has at most `CHUNK_BYTES` bytes of UTF-8 (a character has at most 4)."""
    step = CHUNK_BYTES if text.isascii() else CHUNK_BYTES // 4
    for i in range(0, len(text), step):
        yield text[i : i + step]


def run_key(command_id: str) -> str:
    """What names a command's files: a hash of its id, since programs with a visible argv make and remove them."""
    return hashlib.sha256(command_id.encode()).hexdigest()[:24]


MERGED = 1
TAKES_INPUT = 2
"""What is special about the streams of a run, added up."""

MAX_TITLE_BYTES = 240
"""Of the word for a title: a snapshot with it has its place in one notice."""

_PLAIN = string.punctuation.replace("%", "").replace("\\", "")
"""What may stand in a word; some shells' echo takes a backslash for an escape."""


def title_word(text: str) -> str:
    """The beginning of a text as one word of ASCII: percent-encoded, an ellipsis at the end if it was cut."""
    parts = [urllib.parse.quote(character, safe=_PLAIN) for character in text[:MAX_TITLE_BYTES]]
    word = "".join(parts)
    if len(word) <= MAX_TITLE_BYTES and len(text) <= MAX_TITLE_BYTES:
        return word
    ellipsis = urllib.parse.quote("…")
    while len(word) + len(ellipsis) > MAX_TITLE_BYTES:
        word = word[: len(word) - len(parts.pop())]
    return word + ellipsis


def read_title(word: str) -> str:
    """The text of a title's word; whatever the container made of it, it is text without control characters."""
    text = urllib.parse.unquote(word)
    return "".join(character if character.isprintable() else " " for character in text)


def spec_text(
    argv: Sequence[str],
    *,
    working_dir: str,
    env_vars: Sequence[tuple[str, str]],
) -> str:
    """The script that the launcher reads to become the command.

    `rc_cd` and `rc_ready` are the agent's; after `rc_ready` only exports and the exec follow, for a variable of the
    user's may have any name. A relative directory gets `./`, since `cd -` and a leading `-` mean something else.
    """
    if working_dir:
        path = working_dir if working_dir.startswith("/") else f"./{working_dir}"
        lines = [f"rc_cd {quote_in_file(path)}"]
        if not working_dir.startswith("/"):
            lines.insert(0, 'rc_cd "$RC_CWD"')
    else:
        lines = ['rc_cd "$RC_CWD"']
    size = sum(len(a.encode()) + 9 for a in argv) + sum(len(k) + len(v.encode()) + 10 for k, v in env_vars)
    if size > CHUNK_BYTES:
        lines.append("rc__big=1")
    lines.append("rc_ready")
    words = [quote_in_file(arg) for arg in argv]
    if "/" not in argv[0]:
        paths = [value for key, value in env_vars if key == "PATH"]
        lines.append(f"rc_find {words[0]} " + (quote_in_file(paths[-1]) if paths else '"$PATH"'))
        words[0] = '"$rc__program"'
    special = [f"{key}={value}" for key, value in env_vars if key in _OF_SHELLS]
    if special:
        words = ["env", *(quote_in_file(word) for word in special), *words]
    lines.append("set -- $rc__setsid " + " ".join(words))
    lines += [f"export {key}={quote_in_file(value)} 2>/dev/null" for key, value in env_vars if key not in _OF_SHELLS]
    lines.append('exec "$@"')
    return "\n".join(lines)


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """A reply: `words` of its header, and its body."""

    request_id: int
    words: tuple[str, ...]
    body: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Hello:
    """The agent is there. `uptime` is the container's clock in seconds, `uid` whose processes it can signal."""

    pid: int
    uid: int
    uptime: float
    namespace: str


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """The agent can't work here: `what` is tool, shell, proc or storage."""

    what: str
    detail: str


class ProtocolError(Exception):
    """The agent's stdout does not keep to the format; the channel can't be used further."""


class ReplyDecoder:
    """Splits the agent's stdout into a greeting and replies. Feed bytes as they come, cut anywhere."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce.encode()
        self._greeted = False
        self._line = bytearray()
        self._header: tuple[int, tuple[str, ...]] | None = None
        self._missing = 0
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Hello | Refused | Reply]:
        """Yield what the bytes complete.

        Raises:
            ProtocolError: a header is malformed or too long.
        """
        at = 0
        while at < len(data):
            if self._header is not None:
                part = data[at : at + self._missing]
                at += len(part)
                self._missing -= len(part)
                self._parts.append(part)
            else:
                end = data.find(b"\n", at)
                self._line += data[at : end if end >= 0 else len(data)]
                if len(self._line) > MAX_LINE_BYTES:
                    msg = "a header is too long"
                    raise ProtocolError(msg)
                if end < 0:
                    return
                at = end + 1
                greeting = self._read_line(bytes(self._line))
                self._line.clear()
                if greeting is not None:
                    yield greeting
            if self._header is not None and self._missing == 0:
                request_id, words = self._header
                body = b"".join(self._parts)
                self._header = None
                self._parts = []
                yield Reply(request_id, words, body)

    def _read_line(self, line: bytes) -> Hello | Refused | None:
        words = line.split(b" ")
        if words[0] != self._nonce or len(words) < 3:
            if self._greeted:
                msg = "a header does not begin with the nonce"
                raise ProtocolError(msg)
            return None  # whatever a login shell prints before the agent is there
        texts = [word.decode("ascii", "replace") for word in words[1:]]
        try:
            if not self._greeted:
                return self._read_greeting(texts)
            count = int(texts[1])
            if not 0 <= count <= MAX_BODY_BYTES:
                msg = "a reply claims an impossible length"
                raise ProtocolError(msg)
            self._header = (int(texts[0]), tuple(texts[2:]))
            self._missing = count
        except (ValueError, IndexError) as error:
            msg = "a header can't be read"
            raise ProtocolError(msg) from error
        return None

    def _read_greeting(self, texts: list[str]) -> Hello | Refused:
        self._greeted = True
        if texts[0] == "hello" and texts[1] == "1":
            return Hello(pid=int(texts[2]), uid=int(texts[3]), uptime=_seconds(texts[4]), namespace=texts[5])
        if texts[0] == "refused":
            return Refused(texts[1], " ".join(texts[2:]))
        msg = "the greeting can't be read"
        raise ProtocolError(msg)


@dataclasses.dataclass(frozen=True, slots=True)
class StreamFacts:
    """What a pump wrote down of its stream.

    Attributes:
        segment: first offset of the current segment.
        size: offset after the last byte that can be read.
        at: when that byte was read, as uptime.
        ended: every writer is gone.
        full: no room on the disk; bytes are being dropped.
        last: start and end of the segment before; bytes between its end and `segment` are gone.
    """

    segment: int
    size: int
    at: float | None
    ended: bool
    full: bool
    last: tuple[int, int] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """The facts of one run as the agent found them; times are uptimes in seconds, None where there is no record.

    Attributes:
        path: the run's directory below `runs/`.
        key: names the command; `generation` counts its runs from 1.
        merged: its stderr goes to stdout.
        takes_input: it was started with a stdin that can be written.
        title: the beginning of what it runs.
        life: "A" alive; "L" alive and not yet the command; "E" ended, the record is to come; "G" gone; "Z" a zombie
            that nobody waits for; "R" gone, and its pid is another's; "F" recorded in another boot or PID namespace;
            "-" no pid record.
        epoch_ms: milliseconds since the epoch at uptime 0, by the clock of the server that started the run.
        why: why it never started; "-" if it did.
        stop_signal: the last signal that a stop sent, with `stop_reason` "request" or "timeout".
    """

    path: str
    key: str
    generation: int
    command_id: str
    run_id: str
    spec_hash: str
    merged: bool
    takes_input: bool
    epoch_ms: int
    made_at: float
    title: str
    pid: int | None
    started_at: float | None
    life: str
    code: int | None
    ended_at: float | None
    why: str
    stop_signal: str | None
    stop_reason: str | None
    stdout: StreamFacts
    stderr: StreamFacts


def _seconds(word: str) -> float:
    value = float(word)
    if not 0 <= value < 1e10:
        raise ValueError
    return value


def _number(word: str) -> int:
    """An integer that a file system or a kernel can mean."""
    value = int(word)
    if not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _optional_int(word: str) -> int | None:
    return None if word == "-" else _number(word)


def _optional_float(word: str) -> float | None:
    return None if word == "-" else _seconds(word)


def _read_stream(words: Sequence[str]) -> StreamFacts:
    segment, size, at, flag, start, end = words
    last = None if start == "-" else (_number(start), _number(end))
    return StreamFacts(_number(segment), _number(size), _optional_float(at), flag == "E", flag == "F", last)


def read_snapshot(line: bytes) -> Snapshot | None:
    """Read the agent's `snap` line; None when it is not one.

    Whoever has our uid in the container can write what he likes into the records, and ids and reasons of them are shown
    on terminals: so nothing but printable characters is believed.
    """
    text = line.decode("ascii", "replace").strip()
    words = text.split()
    if len(words) != 32 or not text.isprintable():
        return None
    try:
        streams = _number(words[6])
        return Snapshot(
            path=words[0],
            key=words[1],
            generation=_number(words[2]),
            command_id=words[3],
            run_id=words[4],
            spec_hash=words[5],
            merged=bool(streams & MERGED),
            takes_input=bool(streams & TAKES_INPUT),
            epoch_ms=_number(words[7]),
            made_at=_seconds(words[8]),
            title=read_title(words[9]),
            pid=_optional_int(words[10]),
            started_at=_optional_float(words[12]),
            life=words[13],
            code=_optional_int(words[14]),
            ended_at=_optional_float(words[15]),
            why=words[16],
            stop_signal=None if words[17] == "-" else words[17],
            stop_reason=None if words[19] == "-" else words[19],
            stdout=_read_stream(words[20:26]),
            stderr=_read_stream(words[26:32]),
        )
    except ValueError:
        return None


class NoticeDecoder:
    """Splits the agent's stderr into snapshots; everything else there (a shell's own complaints) is dropped."""

    def __init__(self, nonce: str) -> None:
        self._start = f"{nonce} run ".encode()
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Snapshot]:
        """Yield the snapshots that the bytes complete."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[: MAX_LINE_BYTES + 1]
        for line in lines:
            if len(line) <= MAX_LINE_BYTES and line.startswith(self._start):
                snapshot = read_snapshot(line[len(self._start) :])
                if snapshot is not None:
                    yield snapshot
