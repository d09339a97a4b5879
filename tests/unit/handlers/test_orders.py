"""Launches: when two definitions are the same, and what of them gets into the launch."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.api import ID_PATTERN, Definition, ExecRequest, StartOptions
from handlers.orders import EXEC_PREFIX, from_definition, from_exec, spec_hash
from tests.unit.handlers.shells import SHOW, every_shell, launch, shown

BASE = Definition(id="web", args=("serve", "--port", "80"), working_dir="/app", env_vars=(("A", "1"), ("B", "2")))


def test_hash_is_sixteen_hexadecimal_digits() -> None:
    assert re.fullmatch("[0-9a-f]{16}", spec_hash(BASE))


@pytest.mark.parametrize("change", [{"id": "other"}, {"pid_directory": "/run"}], ids=["id", "directory"])
def test_hash_is_the_same_for_another(change: dict[str, Any]) -> None:
    assert spec_hash(dataclasses.replace(BASE, **change)) == spec_hash(BASE)


CHANGES: dict[str, dict[str, Any]] = {
    "argument": {"args": ("serve", "--port", "81")},
    "fewer arguments": {"args": ("serve", "--port")},
    "empty argument more": {"args": ("serve", "--port", "80", "")},
    "arguments joined": {"args": ("serve", "--port80")},
    "command line": {"args": None, "cmd_line": "serve --port 80"},
    "working directory": {"working_dir": "/app/"},
    "no working directory": {"working_dir": ""},
    "value": {"env_vars": (("A", "1"), ("B", "3"))},
    "key": {"env_vars": (("A", "1"), ("C", "2"))},
    "no variables": {"env_vars": ()},
    "order of variables": {"env_vars": (("B", "2"), ("A", "1"))},
    "variables joined": {"env_vars": (("A", "1B=2"),)},
    "merged output": {"merge_output": True},
    "stdin": {"stdin": True},
}


def test_hash_differs_for_every_change() -> None:
    hashes = {name: spec_hash(dataclasses.replace(BASE, **change)) for name, change in CHANGES.items()}
    hashes["unchanged"] = spec_hash(BASE)
    assert len(set(hashes.values())) == len(hashes), hashes


def test_every_field_of_a_definition_is_looked_at_above() -> None:
    changed = {field for change in CHANGES.values() for field in change}
    assert {field.name for field in dataclasses.fields(Definition)} == changed | {"id", "pid_directory"}


PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "arguments joined": ({"args": ("a", "b")}, {"args": ("ab",)}),
    "command line and the same in arguments": ({"cmd_line": "x"}, {"args": ("/bin/sh", "-c", "x")}),
    "argument and working directory": ({"args": ("a", "b")}, {"args": ("a",), "working_dir": "b"}),
    "empty argument, directory and variable": (
        {"args": ("a", ""), "working_dir": "k=v"},
        {"args": ("a",), "env_vars": (("k", "v"),)},
    ),
    "value with =": (
        {"cmd_line": "x", "env_vars": (("a", "b=c"),)},
        {"cmd_line": "x", "env_vars": (("a", "b"), ("c", ""))},
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_hash_is_not_ambiguous(name: str) -> None:
    one, other = PAIRS[name]
    assert spec_hash(Definition(id="x", **one)) != spec_hash(Definition(id="x", **other))


parts = st.sampled_from(["", "a", "b", "ab", "k=v", "True", "False", "args", "cmdLine", "/bin/sh", "-c"])
definitions = st.builds(
    Definition,
    id=st.just("x"),
    cmd_line=st.none(),
    args=st.lists(parts, min_size=1, max_size=4).map(tuple),
    working_dir=parts,
    env_vars=st.lists(st.tuples(st.sampled_from(["k", "a"]), parts), max_size=2).map(tuple),
    merge_output=st.booleans(),
) | st.builds(Definition, id=st.just("x"), cmd_line=parts, working_dir=parts, merge_output=st.booleans())


@given(st.lists(definitions, min_size=2, max_size=40, unique=True))
def test_different_definitions_have_different_hashes(different: list[Definition]) -> None:
    assert len({spec_hash(definition) for definition in different}) == len(different)


def test_order_carries_what_was_asked() -> None:
    options = StartOptions(run_id="mine", timeout_seconds=2.5, grace_period_seconds=3.0)
    order = from_definition(dataclasses.replace(BASE, merge_output=True), options)
    assert (order.command_id, order.run_id, order.is_named) == ("web", "mine", True)
    assert (order.timeout_seconds, order.grace_seconds, order.merged) == (2.5, 3.0, True)
    assert order.spec_hash == spec_hash(dataclasses.replace(BASE, merge_output=True))


def test_run_id_is_made_where_the_client_has_none() -> None:
    one, other = (from_definition(BASE, StartOptions()) for _ in range(2))
    assert one.run_id != other.run_id
    assert not one.is_named
    assert ID_PATTERN.match(one.run_id)


def test_exec_runs_under_an_id_that_no_user_can_have() -> None:
    one, other = (from_exec(ExecRequest(cmd_line="x")) for _ in range(2))
    assert one.command_id != other.command_id
    assert one.command_id.startswith(EXEC_PREFIX)
    assert not ID_PATTERN.match(one.command_id)


def test_exec_carries_what_was_asked() -> None:
    order = from_exec(ExecRequest(args=("x",), run_id="mine", timeout_seconds=1.5))
    assert (order.run_id, order.is_named, order.timeout_seconds, order.merged) == ("mine", True, 1.5, False)


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (ExecRequest(cmd_line="x"), False),
        (ExecRequest(cmd_line="x", stdin=b""), True),
        (ExecRequest(cmd_line="x", open_stdin=True, run_id="mine"), True),
    ],
    ids=["none", "whole", "open"],
)
def test_an_exec_has_a_stdin_if_there_is_something_for_it(request_: ExecRequest, wanted: bool) -> None:
    assert from_exec(request_).takes_input is wanted


def test_a_definition_with_stdin_is_another_one() -> None:
    with_stdin = dataclasses.replace(BASE, stdin=True)
    assert from_definition(with_stdin, StartOptions()).takes_input
    assert spec_hash(with_stdin) != spec_hash(BASE)


@every_shell
def test_command_line_runs_in_sh_with_the_mark_of_the_run(shell: str) -> None:
    definition = Definition(id="web", cmd_line='printf %s "$A:$REMOTECMD_RUN_ID"', env_vars=(("A", "1"),))
    launched = launch(shell, from_definition(definition, StartOptions(run_id="mine")).spec)
    assert launched.stdout == b"1:mine"


@every_shell
def test_mark_of_the_run_cannot_be_overridden(shell: str) -> None:
    definition = Definition(id="web", args=SHOW, env_vars=(("REMOTECMD_RUN_ID", "other"),))
    variables, _ = shown(launch(shell, from_definition(definition, StartOptions(run_id="mine")).spec))
    assert variables["REMOTECMD_RUN_ID"] == "mine"


@every_shell
def test_exec_gets_directory_and_variables(shell: str) -> None:
    request = ExecRequest(args=("/bin/dash", "-c", 'pwd; printf %s "$A"'), working_dir="/usr", env_vars=(("A", "1"),))
    assert launch(shell, from_exec(request).spec).stdout == b"/usr\n1"
