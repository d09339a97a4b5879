"""A raw client for tests: starts the server as a process and speaks frames to it, right or wrong ones.

It checks by itself that stdout holds frames and nothing else, and knows nothing of the server's code.

    with Client() as client:
        reply = client.request("remotecmd/status", {"target": {"kind": "local"}})
        client.send_bytes(b"garbage")
        message = client.next()
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import covering

HEADER = re.compile(rb"Content-Length: (\d+)\r\n\r\n")
ROOT = Path(__file__).parents[2]
TIMEOUT = 20.0
"""For a reply, on a loaded machine."""
EXIT_TIMEOUT = 3.0
"""The contract says 1 s; the rest is for a loaded machine."""


def frame(message: Any) -> bytes:
    """A message as it goes over the wire."""
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class Client:
    """One server process and the messages it sent.

    Args:
        options: command line options of the server.
        read: whether to begin to read its stdout at once; else call `start_reading`.
        env: added to the environment.
        python: what Python is to run, with options for it.
    """

    def __init__(
        self,
        *options: str,
        read: bool = True,
        env: dict[str, str] | None = None,
        python: tuple[str, ...] = ("-m", "rpc_server"),
    ) -> None:
        # A file never blocks the server, and can be read at any time.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # open for as long as the client is
        self.process = subprocess.Popen(
            [sys.executable, *python, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
        )
        self.others: list[dict[str, Any]] = []
        """What `reply` and `notification` passed over, oldest first."""
        self._messages: queue.Queue[Any] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reads = True
        self._last_id = 0
        self._asked: dict[int | str, str] = {}
        if read:
            self.start_reading()

    # -- sending -------------------------------------------------------------------------------------------------------

    def send_bytes(self, data: bytes) -> None:
        """Write bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message: Any) -> None:
        """Write any JSON value as a frame."""
        self.send_bytes(frame(message))

    def send_request(self, method: str, params: Any = ..., *, msg_id: int | str | None = None) -> int | str:
        """Write a request and return its id; `...` leaves params out."""
        if msg_id is None:
            self._last_id += 1
            msg_id = self._last_id
        self._asked[msg_id] = method
        self.send({"jsonrpc": "2.0", "id": msg_id, "method": method, **({} if params is ... else {"params": params})})
        return msg_id

    def notify(self, method: str, params: Any = ...) -> None:
        """Write a notification."""
        covering.seen.add(method)
        self.send({"jsonrpc": "2.0", "method": method, **({} if params is ... else {"params": params})})

    def close_stdin(self) -> None:
        """End the server's stdin."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    # -- receiving -----------------------------------------------------------------------------------------------------

    def next(self, timeout: float = TIMEOUT) -> dict[str, Any]:
        """The next message. Raises EOFError at the end of stdout, TimeoutError, ValueError for what is no frame."""
        if self.others:
            return self.others.pop(0)
        return self._receive(timeout)

    def reply(self, msg_id: int | str | None, timeout: float = TIMEOUT) -> dict[str, Any]:
        """The reply to a request; what comes before it is kept in `others`."""
        return self._find(lambda message: "method" not in message and message["id"] == msg_id, timeout)

    def notification(self, method: str, timeout: float = TIMEOUT) -> dict[str, Any]:
        """The params of the next notification of that name; what comes before it is kept in `others`."""
        params: dict[str, Any] = self._find(lambda message: message.get("method") == method, timeout)["params"]
        return params

    def request(self, method: str, params: Any = ..., timeout: float = TIMEOUT) -> dict[str, Any]:
        """Send a request and wait for its reply."""
        return self.reply(self.send_request(method, params), timeout)

    def result(self, method: str, params: Any = ..., timeout: float = TIMEOUT) -> Any:
        """Send a request and return its result; an error fails the test."""
        reply = self.request(method, params, timeout)
        assert "error" not in reply, reply
        return reply["result"]

    def error(self, method: str, params: Any = ..., timeout: float = TIMEOUT) -> dict[str, Any]:
        """Send a request and return its error; a result fails the test."""
        reply = self.request(method, params, timeout)
        assert "result" not in reply, reply
        found: dict[str, Any] = reply["error"]
        return found

    def rest(self, timeout: float = TIMEOUT) -> list[dict[str, Any]]:
        """Everything up to the end of stdout."""
        found: list[dict[str, Any]] = []
        with contextlib.suppress(EOFError):
            while True:
                found.append(self.next(timeout))
        return found

    def start_reading(self) -> None:
        """Begin to read the server's stdout."""
        self._reader.start()

    def stop_reading(self) -> None:
        """Read no more once the next message has come (a reader in the middle of a read can't be called back)."""
        self._reads = False

    # -- the end -------------------------------------------------------------------------------------------------------

    def wait(self, timeout: float = EXIT_TIMEOUT) -> int:
        """Wait for the server to exit and return its code."""
        return self.process.wait(timeout)

    def log(self) -> str:
        """What the server wrote to stderr so far."""
        return os.pread(self._stderr.fileno(), 1 << 24, 0).decode()

    def close(self) -> int:
        """End stdin, kill what does not exit, release everything, and return the exit code."""
        self.close_stdin()
        try:
            return self.wait(TIMEOUT)  # what starts under load takes longer to be told that it may go
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.wait()
        finally:
            if self._reader.is_alive():
                self._reader.join(TIMEOUT)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self._stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find(self, wanted: Any, timeout: float) -> dict[str, Any]:
        for i, message in enumerate(self.others):
            if wanted(message):
                return self.others.pop(i)
        while not wanted(message := self._receive(timeout)):
            self.others.append(message)
        return message

    def _receive(self, timeout: float) -> dict[str, Any]:
        try:
            message = self._messages.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"no message within {timeout} s; the log says: {self.log()}") from None
        if isinstance(message, Exception):
            self._messages.put(message)  # whoever asks again gets the same answer
            raise message
        found: dict[str, Any] = message
        self._note(found)
        return found

    def _note(self, message: dict[str, Any]) -> None:
        """For tests that say what they cover."""
        if "method" in message:
            covering.seen.add(message["method"])
        elif "result" in message and message["id"] in self._asked:
            covering.seen.add(self._asked[message["id"]])
        elif isinstance(data := message.get("error", {}).get("data"), dict):
            covering.seen.add(data.get("kind", ""))

    def _read(self) -> None:
        assert self.process.stdout is not None
        read = self.process.stdout
        while self._reads and (line := read.readline()):
            header = line + read.readline()
            match = HEADER.fullmatch(header)
            if match is None:
                self._messages.put(ValueError(f"stdout holds something that is no frame: {header!r}"))
                return
            body = read.read(int(match[1]))
            if len(body) < int(match[1]):
                break  # the server was killed in the middle of a frame
            self._messages.put(json.loads(body))
        self._messages.put(EOFError("the server closed stdout"))
