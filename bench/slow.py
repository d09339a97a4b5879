"""A command that writes 1 GiB to a client that processes 1 MiB/s: what it costs the server, and everybody else.

Part of `make bench`; by itself it measures on this machine: `python bench/slow.py`. The command's writer, its pump and
the measuring itself share the cores with the server, so replies are slower while it writes whatever the server does.
That is why there are four figures of the same request in one run: with nobody writing; while as much is written to
a file, again and again, without the server having to do with it; while it is written to the slow client; and when it
is written and the slow client still reads. For information the same for a client that acknowledges nothing and reads
its pipe slowly: its own replies wait in that pipe, and those of another server on the same commands do not.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.rpc.client import Client

GIB = 1 << 30
RATE = 1 << 20
WINDOW = 1 << 20
FILE_BYTES = 64 << 20
REQUESTS = 1000
PAUSE_SECONDS = 0.005
MEMORY_LIMIT_MIB = 32
REPLY_LIMIT = 3.0
FILE = "/tmp/bench-lines.txt"
MAKE = (
    f"i=0; while [ $i -lt 4096 ]; do echo line $i; i=$((i+1)); done >{FILE}.1; : >{FILE}; "
    f"while [ $(wc -c <{FILE}) -lt {FILE_BYTES} ]; do cat {FILE}.1 {FILE}.1 {FILE}.1 {FILE}.1 >>{FILE}; done; "
    f"rm {FILE}.1; head -c {FILE_BYTES} {FILE} >{FILE}.1; mv {FILE}.1 {FILE}; sha256sum {FILE}"
)
WRITE = f"i=0; while [ $i -lt {GIB // FILE_BYTES} ]; do cat {FILE}; i=$((i+1)); done"


class Memory:
    """The most that a process had resident, beyond what it began with."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self.first = self.most = self._now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _now(self) -> int:
        return next(int(line.split()[1]) for line in self._status.read_text().splitlines() if "VmRSS" in line)

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.most = max(self.most, self._now())

    def growth_mib(self) -> float:
        self._over.set()
        self._thread.join()
        return (self.most - self.first) / 1024


class Slow:
    """Takes the output of one run at `RATE`, and acknowledges what it has taken."""

    def __init__(self, client: Client, run: str) -> None:
        self.client = client
        self.run = run
        self.begun = time.monotonic()
        self.received = self.processed = self.acked = self.gone = 0
        self.digest = hashlib.sha256()
        self.final = False

    def take(self, rate: float | None = RATE) -> None:
        """What has come since the last time; without a rate all of it is processed at once."""
        for message in self.client.others:
            params = message.get("params", {})
            if params.get("runId") == self.run and "data" in params:
                data = params["data"].encode()
                assert params["offset"] == self.received, "bytes are missing"
                self.received += len(data)
                self.digest.update(data)
            elif params.get("runId") == self.run:
                self.gone += params["to"] - params["from"]
                self.received = params["to"]
            elif params.get("process", {}).get("runId") == self.run:
                self.final = params["process"]["status"] not in {"starting", "running"}
        self.client.others.clear()
        self.processed = self.received
        if rate is not None:
            self.processed = min(self.received, int((time.monotonic() - self.begun) * rate))
        if self.processed - self.acked > WINDOW // 4 or self.processed == self.received > self.acked:
            self.acked = self.processed
            self.client.notify("remotecmd/ack", {"runId": self.run, "stream": "stdout", "offset": self.acked})


class Bench:
    def __init__(self, target: dict[str, Any]) -> None:
        self.target = target
        self.count = 0

    def start(self, client: Client, cmd_line: str, **more: Any) -> tuple[str, str]:
        self.count += 1
        name = f"bench-slow-{os.getpid()}-{self.count}"
        params = {"target": self.target, "definition": {"id": name, "cmdLine": cmd_line}, **more}
        return name, client.result("remotecmd/start", params, 60)["process"]["runId"]

    def process(self, client: Client, name: str) -> dict[str, Any]:
        return client.result("remotecmd/status", {"target": self.target, "id": name}, 60)["process"]

    def replies(self, client: Client, other: str, slow: Slow | None, until: Any = None) -> list[float]:
        """Milliseconds of a status of another command, over and over."""
        times = []
        while len(times) < REQUESTS if until is None else not until():
            begun = time.perf_counter()
            self.process(client, other)
            times.append((time.perf_counter() - begun) * 1000)
            if slow is not None:
                slow.take()
            time.sleep(PAUSE_SECONDS)
        return times

    def flood(self, watcher: Client, name: str) -> Any:
        """Until a command has ended, as another server sees it."""
        looked = [0.0]

        def is_over() -> bool:
            if time.monotonic() - looked[0] < 0.25:
                return False
            looked[0] = time.monotonic()
            return self.process(watcher, name)["state"] not in {"starting", "running"}

        return is_over

    def remove(self, client: Client, name: str) -> None:
        client.result("remotecmd/stop", {"target": self.target, "id": name, "gracePeriodSeconds": 0}, 60)
        client.result("remotecmd/remove", {"target": self.target, "id": name}, 120)


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[98]


