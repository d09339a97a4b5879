"""A devfile on this machine's disk: found, bounded, and as text. The only part here that does I/O; it blocks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from handlers.devfile.document import MAX_BYTES, fault, too_large

NAMES = ("devfile.yaml", ".devfile.yaml")
"""What a devfile is called in a directory; the first one that is there counts."""


def read(path: str) -> tuple[str, str]:
    """The path of a devfile (a directory's is the one in it) and its text. Raises RemoteCommandError."""
    found = path
    try:
        if Path(path).is_dir():
            found = next((str(at) for name in NAMES if (at := Path(path, name)).is_file()), "")
            if not found:
                raise fault(None, f"there is no {' or '.join(NAMES)} in this directory: name the file", path)
        return found, _text(found)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        here = "" if Path(path).is_absolute() else f" (the server runs in {Path.cwd()})"
        raise fault(None, f"it can't be read: {reason}{here}. Name another file", found) from None


def _text(path: str) -> str:
    """The text of a file. A pipe or a device is not read: it might never end."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123  # a descriptor has no path
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise fault(None, "it is no regular file: name a file", path)
        data = b"" if about.st_size > MAX_BYTES else file.read(MAX_BYTES + 1)
        if about.st_size > MAX_BYTES or len(data) > MAX_BYTES:
            raise too_large(path)
    return decoded(data, path)


def decoded(data: bytes, name: str) -> str:
    """UTF-8 as text, without a byte order mark. Raises RemoteCommandError."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fault(None, f"it is not UTF-8 text, in line {line}: it may be a binary file", name) from None
