"""`remotecmd devfile run` in a real pod: each command of a composite in the container of its component."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Scene

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(120)]

PROGRAM = str(Path(sys.executable).parent / "remotecmd")

DEVFILE = """\
schemaVersion: 2.2.2
metadata: {name: sample}
components:
  - {name: main, container: {image: any, sourceMapping: BASE/main}}
  - {name: side, container: {image: any, sourceMapping: BASE/side}}
projects:
  - {name: shop, git: {remotes: {origin: 'https://example.invalid/shop.git'}}}
commands:
  - {id: compile, exec: {component: main, workingDir: $PROJECT_SOURCE, commandLine: 'echo built >out; echo compiled'}}
  - {id: package, exec: {component: main, workingDir: '${PROJECT_SOURCE}', commandLine: 'cat out; echo packaged'}}
  - {id: assets, exec: {component: side, workingDir: $PROJECT_SOURCE, commandLine: 'ls; echo assets'}}
  - {id: build, composite: {commands: [compile, package, assets], group: {kind: build, isDefault: true}}}
  - {id: all, composite: {commands: [package, assets], parallel: true}}
"""


def test_build_of_a_sample_project(scene: Scene, tmp_path: Path) -> None:
    base = f"/tmp/devfile-{scene.suffix}"
    (tmp_path / "devfile.yaml").write_text(DEVFILE.replace("BASE", base))
    for container, files in (("main", "main.c"), ("side", "style.css")):
        inside = scene.container("app", container, f"{base}/records")
        inside.shell(f"mkdir -p {base}/{container}/shop && true >{base}/{container}/shop/{files}")

    def run(command: str) -> tuple[str, str, int]:
        words = ["devfile", "run", "-f", str(tmp_path), "--pid-directory", f"{base}/records"]
        done = subprocess.run(
            [PROGRAM, *words, command, "k8s:app"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "KUBECONFIG": str(scene.kubeconfig)},
        )
        return done.stdout, done.stderr, done.returncode

    assert run("build") == ("compiled\nbuilt\npackaged\nstyle.css\nassets\n", "", 0)
    stdout, stderr, status = run("all")
    lines = ["assets  | assets", "assets  | style.css", "package | built", "package | packaged"]
    assert (sorted(stdout.splitlines()), stderr, status) == (lines, "", 0)
