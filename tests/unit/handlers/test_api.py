"""The domain's own rules: which definitions can be started, and by what name a container is known."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from handlers import api
from handlers.api import MAX_ARGUMENT_BYTES, Definition, ResolvedTarget

Path = tuple[str | int, ...]


def paths(found: list[api.Violation]) -> list[Path]:
    return [violation.path for violation in found]


ACCEPTED: dict[str, dict[str, Any]] = {
    "command line": {"cmd_line": "true"},
    "arguments": {"args": ("true",)},
    "empty argument after the program": {"args": ("echo", "")},
    "longest command line": {"cmd_line": "x" * MAX_ARGUMENT_BYTES},
    "longest argument": {"args": ("echo", "x" * MAX_ARGUMENT_BYTES)},
    "longest command line, two bytes a character": {"cmd_line": "xé" + "é" * (MAX_ARGUMENT_BYTES // 2 - 1)},
    "longest variable": {"cmd_line": "x", "env_vars": (("KEY", "x" * (MAX_ARGUMENT_BYTES - 4)),)},
    "empty value": {"cmd_line": "x", "env_vars": (("_k1", ""),)},
    "working directory": {"cmd_line": "x", "working_dir": "-/of any name\n"},
    "longest working directory": {"cmd_line": "x", "working_dir": "/" * 4095},
    "pid directory": {"cmd_line": "x", "pid_directory": "/run"},
    "longest pid directory": {"cmd_line": "x", "pid_directory": "/" * 3072},
    "shortest id": {"cmd_line": "x", "id": "0"},
    "longest id": {"cmd_line": "x", "id": "a" * 63},
    "every character of an id": {"cmd_line": "x", "id": "A.z_0-"},
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_definition_can_be_started(name: str) -> None:
    assert api.check_definition(Definition(**{"id": "id", **ACCEPTED[name]})) == []


REFUSED: dict[str, tuple[dict[str, Any], list[Path]]] = {
    "nothing to run": ({}, [()]),
    "two things to run": ({"cmd_line": "x", "args": ("x",)}, [()]),
    "empty command line": ({"cmd_line": ""}, [("cmd_line",)]),
    "blank command line": ({"cmd_line": " \n\t"}, [("cmd_line",)]),
    "NUL in the command line": ({"cmd_line": "a\0b"}, [("cmd_line",)]),
    "surrogate in the command line": ({"cmd_line": "a\ud800"}, [("cmd_line",)]),
    "command line too long": ({"cmd_line": "x" * (MAX_ARGUMENT_BYTES + 1)}, [("cmd_line",)]),
    "command line too long in bytes": ({"cmd_line": "é" * (MAX_ARGUMENT_BYTES // 2 + 1)}, [("cmd_line",)]),
    "no arguments": ({"args": ()}, [("args",)]),
    "no program": ({"args": ("", "x")}, [("args",)]),
    "NUL in an argument": ({"args": ("x", "y", "\0")}, [("args", 2)]),
    "argument too long": ({"args": ("x", "y" * (MAX_ARGUMENT_BYTES + 1))}, [("args", 1)]),
    "several arguments": ({"args": ("\0", "x", "\udfff")}, [("args", 0), ("args", 2)]),
    "empty key": ({"cmd_line": "x", "env_vars": (("", "v"),)}, [("env_vars", 0, "key")]),
    "key begins with a digit": ({"cmd_line": "x", "env_vars": (("1A", "v"),)}, [("env_vars", 0, "key")]),
    "key with =": ({"cmd_line": "x", "env_vars": (("A=B", "v"),)}, [("env_vars", 0, "key")]),
    "key ends in a newline": ({"cmd_line": "x", "env_vars": (("A\n", "v"),)}, [("env_vars", 0, "key")]),
    "key that is not ASCII": ({"cmd_line": "x", "env_vars": (("É", "v"),)}, [("env_vars", 0, "key")]),
    "key refused, its value not looked at": ({"cmd_line": "x", "env_vars": (("-", "\0"),)}, [("env_vars", 0, "key")]),
    "second variable": ({"cmd_line": "x", "env_vars": (("A", "v"), ("B", "\0"))}, [("env_vars", 1, "value")]),
    "variable too long with its key": (
        {"cmd_line": "x", "env_vars": (("KEY", "x" * (MAX_ARGUMENT_BYTES - 3)),)},
        [("env_vars", 0, "value")],
    ),
    "NUL in the working directory": ({"cmd_line": "x", "working_dir": "/\0"}, [("working_dir",)]),
    "working directory too long": ({"cmd_line": "x", "working_dir": "/" * 4096}, [("working_dir",)]),
    "relative pid directory": ({"cmd_line": "x", "pid_directory": "run"}, [("pid_directory",)]),
    "NUL in the pid directory": ({"cmd_line": "x", "pid_directory": "/\0"}, [("pid_directory",)]),
    "pid directory too long": ({"cmd_line": "x", "pid_directory": "/" * 3073}, [("pid_directory",)]),
    "empty id": ({"cmd_line": "x", "id": ""}, [("id",)]),
    "id too long": ({"cmd_line": "x", "id": "a" * 64}, [("id",)]),
    "id begins with a dot": ({"cmd_line": "x", "id": ".a"}, [("id",)]),
    "id of an exec": ({"cmd_line": "x", "id": "_a"}, [("id",)]),
    "id with a slash": ({"cmd_line": "x", "id": "a/b"}, [("id",)]),
    "id ends in a newline": ({"cmd_line": "x", "id": "a\n"}, [("id",)]),
    "all at once": (
        {"id": "", "args": ("\0",), "working_dir": "\0", "env_vars": (("", ""),), "pid_directory": "x"},
        [("id",), ("args", 0), ("env_vars", 0, "key"), ("working_dir",), ("pid_directory",)],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_definition_is_refused_where_it_is_wrong(name: str) -> None:
    fields, expected = REFUSED[name]
    assert paths(api.check_definition(Definition(**{"id": "id", **fields}))) == expected


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_say_something_bounded(name: str) -> None:
    for violation in api.check_definition(Definition(**{"id": "id", **REFUSED[name][0]})):
        assert 0 < len(violation.message) < 200


def test_text_without_a_limit_may_be_of_any_length() -> None:
    assert api.check_text("x" * (MAX_ARGUMENT_BYTES + 1), ("text",)) == []


def test_limit_counts_bytes_and_is_named() -> None:
    (violation,) = api.check_text("éé", ("text",), limit=3)
    assert "3 bytes" in violation.message
    assert "is 4" in violation.message


PINNED = ResolvedTarget(
    kind="kubernetes",
    context="kind",
    namespace="default",
    pod_name="web-0",
    pod_uid="1f",
    container_name="app",
    container_id="containerd://2e",
    kubeconfig="/k",
)


@pytest.mark.parametrize("field", ["context", "namespace", "pod_name", "container_name", "kubeconfig"])
def test_channel_key_is_the_same_however_a_container_is_named(field: str) -> None:
    assert dataclasses.replace(PINNED, **{field: "other"}).channel_key == PINNED.channel_key


@pytest.mark.parametrize("field", ["kind", "pod_uid", "container_id"])
def test_channel_key_differs_for_another_container(field: str) -> None:
    assert dataclasses.replace(PINNED, **{field: "other"}).channel_key != PINNED.channel_key


def test_names_are_those_of_the_contract() -> None:
    assert set(api.Status) == {"unknown", "starting", "stopped", "errored", "running"}
    assert set(api.State) == {
        "starting", "running", "stopping", "exited", "signaled", "startFailed", "lost", "absent",
    }  # fmt: skip
    assert list(api.Stream) == ["stdout", "stderr"]
    assert set(api.IfExists) == {"attach", "fail", "replace"}
