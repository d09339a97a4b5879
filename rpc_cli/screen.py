"""What the user sees. stdout is for what was asked for; our own words go to stderr.

Decoration (what was started, what a Ctrl-C does) is only for a terminal; warnings and errors are for everybody. Colours
are for a terminal too, unless --color or NO_COLOR (https://no-color.org) says otherwise. Keeps track of whether the
cursor stands at the beginning of a line, since a command's output may end anywhere.
Must not know: the wire's messages, but for turning them into JSON, and for progress.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

from rpc_cli import formats, report
from rpc_cli.writer import Writer, write_all
from rpc_client import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rpc_client.errors import RequestError
    from rpc_server import results

STDOUT = 1
STDERR = 2
_STYLES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}
_STYLE_OF_STATUS = {"running": "green", "starting": "yellow", "errored": "red", "stopped": "dim", "unknown": "yellow"}


def wants_colour(stream: TextIO | None, choice: str, environment: dict[str, str]) -> bool:
    """Whether to colour what goes to a stream: `choice` is auto, always or never."""
    if choice != "auto" or stream is None:
        return choice == "always"
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


class Screen:
    """stdout and stderr of this process.

    Args:
        colour: auto, always or never.
        as_json: print the wire's objects, one a line.
    """

    def __init__(self, colour: str = "auto", *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._writer = Writer()
        self._out_is_terminal = sys.stdout is not None and sys.stdout.isatty()
        self._decorated = sys.stderr is not None and sys.stderr.isatty()
        self._colour_out = wants_colour(sys.stdout, colour, dict(os.environ))
        self._colour_error = wants_colour(sys.stderr, colour, dict(os.environ))
        self._mid_line = False

    # -- what was asked for --------------------------------------------------------------------------------------------

    async def output(self, stream: str, data: bytes) -> None:
        """Pass on bytes of a command as they are."""
        descriptor, is_terminal = (STDOUT, self._out_is_terminal) if stream == "stdout" else (STDERR, self._decorated)
        if self._mid_line and is_terminal and self._open_words:
            data = b"\n" + data
        if is_terminal and data:  # before it is written: a Ctrl-C may have its words said meanwhile
            self._mid_line, self._open_words = not data.endswith(b"\n"), False
        await self._writer.write(descriptor, data)

    _open_words = False
    """Whether the line on which the cursor stands was begun by `begin`."""

    def text(self, text: str) -> None:
        """Print text to stdout."""
        encoding = (sys.stdout and sys.stdout.encoding) or "utf-8"
        write_all(STDOUT, text.encode(encoding, "replace"))

    def json(self, value: Any, *, indent: int | None = None) -> None:
        """Print a message or result as the wire has it, on one line."""
        self.text(json.dumps(wire.to_json(value), ensure_ascii=False, indent=indent) + "\n")

    async def event(self, value: Any) -> None:
        """Print a notification on one line: its method and params."""
        line = json.dumps({"method": wire.METHOD_OF[type(value)], "params": wire.to_json(value)})
        await self._writer.write(STDOUT, line.encode() + b"\n")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows: as wide as the terminal and coloured there, plain and complete anywhere else."""
        if self._out_is_terminal:
            from rpc_cli import table  # noqa: PLC0415  # rich is worth its time only here

            self.text(table.render(header, rows, _STYLE_OF_STATUS, coloured=self._colour_out))
        else:
            self.text(formats.plain_table([header, *rows]))

    def findings(self, found: Sequence[results.Finding]) -> None:
        """Print what doctor found: wrapped to the terminal and coloured there, a line each anywhere else."""
        width = shutil.get_terminal_size().columns if self._out_is_terminal else None
        for label, style, lines in report.findings(found, width):
            first, *more = lines
            self.text(f"{_styled(label, style, on=self._colour_out)}{first}\n" + "".join(f"{line}\n" for line in more))

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Print labels and values."""
        width = max(len(label) for label, _ in pairs)
        for label, value in pairs:
            style = _STYLE_OF_STATUS.get(value.split(",")[0]) if label == "status" else None
            shown = _styled(value, style, on=self._colour_out and style is not None)
            self.text(f"{_styled(label.ljust(width), 'dim', on=self._colour_out)}  {shown}\n")

    # -- our own words -------------------------------------------------------------------------------------------------

    def note(self, text: str, style: str = "dim") -> None:
        """Say something that only decorates: to a terminal, or not at all."""
        if self._decorated and not self.as_json:
            self._say(_styled(text, style, on=self._colour_error) + "\n")

    def begin(self, text: str) -> None:
        """As `note`, and leave the line open for `finish`."""
        if self._decorated and not self.as_json:
            self._say(_styled(text.lstrip() if self._mid_line else text, "dim", on=self._colour_error))
            self._mid_line = self._open_words = True

    def finish(self, text: str) -> None:
        """Go on with the line that `begin` left open, or on a new one if there was output in between."""
        if self._decorated and not self.as_json:
            if self._open_words:
                self._mid_line = False
            self.note(text)

    def progress(self, progress: results.Progress) -> None:
        """Say what is waited for."""
        if progress.value.message is not None:
            self.note(f"waiting: {formats.sentence(progress.value.message)}")

    def warn(self, text: str) -> None:
        """Say what everybody should know."""
        self._say(f"{self._name('yellow')} {text}\n")

    def fail(self, text: str, remedy: str | None = None) -> None:
        """Say why it did not work, and what to do."""
        self._say(f"{self._name('red')} {text}\n" + (f"  {remedy}\n" if remedy else ""))

    def fail_request(self, error: RequestError, text: str, remedy: str | None) -> None:
        """As `fail`; with --json the wire's error object on one line."""
        if not self.as_json:
            self.fail(text, remedy)
            return
        fields = {"code": error.code, "kind": error.kind, "message": error.message, "data": wire.to_json(error.data)}
        self._say(json.dumps({"error": {key: value for key, value in fields.items() if value is not None}}) + "\n")

    def _name(self, style: str) -> str:
        return _styled("remotecmd:", style, on=self._colour_error)

    def _say(self, text: str) -> None:
        if sys.stderr is None:
            return
        if self._mid_line and self._decorated:
            text = "\n" + text
        self._mid_line = self._open_words = False
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:  # nobody reads our stderr: there is no better place to say so
            return


def _styled(text: str, style: str | None, *, on: bool) -> str:
    return f"\033[{_STYLES[style]}m{text}\033[0m" if on and style else text
