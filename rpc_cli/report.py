"""What doctor found, as lines for a terminal or a pipe. Pure.

Unlike other tables nothing is cut: what a person is to do must be read whole, and may be YAML to copy.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from handlers.checkup import Check, Level, Mode
from rpc_cli import exits
from rpc_cli.failures import OPTION_OF_FIELD
from rpc_cli.formats import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rpc_server import results

STYLES = {Level.OK: "green", Level.INFO: "dim", Level.WARNING: "yellow", Level.ERROR: "red"}

LEAST_WIDTH = 20
"""Of the text, on however narrow a terminal: a line that is too long is better than a word a line."""

_EXIT_OF_CHECK: dict[str, int] = {Check.TARGET: exits.TARGET, Check.PERMISSIONS: exits.ACCESS}


def findings(found: Sequence[results.Finding], width: int | None) -> Iterator[tuple[str, str | None, list[str]]]:
    """Of each finding its level, padded, that one's style, and the lines that follow it.

    Args:
        found: the findings.
        width: of the terminal in characters; None does not wrap.
    """
    levels = max((len(printable(finding.level)) for finding in found), default=0) + 2
    checks = max((len(printable(finding.check)) for finding in found), default=0) + 2
    indent = " " * (levels + checks)
    for finding in found:
        first = printable(finding.check).ljust(checks)
        lines = _wrapped(_words(finding.detail), width, len(indent))
        lines = [first + lines[0], *(indent + line for line in lines[1:])]
        for i, line in enumerate((finding.remedy or "").splitlines()):
            mark = "→ " if i == 0 else "  "
            wrapped = _wrapped(_words(line), width, len(indent) + 4)
            lines += [f"{indent}{mark}{wrapped[0]}", *(f"{indent}    {more}" for more in wrapped[1:])]
        yield printable(finding.level).ljust(levels), STYLES.get(_level(finding.level)), lines


def _words(text: str) -> str:
    """A sentence of the server with what this program calls things."""
    return printable(text).replace("pidDirectory", OPTION_OF_FIELD["pidDirectory"])


def _level(word: str) -> Level:
    return Level(word) if word in set(Level) else Level.INFO


def _wrapped(text: str, width: int | None, taken: int) -> list[str]:
    """Lines of a text beside `taken` characters."""
    if width is None:
        return [text]
    room = max(width - taken, LEAST_WIDTH)
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]


def status(found: results.DoctorResult) -> int:
    """The exit status: that of the first error, as a command that is started there would end with."""
    if found.mode == Mode.SUPERVISED:
        return 0
    wrong = [finding.check for finding in found.findings if finding.level == Level.ERROR]
    return _EXIT_OF_CHECK.get(wrong[0], exits.CONTAINER) if wrong else exits.FAILED
