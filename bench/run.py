"""Side by side with kubectl on a real node, in one run: `make bench`.

Every figure of ours stands beside what kubectl takes for the nearest thing on the same machine in the same minute, so
that the ratio means something where the milliseconds do not. Needs REMOTECMD_TEST_KUBECONFIG and kubectl on the PATH
(both are set by tests/cluster/run). Times are wall clock, memory is the server's resident set.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import slow, stdin, targets
from tests.rpc.client import Client

KUBECONFIG = os.environ["REMOTECMD_TEST_KUBECONFIG"]
POD = "debian"
TARGET = {"kind": "kubernetes", "podName": POD, "context": "admin", "kubeconfig": KUBECONFIG}
ROUNDS = 15
OUTPUT_BYTES = 64 << 20


def kubectl(*arguments: str) -> bytes:
    command = ["kubectl", "--kubeconfig", KUBECONFIG, "--context", "admin", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def timed(work: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    """Milliseconds of each round, after one that does not count."""
    work()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1000)
    return times


def resident(pid: int, field: str = "VmRSS") -> int:
    """KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0


def row(what: str, times: list[float], base: float | None = None, limit: str = "") -> None:
    median = statistics.median(times)
    ratio = f"{median / base:6.2f}×" if base else " " * 7
    print(f"{what:<58} {median:8.1f} ms  (min {min(times):.1f}, max {max(times):.1f})  {ratio}  {limit}", flush=True)


