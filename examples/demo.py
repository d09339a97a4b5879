"""The main job in half a minute: start, watch, lose the server, attach, stop; run by `make demo`.

    python examples/demo.py [local | k8s:[CONTEXT/][NAMESPACE/]POD[/CONTAINER]]

It speaks plain JSON-RPC to `python -m rpc_server`, as a client in any language would, and prints the conversation.
"""

import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time

COMMAND = 'for i in $(seq 1 200); do echo "step $i of 200"; sleep 0.05; done'
EXPECTED = "".join(f"step {i} of 200\n" for i in range(1, 201)).encode()
CUT_AT = 812
SHOWN = 3

COLOURS = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def say(mark: str, text: str, colour: int = 0) -> None:
    print(f"\033[{colour}m{mark} {text}\033[0m" if COLOURS and colour else f"{mark} {text}", flush=True)


def is_final(process: dict) -> bool:
    return process["status"] in {"stopped", "errored", "unknown"}


class Server:
    """One server process and the requests to it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "rpc_server"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._ids = itertools.count(1)
        self._held: list[dict] = []

    def send(self, message: dict) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def read(self) -> dict:
        if self._held:
            return self._held.pop(0)
        return self._receive()

    def _receive(self) -> dict:
        length = 0
        while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if not length:
            sys.exit("demo: the server ended unexpectedly")
        return json.loads(self.process.stdout.read(length))

    def request(self, method: str, params: dict) -> dict:
        """Send a request and wait for its answer; notifications that come first are kept for `read`."""
        request_id = next(self._ids)
        self.send({"id": request_id, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") != request_id:
                self._held.append(message)
            elif "error" in message:
                error = message["error"]
                sys.exit(f"demo: {method} failed: {error['message']} {error.get('data', '')}")
            else:
                return message["result"]

    def output(self) -> "itertools.chain[dict]":
        """The params of output notifications, until the final state (last)."""
        while True:
            message = self.read()
            if message.get("method") == "remotecmd/output":
                yield message["params"]
            elif message.get("method") == "remotecmd/gap":
                sys.exit(f"demo: bytes are gone: {message['params']}")
            elif message.get("method") == "remotecmd/statusChanged" and is_final(message["params"]["process"]):
                yield message["params"]
                return

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def leave(self) -> None:
        self.request("shutdown", {})
        self.send({"method": "exit"})
        self.process.wait()


def parse_target(text: str) -> dict:
    if text == "local":
        return {"kind": "local"}
    kind, _, path = text.partition(":")
    parts = path.split("/")
    if kind != "k8s" or not path or len(parts) > 4 or not all(parts):
        sys.exit(f"demo: {text!r} is no target; write local or k8s:[CONTEXT/][NAMESPACE/]POD[/CONTAINER]")
    names = {
        1: ["podName"],
        2: ["namespace", "podName"],
        3: ["namespace", "podName", "containerName"],
        4: ["context", "namespace", "podName", "containerName"],
    }
    return {"kind": "kubernetes", **dict(zip(names[len(parts)], parts, strict=True))}


def connect(title: str) -> Server:
    server = Server()
    info = server.request("initialize", {"processId": os.getpid()})
    about = info["serverInfo"]
    say("▸", f"{title}: initialize → {about['name']} {about['version']}, "
             f"transports: {' '.join(info['capabilities']['transports'])}", 36)  # fmt: skip
    return server


def show(number: int, chunk: dict) -> None:
    if number < SHOWN:
        say("◂", f"output   {chunk['stream']} @{chunk['offset']:<6} {chunk['data'].splitlines()[0]}")
    elif number == SHOWN:
        say(" ", "…")


def main() -> None:
    target = parse_target(sys.argv[1] if len(sys.argv) > 1 else "local")
    begun = time.monotonic()
    server = connect("server: python -m rpc_server")
    definition = {"id": "demo", "cmdLine": COMMAND}
    params = {"target": target, "definition": definition, "ifExists": "replace"}
    say("→", f"remotecmd/start   {json.dumps(params)}", 33)
    process = server.request("remotecmd/start", params)["process"]
    say("←", f"{process['status']}  pid {process['pid']}  run {process['runId']}", 32)
    received = b""
    for number, chunk in enumerate(server.output()):
        received += chunk["data"].encode()
        show(number, chunk)
        if len(received) >= CUT_AT:
            break
    server.kill()
    say("✗", f"kill -9 the server at byte {len(received)}. The command does not notice.", 31)

    server = connect("a new server")
    attach = {"target": target, "id": "demo", "from": {"stdout": len(received)}}
    say("→", f"remotecmd/attach  {json.dumps(attach)}", 33)
    attached = server.request("remotecmd/attach", attach)["process"]
    say("←", f"{attached['status']}  pid {attached['pid']}  run {attached['runId']}: the same process", 32)
    for number, item in enumerate(server.output()):
        if "process" in item:
            ended = item["process"]
            break
        if item["offset"] != len(received):
            sys.exit(f"demo: byte {len(received)} was expected next, {item['offset']} came")
        received += item["data"].encode()
        show(number, item)
    digest = hashlib.sha256(received).hexdigest()
    if received != EXPECTED:
        sys.exit(f"demo: the output is not what the command wrote: {len(received)} bytes, sha256 {digest}")
    say("←", f"{ended['status']}  exit {ended['exitCode']}         {len(received):,} bytes, sha256 {digest[:12]}… "
             "matches: nothing lost, nothing twice", 32)  # fmt: skip

    stop_a_tree(server, target)
    for name in ("demo", "demo-server"):
        server.request("remotecmd/remove", {"target": target, "id": name})
    server.leave()
    say("▸", f"done in {time.monotonic() - begun:.0f} s; the records are removed, the server has left", 36)


def stop_a_tree(server: Server, target: dict) -> None:
    definition = {"id": "demo-server", "cmdLine": "sleep 1000 & sleep 1000 & echo listening; wait"}
    say("→", f"remotecmd/start   {json.dumps(definition)}", 33)
    started = server.request("remotecmd/start", {"target": target, "definition": definition, "ifExists": "replace"})
    say("←", f"{started['process']['status']}  pid {started['process']['pid']}", 32)
    say("→", 'remotecmd/stop    {"id": "demo-server"}', 33)
    stopped = server.request("remotecmd/stop", {"target": target, "id": "demo-server"})
    process, verdict = stopped["process"], stopped["verdict"]
    say("←", f"{process['status']}  {process.get('signal', '')}  {verdict['processes']} processes, "
             f"{len(verdict['survivors'])} left, after {verdict['elapsedMs']} ms", 32)  # fmt: skip


if __name__ == "__main__":
    main()
