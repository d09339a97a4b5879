"""A target, a server that reaches it, and what the tests of commands ask of both."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.rpc.client import Client

LONG = 40.0
"""Seconds for something that takes a while on a loaded machine."""


class Place:
    """A target, a server that reaches it, and ids that nobody else uses.

    Args:
        target: on the wire.
        client: the server.
        directory: base directory of every command, or empty for the agent's choice.
        suffix: of ids and marks; a new one when left out.
    """

    def __init__(self, target: dict[str, Any], client: Client, directory: str = "", suffix: str = "") -> None:
        self.target = target
        self.client = client
        self.directory = directory
        self.suffix = suffix or secrets.token_hex(4)
        self._base = {"pidDirectory": directory} if directory else {}

    def seen_from(self, client: Client) -> Place:
        """The same commands through another server."""
        return Place(self.target, client, self.directory, self.suffix)

    def id(self, name: str = "cmd") -> str:
        return f"{name}-{self.suffix}"

    def start_params(self, cmd_line: str, name: str = "cmd", **more: Any) -> dict[str, Any]:
        definition = {"id": self.id(name), "cmdLine": cmd_line, **self._base, **more.pop("definition", {})}
        return {"target": self.target, "definition": definition, **more}

    def start(self, cmd_line: str, name: str = "cmd", **more: Any) -> dict[str, Any]:
        return self.client.result("remotecmd/start", self.start_params(cmd_line, name, **more), LONG)

    def ask(self, method: str, name: str = "cmd", **more: Any) -> Any:
        return self.client.result(f"remotecmd/{method}", self.params(name, **more), LONG)

    def refused(self, method: str, name: str = "cmd", **more: Any) -> dict[str, Any]:
        """The data of a request that fails."""
        error = self.client.error(f"remotecmd/{method}", self.params(name, **more), LONG)
        assert error["code"] == -32803, error
        return error["data"]

    def send(self, method: str, name: str = "cmd", **more: Any) -> int | str:
        return self.client.send_request(f"remotecmd/{method}", self.params(name, **more))

    def params(self, name: str = "cmd", **more: Any) -> dict[str, Any]:
        return {"target": self.target, "id": self.id(name), **self._base, **more}

    def list(self) -> list[dict[str, Any]]:
        return self.client.result("remotecmd/list", {"target": self.target, **self._base}, LONG)["processes"]

    def exec(self, cmd_line: str, **more: Any) -> dict[str, Any]:
        params = {"target": self.target, "cmdLine": cmd_line, **more}
        return self.client.result("remotecmd/exec", params, LONG)

    def follow(self, name: str = "cmd") -> tuple[dict[str, bytes], dict[str, Any]]:
        """All output of a run by stream, checked to be contiguous, and its final state."""
        data: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        at: dict[str, int] = {}
        while True:
            message = self.client.next(LONG)
            params = message.get("params", {})
            if message.get("method") == "remotecmd/output" and params["id"] == self.id(name):
                stream = params["stream"]
                assert at.get(stream, params["offset"]) == params["offset"]
                piece = decode(params)
                at[stream] = params["offset"] + len(piece)
                data[stream] += piece
            elif message.get("method") == "remotecmd/statusChanged" and params["process"]["id"] == self.id(name):
                if params["process"]["status"] in {"stopped", "errored", "unknown"}:
                    return data, params["process"]
            else:
                assert message.get("method") != "remotecmd/gap", message

    def gate(self, name: str = "gate") -> tuple[str, str]:
        """A shell loop that ends when the other script has run; the file is removed by the loop."""
        file = f"/tmp/{self.id(name)}"
        return f"while [ ! -e {file} ]; do sleep 0.02; done; rm {file}", f"true >{file}"

    def left(self) -> str:
        """Processes whose arguments hold this place's suffix (a marker put into command lines)."""
        script = (
            'for p in /proc/[0-9]*; do [ "$p" = /proc/$$ ] || { tr "\\0\\n" "  " <$p/cmdline; echo; }; done 2>/dev/null'
        )
        listing = self.exec(script, maxOutputBytes=1 << 24)["stdout"]
        return "".join(line for line in listing.splitlines(keepends=True) if f"mark-{self.suffix}" in line)


def decode(params: dict[str, Any]) -> bytes:
    if params.get("encoding") == "base64":
        return base64.b64decode(params["data"])
    return params["data"].encode()
