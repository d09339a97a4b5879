"""Cuts the bytes of stdin into message bodies, whatever a client sends.

Sans-I/O: bytes in, bodies or complaints out, so that every split of a stream gives the same answer. Rules of this file:
a complaint is given once and the decoder then looks for the next `Content-Length` line, so it never hangs; no JSON text
can hold such a line (a newline inside a JSON string is escaped), so what it finds is never part of a lost body; and
nothing is buffered beyond one header block or one body of the permitted size.
Must not know: JSON-RPC, pygls, file descriptors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_HEADER_BYTES = 8192
"""More than any client sends: two lines are usual. The bound is that of common HTTP servers."""

MAX_BODY_BYTES = 64 << 20
"""Larger than any request that can succeed: definitions are bounded by the kernel's 2 MiB for arguments."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_HEADER_LINE = re.compile(rb"[ \t]*(" + _TOKEN + rb"+)[ \t]*:[ \t]*(.*?)[ \t]*", re.DOTALL)
_LINE_START = re.compile(rb"[ \t]*(?:" + _TOKEN + rb"|\r?\Z)")
_NEXT_HEADER = re.compile(rb'content-length[ \t]{0,8}:[^"\r\n]{0,40}\r?\n', re.IGNORECASE)
_NEXT_HEADER_MAX = 96
_CHARSET = re.compile(rb"charset[ \t]*=[ \t]*\"?([^\s;\"]+)", re.IGNORECASE)
_HOW = 'send "Content-Length: N", an empty line, then N bytes of JSON'


@attrs.frozen
class Body:
    """The bytes of one message, as announced by its header."""

    data: bytes


@attrs.frozen
class Malformed:
    """Something that is no message; `message` says what is wrong and what to send."""

    message: str


@attrs.define
class FrameDecoder:
    """Cuts a stream of bytes at the headers of the LSP base protocol."""

    max_header: int = MAX_HEADER_BYTES
    max_body: int = MAX_BODY_BYTES
    _buffer: bytearray = attrs.field(factory=bytearray, init=False)
    _body_size: int | None = attrs.field(default=None, init=False)
    _lost: bool = attrs.field(default=False, init=False)

    @property
    def mid_message(self) -> bool:
        """Whether the bytes so far end inside a message."""
        return self._body_size is not None or (not self._lost and bool(self._buffer.strip()))

    def feed(self, data: bytes) -> Iterator[Body | Malformed]:
        """Take bytes and yield what they complete, in order."""
        self._buffer += data
        while (event := self._next()) is not None:
            yield event

    def _next(self) -> Body | Malformed | None:
        if self._lost and not self._resynchronise():
            return None
        if self._body_size is None and (complaint := self._read_header()) is not None:
            return complaint
        if self._body_size is None or len(self._buffer) < self._body_size:
            return None
        body = bytes(self._buffer[: self._body_size])
        del self._buffer[: self._body_size]
        self._body_size = None
        return Body(body)

    def _read_header(self) -> Malformed | None:
        """Read a header block if it is complete; complain as soon as it can't become one."""
        del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))]
        headers: dict[bytes, set[bytes]] = {}
        start = 0
        while (end := self._buffer.find(b"\n", start)) != -1 and end <= self.max_header:
            line = bytes(self._buffer[start:end]).rstrip(b"\r")
            if not line.strip():
                return self._take_block(headers, end + 1)
            match = _HEADER_LINE.fullmatch(line)
            if match is None:
                return self._lose(start + 1, f"this is no header line: {_HOW}")
            headers.setdefault(match[1].lower(), set()).add(match[2])
            start = end + 1
        if len(self._buffer) > self.max_header:
            return self._lose(1, f"the header is longer than {self.max_header} bytes: {_HOW}")
        if start < len(self._buffer) and not _LINE_START.match(self._buffer, start):
            return self._lose(start + 1, f"this is no header line: {_HOW}")
        return None

    def _take_block(self, headers: dict[bytes, set[bytes]], block_size: int) -> Malformed | None:
        lengths = headers.get(b"content-length")
        if lengths is None:
            return self._lose(1, f"the header has no Content-Length: {_HOW}")
        value = lengths.pop()
        if lengths or not re.fullmatch(rb"[0-9]{1,40}", value):
            return self._lose(block_size, "the Content-Length is not one number: it counts the bytes of the body")
        size = int(value)
        if size > self.max_body:
            return self._lose(block_size, f"the message is larger than {self.max_body} bytes: it was skipped")
        for content_type in headers.get(b"content-type", ()):
            charset = _CHARSET.search(content_type)
            if charset and charset[1].lower() not in {b"utf-8", b"utf8"}:
                return self._lose(block_size, "the charset must be utf-8, as JSON-RPC over stdio has no other")
        del self._buffer[:block_size]
        self._body_size = size
        return None

    def _lose(self, drop: int, message: str) -> Malformed:
        """Complain, drop at least one byte (so there is always progress) and look for the next header."""
        del self._buffer[:drop]
        self._lost = True
        return Malformed(message)

    def _resynchronise(self) -> bool:
        match = _NEXT_HEADER.search(self._buffer)
        if match is None:
            del self._buffer[:-_NEXT_HEADER_MAX]
            return False
        del self._buffer[: match.start()]
        self._lost = False
        return True