class Bench:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.count = 0

    def start(self, cmd_line: str, **more: Any) -> str:
        self.count += 1
        name = f"bench-{os.getpid()}-{self.count}"
        params = {"target": TARGET, "definition": {"id": name, "cmdLine": cmd_line}, **more}
        self.client.result("remotecmd/start", params)
        return name

    def stop(self, name: str, **more: Any) -> dict[str, Any]:
        return self.client.result("remotecmd/stop", {"target": TARGET, "id": name, **more}, 60)

    def starts(self) -> list[float]:
        names = []
        times = timed(lambda: names.append(self.start("sleep 1000", output={"follow": False})))
        for name in names:
            self.stop(name)
        return times

    def status(self) -> list[float]:
        name = self.start("sleep 1000", output={"follow": False})
        times = timed(lambda: self.client.result("remotecmd/status", {"target": TARGET, "id": name}))
        self.stop(name)
        return times

    def stops(self, cmd_line: str, grace: float) -> list[float]:
        times = []
        for _ in range(ROUNDS // 2):
            name = self.start(cmd_line)
            self.client.notification("remotecmd/output")
            begun = time.perf_counter()
            verdict = self.stop(name, gracePeriodSeconds=grace)["verdict"]
            times.append((time.perf_counter() - begun) * 1000)
            assert verdict["survivors"] == []
            left = self.client.result(
                "remotecmd/exec", {"target": TARGET, "cmdLine": "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"}
            )
            assert "sleep 4321" not in left["stdout"], left["stdout"]
        return times

    def latencies(self) -> list[float]:
        """From a line's write in the pod to its arrival here: one kernel, so one clock."""
        code = "import time\nfor i in range(101): print(time.time_ns(), flush=True); time.sleep(0.05)"
        times: list[float] = []
        name = self.start(f"python3 -c '{code}'")
        while len(times) < 100:
            data = self.client.notification("remotecmd/output")["data"]
            now = time.time_ns()
            times += [(now - int(line)) / 1e6 for line in data.split()]
        self.stop(name)
        return times[1:]

    def flood(self) -> tuple[float, int]:
        """MB/s of 64 MiB, checked by sha256, and the growth of the server's memory in KiB."""
        digest = kubectl("exec", POD, "--", "sha256sum", "/tmp/bench.bin").split()[0].decode()
        self.client.others.clear()
        before = resident(self.client.process.pid)
        high = [before]
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.02):
                high.append(resident(self.client.process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        begun = time.perf_counter()
        self.start("cat /tmp/bench.bin")
        ours, size = hashlib.sha256(), 0
        while size < OUTPUT_BYTES:
            params = self.client.notification("remotecmd/output", 60)
            data = base64.b64decode(params["data"]) if params.get("encoding") else params["data"].encode()
            ours.update(data)
            size += len(data)
        seconds = time.perf_counter() - begun
        over.set()
        watcher.join()
        assert (size, ours.hexdigest()) == (OUTPUT_BYTES, digest), "the bytes are not the same"
        return size / seconds / 1e6, max(high) - before

    def hundred(self) -> tuple[list[float], int]:
        """Milliseconds of a status of 100 running commands, and CPU ticks (see `idle_cpu`) while they are silent."""
        names = [self.start("sleep 4320") for _ in range(100)]

        def look() -> None:
            found = self.client.result("remotecmd/status", {"target": TARGET})["processes"]
            assert len([process for process in found if process["state"] == "running"]) == len(names)

        times = timed(look)
        used = self.idle_cpu()
        for name in names:
            self.stop(name, signal="KILL", gracePeriodSeconds=0)
        return times, used

    def idle_cpu(self) -> int:
        """CPU ticks (10 ms) that all of the pod's processes use in 5 s."""
        count = (
            "for p in /proc/[0-9]*; do [ $p = /proc/$$ ] || { read -r s <$p/stat; set -- ${s##*)}; "
            "echo $((${12} + ${13} + ${14} + ${15})); }; done 2>/dev/null | "
            "{ t=0; while read n; do t=$((t + n)); done; echo $t; }"
        )

        def ticks() -> int:
            return int(kubectl("exec", POD, "--", "sh", "-c", count))

        ticks()
        before = ticks()
        time.sleep(5)
        return ticks() - before

    def clear(self) -> None:
        """Remove what this run and earlier ones have left."""
        for process in self.client.result("remotecmd/list", {"target": TARGET})["processes"]:
            if process["id"].startswith("bench-") and process["status"] != "running":
                self.client.result("remotecmd/remove", {"target": TARGET, "id": process["id"]})


def main() -> None:
    kubectl("exec", POD, "--", "sh", "-c", f"head -c {OUTPUT_BYTES} /dev/urandom >/tmp/bench.bin")
    true = timed(lambda: kubectl("exec", POD, "--", "true"))
    base = statistics.median(true)
    row("kubectl exec POD -- true", true)
    with Client() as client:
        client.result("initialize", {})
        begun = time.perf_counter()
        client.result("remotecmd/status", {"target": TARGET})
        row("first request: import, resolve, open a channel", [(time.perf_counter() - begun) * 1000], base)
        bench = Bench(client)
        bench.clear()
        row("start acknowledged (pid record seen), warm channel", bench.starts(), base, "≤ 0.1×")
        row("status of one command, warm channel", bench.status(), base)
        row("a line written in the pod → at the client", bench.latencies(), limit="≤ 10 ms")
        tree = "sleep 4321 & sleep 4321 & sleep 4321 & echo up; wait"
        row("stop of a four-process tree that honours TERM", bench.stops(tree, 10), limit="≤ 100 ms")
        deaf = "trap '' TERM; sleep 4321 & sleep 4321 & sleep 4321 & echo up; while :; do wait; done"
        row("stop of one that ignores TERM, grace 1 s", bench.stops(deaf, 1), limit="≤ 1200 ms")
        plain = timed(lambda: kubectl("exec", POD, "--", "cat", "/tmp/bench.bin"), 3)
        row("kubectl exec POD -- cat (64 MiB)", plain)
        speed, growth = bench.flood()
        theirs = OUTPUT_BYTES / statistics.median(plain) / 1e3
        what = f"{'64 MiB by remotecmd, sha256 equal':<58} {speed:8.1f} MB/s  (kubectl {theirs:.1f} MB/s)"
        print(f"{what}; server memory +{growth / 1024:.1f} MiB  ≤ 32 MiB")
        listed, used = bench.hundred()
        row("status of 100 running commands in one request", listed, base, "≤ 0.5×")
        print(f"{'CPU of 100 silent commands over 5 s, followed':<58} {used * 10:8.0f} ms")
        bench.clear()
    kubectl("exec", POD, "--", "rm", "/tmp/bench.bin")
    slow.main(TARGET)
    targets.main()
    stdin.main()
    print(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()}))


if __name__ == "__main__":
    main()