def row(what: str, times: list[float], base: float | None = None, limit: str = "") -> float:
    high = p99(times)
    ratio = f"{high / base:6.2f}×" if base else " " * 7
    median = statistics.median(times)
    print(f"{what:<58} p99 {high:8.2f} ms  (median {median:.2f}, n {len(times)})  {ratio}  {limit}", flush=True)
    return high


def with_acknowledgements(bench: Bench, digest: str) -> None:
    with Client() as client, Client() as watcher:
        client.result("initialize", {"capabilities": {"outputWindowBytes": WINDOW}})
        other, _ = bench.start(client, "exec sleep 1000", output={"follow": False})
        bench.replies(client, other, None)
        idle = row("status of another command, nobody writes", bench.replies(client, other, None))
        copy = f"while :; do ({WRITE}) >/tmp/bench-copy.txt; done"
        alone, _ = bench.start(client, copy, output={"follow": False})
        row("… while as much is written to a file", bench.replies(client, other, None), idle)
        bench.remove(client, alone)
        memory = Memory(client.process.pid)
        begun = time.monotonic()
        name, run = bench.start(client, WRITE)
        slow = Slow(client, run)
        during = bench.replies(client, other, slow, bench.flood(watcher, name))
        seconds, processed = time.monotonic() - begun, slow.processed
        busy = row("… while 1 GiB is written, read at 1 MiB/s", during, idle, f"≤ {REPLY_LIMIT:g}×")
        after = row("… when it is written, read at 1 MiB/s", bench.replies(client, other, slow), idle)
        print(f"{'1 GiB was written in':<58} {seconds:8.1f} s  ({processed >> 20} MiB processed by then)")
        print(f"{'the server has grown, by most':<58} {memory.growth_mib():8.1f} MiB  ≤ {MEMORY_LIMIT_MIB}")
        print(f"{'p99 of both, against nobody writing':<58} {max(busy, after) / idle:8.2f}×  ≤ {REPLY_LIMIT:g}×")
        begun, had = time.monotonic(), slow.received - slow.gone
        slow.take(None)
        while not slow.final:
            client.others.append(client.next(60))
            slow.take(None)
        told = slow.received - slow.gone
        speed = (told - had) / (time.monotonic() - begun) / 1e6
        same = slow.digest.hexdigest() == digest if not slow.gone else "not compared"
        what = f"{'the rest, as fast as it comes':<58} {speed:8.1f} MB/s"
        print(f"{what}  ({told} bytes in all, {slow.gone} in gaps, sha256 equal: {same})")
        assert slow.received == GIB
        assert same, "the bytes are not the same"
        for one in (name, other):
            bench.remove(client, one)


class Throttled:
    """A pipe that is read at `RATE`."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._due = time.monotonic()

    def read(self, size: int) -> bytes:
        self._due = max(self._due, time.monotonic() - 0.1) + size / RATE
        time.sleep(max(0.0, self._due - time.monotonic()))
        return self._pipe.read(size)

    def readline(self) -> bytes:
        return self._pipe.readline()

    def close(self) -> None:
        self._pipe.close()


def without(bench: Bench) -> None:
    with Client(read=False) as client, Client() as watcher:
        client.process.stdout = Throttled(client.process.stdout)  # type: ignore[assignment]
        client.start_reading()
        other, _ = bench.start(client, "exec sleep 1000", output={"follow": False})
        memory = Memory(client.process.pid)
        name, run = bench.start(client, WRITE)
        is_over = bench.flood(watcher, name)
        theirs = bench.replies(watcher, other, None, is_over)
        row("without acknowledgements: another server's replies", theirs)
        ours = []
        for _ in range(5):
            begun = time.perf_counter()
            bench.process(client, other)
            ours.append((time.perf_counter() - begun) * 1000)
            client.others.clear()
        print(f"{'without acknowledgements: its own replies, by most':<58} {max(ours):8.0f} ms")
        print(f"{'without acknowledgements: its server has grown':<58} {memory.growth_mib():8.1f} MiB")
        client.send_request("remotecmd/detach", {"runId": run})
        for one in (name, other):
            bench.remove(watcher, one)


def main(target: dict[str, Any]) -> None:
    bench = Bench(target)
    with Client() as client:
        made = client.result("remotecmd/exec", {"target": target, "cmdLine": MAKE}, 60)
    assert made["exitCode"] == 0, made
    digest = hashlib.sha256()
    lines = "".join(f"line {i}\n" for i in range(4096)).encode()
    data = (lines * (FILE_BYTES // len(lines) + 1))[:FILE_BYTES]
    assert hashlib.sha256(data).hexdigest() == made["stdout"].split()[0]
    for _ in range(GIB // FILE_BYTES):
        digest.update(data)
    with_acknowledgements(bench, digest.hexdigest())
    without(bench)
    with Client() as client:
        client.result("remotecmd/exec", {"target": target, "cmdLine": f"rm -f {FILE} /tmp/bench-copy.txt"}, 60)


if __name__ == "__main__":
    main({"kind": "local"})
