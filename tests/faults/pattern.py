"""Bytes that say where they belong, so that one that is lost, doubled or in the wrong stream is seen at once.

A stream is a row of records of 4 KiB: the record's offset, then text that depends on the record's number and on the
stream's salt. A container writes it with awk, faster than it can be read.
"""

from __future__ import annotations

import hashlib

RECORD_BYTES = 4096
_TEXT_BYTES = RECORD_BYTES - 17
_SHIFTS = 251
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"
_BASE = "".join(_LETTERS[(k * k * 31 + k * 17) % 64] for k in range(_TEXT_BYTES + _SHIFTS)).encode()

_AWK = (
    f'BEGIN {{ l = "{_LETTERS}"; '
    f"for (k = 0; k < {len(_BASE)}; k++) b = b substr(l, (k * k * 31 + k * 17) % 64 + 1, 1); "
    f'for (i = first; i < last; i++) printf "%015x%s\\n\\n", i * {RECORD_BYTES}, '
    f"substr(b, (i * 7 + salt) % {_SHIFTS} + 1, {_TEXT_BYTES}) }}"
)


def command(records: int | str, salt: int, first: int | str = 0) -> str:
    """The shell command that writes records `first` to `records`, each of them a number or an expansion."""
    return f"$(command -v awk || command -v mawk) -v first={first} -v last={records} -v salt={salt} '{_AWK}'"


def paced(records: int, salt: int, *, at_once: int = 64, pause: float = 0.05) -> str:
    """The same, a part at a time with a pause after each."""
    part = command(f"$((i + {at_once}))", salt, "$i")
    return f"i=0; while [ $i -lt {records} ]; do {part}; i=$((i + {at_once})); sleep {pause}; done"


def until(file: str, salt: int, *, at_once: int = 16, pause: float = 0.05) -> str:
    """The same, until a file is there; the number of records is the last line of stderr."""
    part = command(f"$((i + {at_once}))", salt, "$i")
    return f"i=0; until [ -e {file} ]; do {part}; i=$((i + {at_once})); sleep {pause}; done; echo $i >&2"


def expected(salt: int, start: int, end: int) -> bytes:
    """Bytes `start` to `end` (exclusive) of a stream."""
    first = start // RECORD_BYTES
    records = b"".join(_record(salt, i) for i in range(first, -(-end // RECORD_BYTES)))
    return records[start - first * RECORD_BYTES : end - first * RECORD_BYTES]


def digest(salt: int, records: int) -> str:
    """The sha256 of a whole stream."""
    found = hashlib.sha256()
    for i in range(records):
        found.update(_record(salt, i))
    return found.hexdigest()


def _record(salt: int, i: int) -> bytes:
    shift = (i * 7 + salt) % _SHIFTS
    return b"%015x%b\n\n" % (i * RECORD_BYTES, _BASE[shift : shift + _TEXT_BYTES])
