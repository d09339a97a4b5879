"""Input through `remotecmd exec -i` beside `kubectl exec -i`, on the same pod in the same run; part of `make bench`.

Needs REMOTECMD_TEST_KUBECONFIG and kubectl on the PATH. By itself: python bench/stdin.py
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

KUBECONFIG = os.environ["REMOTECMD_TEST_KUBECONFIG"]
MIB = 1 << 20
SIZE = 64 * MIB
POD = "debian"
PROGRAM = str(Path(sys.executable).parent / "remotecmd")
OURS = [PROGRAM, "exec", "-i", "--context", "admin", "--kubeconfig", KUBECONFIG, f"k8s:{POD}", "--", "sha256sum"]
KUBECTL = ["kubectl", "--kubeconfig", KUBECONFIG, "--context", "admin", "exec", "-i", POD, "--", "sha256sum"]


def seconds(command: list[str], data: bytes, wanted: str) -> float:
    """How long it takes; the digest of what arrived is checked."""
    begun = time.perf_counter()
    told = subprocess.run(command, input=data, check=True, capture_output=True).stdout.split()[0].decode()
    if told != wanted:
        raise AssertionError(f"other bytes arrived: {command[0]}")
    return time.perf_counter() - begun


def main() -> None:
    data = random.Random(5).randbytes(SIZE)  # noqa: S311  # to be repeated
    wanted = hashlib.sha256(data).hexdigest()
    for size in (16, SIZE):
        part = data[:size]
        digest = wanted if size == SIZE else hashlib.sha256(part).hexdigest()
        theirs = min(seconds(KUBECTL, part, digest) for _ in range(3))
        ours = min(seconds(OURS, part, digest) for _ in range(3))
        what = f"exec -i, {size} bytes" if size < MIB else f"exec -i, {size // MIB} MiB"
        print(f"{what:<30} {ours:6.2f} s  (kubectl {theirs:.2f} s)  {ours / theirs:6.2f}×", flush=True)


if __name__ == "__main__":
    main()
