"""Everything that the contract names has a test that provokes it, on this machine and on the real cluster.

Generated from the contract's tables: whoever adds a method, a notification or an error kind gets a failure here until
there is a test marked with `covers`. That such a test does what it is marked with is seen when it runs, as
tests/covering.py says.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from handlers.errors import ErrorKind
from rpc_server.methods import METHODS
from rpc_server.notifications import NOTIFICATIONS, PUSHED
from tests.conftest import KUBECONFIG_VARIABLE
from tests.covered import MARK

ROOT = Path(__file__).parents[1]

NOT_RAISED = {
    "backendMissing": "docker and podman are not built",
}
"""Kinds that belong to what is not built; nothing can provoke them."""

NOT_ON_CLUSTER = {
    "initialize": "no container takes part in it",
    "shutdown": "no container takes part in it",
    "rpc.discover": "no container takes part in it",
    "initialized": "no container takes part in it",
    "exit": "no container takes part in it",
    "$/setTrace": "no container takes part in it",
    "$/logTrace": "no container takes part in it",
    "window/logMessage": "no container takes part in it",
    "remotecmd/devfile": "no container takes part in it",
    "devfileInvalid": "no container takes part in it",
    "toolMissing": "no image of the node has a shell and lacks a tool",
    "processLimit": "the node limits no container's processes",
}
"""What the real cluster adds nothing to, or can't provoke, and why."""

KINDS = {kind.value for kind in ErrorKind}
NAMES = {*METHODS, *NOTIFICATIONS, *PUSHED, *KINDS - NOT_RAISED.keys()}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@functools.cache
def covered() -> dict[bool, dict[str, list[str]]]:
    """Tests by what they cover, on the cluster and elsewhere. Collected as if there were a cluster, and not run."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "tests.covered", "-p", "no:cacheprovider"],
        cwd=ROOT, env={**os.environ, KUBECONFIG_VARIABLE: "/nonexistent"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[bool, dict[str, list[str]]] = {True: {}, False: {}}
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            test = json.loads(line.removeprefix(MARK))
            for name in test["names"]:
                found[test["cluster"]].setdefault(name, []).append(test["test"])
    return found


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_test_covers_it_on_this_machine(name: str) -> None:
    assert covered()[False].get(name), f'no test that needs no cluster is marked covers("{name}")'


@pytest.mark.parametrize("name", sorted(NAMES - NOT_ON_CLUSTER.keys()))
def test_a_test_covers_it_on_the_cluster(name: str) -> None:
    assert covered()[True].get(name), f'no test on the cluster is marked covers("{name}")'


def test_nothing_else_is_said_to_be_covered() -> None:
    assert {*covered()[False], *covered()[True]} <= NAMES


def test_what_is_covered_on_the_cluster_is_not_excused() -> None:
    assert covered()[True].keys() & NOT_ON_CLUSTER.keys() == set()
    assert NOT_ON_CLUSTER.keys() <= NAMES


def raised() -> set[str]:
    """The kinds that the server's code names, outside of their own list."""
    sources = [path for top in ("handlers", "rpc_server") for path in (ROOT / top).rglob("*.py")]
    text = "".join(path.read_text("utf-8") for path in sources if path != ROOT / "handlers/errors.py")
    return {ErrorKind[name].value for name in re.findall(r"\bErrorKind\.([A-Z_]+)\b", text)}


def test_only_what_is_not_built_is_raised_nowhere() -> None:
    assert KINDS - raised() == NOT_RAISED.keys()
