"""Words of a command line to values: ids, environment variables, times, offsets. Pure.

Each function raises ValueError with a sentence for a person. Must not know: click, the wire.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence

from handlers import api

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_MOST_WORDS = 4
_MOST_CHARACTERS = 40
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(ms|s|m|h))")
_SIGNAL_OF_NUMBER = {"1": "HUP", "2": "INT", "3": "QUIT", "9": "KILL", "15": "TERM"}
"""The numbers that POSIX fixes, see kill(1p)."""
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def default_id(args: Sequence[str]) -> str:
    """An id for a command that was given none: `npm run dev` → npm-run-dev, the same each time.

    It is made of the first words up to an option or anything unusual: what follows may be a secret, and ids are shown
    and logged. If that is not the whole command, four digits of its hash tell it from others that begin alike.
    """
    program = args[0].rpartition("/")[2] if args else ""
    words: list[str] = []
    for word in (program, *args[1:]):
        if not _PLAIN.match(word) or len(words) == _MOST_WORDS or len("-".join((*words, word))) > _MOST_CHARACTERS:
            break
        words.append(word)
    if words and len(words) == len(args) and words[0] == args[0]:
        return "-".join(words)
    digits = hashlib.sha256("\0".join(args).encode("utf-8", "surrogateescape")).hexdigest()[:4]
    return "-".join((*words, digits) if words else ("command", digits))


def env_var(text: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """KEY=VALUE, or KEY, whose value is then that of this environment, as with docker."""
    key, equals, value = text.partition("=")
    if not api.KEY_PATTERN.match(key):
        raise ValueError("an environment variable is KEY=VALUE or KEY, and KEY is letters, digits and _")
    if equals:
        return key, value
    if key not in environment:
        raise ValueError(f"{key} is not set here, so there is no value to take: write {key}=VALUE")
    return key, environment[key]


def seconds(text: str) -> float:
    """A time: 10, 1.5, 30s, 500ms, 1m30s, 2h. A number without a unit is in seconds."""
    try:
        if text[:1].isdigit() and math.isfinite(number := float(text)):
            return number
    except ValueError:
        pass
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("a time is a number of seconds, or as in 30s, 1m30s, 2h, 500ms")
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def offsets(text: str) -> tuple[int, int]:
    """N or N,M: bytes of stdout and of stderr to skip."""
    parts = text.split(",")
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError("an offset is N, or N,M for both streams, in bytes")
    return int(parts[0]), int(parts[1]) if len(parts) == 2 else 0


def signal_name(text: str) -> str:
    """A signal by name, in any case, with or without SIG, or by a number that is the same everywhere."""
    name = _SIGNAL_OF_NUMBER.get(text, text.upper().removeprefix("SIG"))
    if name not in api.SIGNALS:
        raise ValueError(f"a signal is one of {', '.join(api.SIGNALS)}")
    return name
