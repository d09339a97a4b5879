"""Logs that never hold a value and never hold up the server.

Ours go to stderr or a file, through a bounded queue and a thread, since a client that does not read our stderr must not
block the loop. Texts of third parties and of exceptions are withheld: they quote commands, environments, tokens and
response bodies; what is logged is who spoke, from which line. Warnings also go to the client as `window/logMessage`.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

LEVELS = ("debug", "info", "warning", "error")
OURS = ("rpc_server", "handlers")
_MAX_QUEUED = 1000
_MESSAGE_TYPES = {logging.ERROR: 1, logging.WARNING: 2, logging.INFO: 3, logging.DEBUG: 4}
"""MessageType of LSP 3.17; a critical message is an error."""


def is_ours(record: logging.LogRecord) -> bool:
    """Whether this project's code wrote it: its messages are known to hold no values."""
    return record.name.split(".", 1)[0] in OURS


class ValueFreeFormatter(logging.Formatter):
    """Tells what our code says, of others only that they spoke, and of exceptions all but the text."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """As `logging.Formatter`, with the text of third parties withheld."""
        if not is_ours(record):
            place = {"name": record.name, "levelno": record.levelno, "levelname": record.levelname}
            text = f"a message from line {record.lineno} of {record.module}, withheld as it may hold values"
            record = logging.makeLogRecord({**place, "msg": text, "created": record.created})
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's name
        """The frames and the type; the message may hold a value."""
        kind, _, trace = ei
        return "".join([*traceback.format_tb(trace), kind.__qualname__ if kind else "no exception"])


class BackgroundHandler(logging.Handler):
    """Hands records to a thread that writes them; drops them while too many wait."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._target = logging.StreamHandler(stream)
        self._target.setFormatter(ValueFreeFormatter())
        self._queue: queue.Queue[logging.LogRecord | threading.Event] = queue.Queue(_MAX_QUEUED)
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record, or drop it."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(record)

    def settle(self, timeout: float) -> None:
        """Wait until what is queued is written, but not longer than `timeout` seconds."""
        written = threading.Event()
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(written)
            written.wait(timeout)

    def _run(self) -> None:
        while True:
            match self._queue.get():
                case threading.Event() as written:
                    written.set()
                case record:
                    self._target.handle(record)


class ClientHandler(logging.Handler):
    """Gives warnings and errors of ours to a function, as (LSP message type, text)."""

    def __init__(self, tell: Callable[[int, str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Tell the client; the exception, if any, by its type only."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: there is no client any more
            self._tell(_MESSAGE_TYPES.get(record.levelno, 1), record.getMessage())


def configure(level: str, file: str | None) -> BackgroundHandler:
    """Send logs of `level` and above to stderr, or to the end of a file. Raises OSError if the file can't be opened."""
    stream = Path(file).open("a", encoding="utf-8", errors="backslashreplace") if file else sys.stderr  # noqa: SIM115  # open for as long as the process runs
    logging.raiseExceptions = False  # a broken stderr is no reason for more noise on it
    handler = BackgroundHandler(stream)
    handler.setLevel(level.upper())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(min(handler.level, logging.WARNING))
    silent = logging.getLogger("pygls")  # it logs bodies, and nothing that we don't
    silent.propagate = False
    silent.handlers = [logging.NullHandler()]
    # Its warnings say, at every exit, that an agent may outlive the loop: agents leave by themselves.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    return handler


def tell_client(tell: Callable[[int, str], None]) -> None:
    """From now on give our warnings to `tell`, too."""
    handler = ClientHandler(tell)
    for name in OURS:
        logging.getLogger(name).addHandler(handler)
