"""Output of several commands at once: whole lines, each with the name of its command before it. Pure."""

from __future__ import annotations

MAX_LINE_BYTES = 65_536
"""A line that gets longer is cut here: its command may never end it."""


class Prefixer:
    """Makes lines of one stream.

    Args:
        name: of the command.
        width: of the longest name.
    """

    def __init__(self, name: str, width: int) -> None:
        self._prefix = f"{name.ljust(width)} | ".encode()
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What can be shown now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        shown = [self._prefix + line + b"\n" for line in lines]
        while len(self._rest) > MAX_LINE_BYTES:
            shown.append(self._prefix + self._rest[:MAX_LINE_BYTES] + b"\n")
            self._rest = self._rest[MAX_LINE_BYTES:]
        return b"".join(shown)

    def end(self) -> bytes:
        """What is left: a line without an end."""
        rest, self._rest = self._rest, b""
        return self._prefix + rest + b"\n" if rest else b""
