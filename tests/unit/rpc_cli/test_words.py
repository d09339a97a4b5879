from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import api
from rpc_cli import words

IDS = {
    ("npm", "run", "dev"): "npm-run-dev",
    ("make",): "make",
    ("sleep", "1000"): "sleep-1000",
    ("a", "b", "c", "d"): "a-b-c-d",
}
IDS_WITH_DIGITS = {
    ("a", "b", "c", "d", "e"): "a-b-c-d-",
    ("./serve", "--port", "8080"): "serve-",
    ("/usr/bin/make",): "make-",
    ("curl", "-H", "Authorization: Bearer s3cret"): "curl-",
    ("mysql", "--password", "s3cret"): "mysql-",
    ("env", "TOKEN=s3cret", "run"): "env-",
    ("$(x)",): "command-",
    ("-x",): "command-",
    ("ä",): "command-",
    (): "command-",
    ("x" * 100,): "command-",
}


@pytest.mark.parametrize("args", IDS)
def test_a_plain_command_is_its_own_id(args: tuple[str, ...]) -> None:
    assert words.default_id(args) == IDS[args]


@pytest.mark.parametrize("args", IDS_WITH_DIGITS)
def test_what_may_be_secret_is_not_in_an_id(args: tuple[str, ...]) -> None:
    found = words.default_id(args)
    assert re.fullmatch(re.escape(IDS_WITH_DIGITS[args]) + "[0-9a-f]{4}", found)


def test_commands_that_begin_alike_have_ids_of_their_own() -> None:
    assert words.default_id(["python", "-m", "a"]) != words.default_id(["python", "-m", "b"])


@given(st.lists(st.text()))
def test_an_id_is_always_one_and_always_the_same(args: list[str]) -> None:
    found = words.default_id(args)
    assert api.check_id(found, ()) == []
    assert found == words.default_id(args)


@pytest.mark.parametrize(
    "text, pair",
    {"A=b": ("A", "b"), "A=": ("A", ""), "A=b=c": ("A", "b=c"), "HOME": ("HOME", "/h"), "_x1=ä": ("_x1", "ä")}.items(),
)
def test_an_environment_variable_is_read(text: str, pair: tuple[str, str]) -> None:
    assert words.env_var(text, {"HOME": "/h"}) == pair


@pytest.mark.parametrize("text", ["", "=b", "1A=b", "A-B=secret", "A B"])
def test_what_is_no_variable_is_refused_without_its_value(text: str) -> None:
    with pytest.raises(ValueError, match="KEY=VALUE") as caught:
        words.env_var(text, {})
    assert "secret" not in str(caught.value)


def test_a_variable_that_is_not_set_here_has_no_value_to_take() -> None:
    with pytest.raises(ValueError, match="NOPE is not set here"):
        words.env_var("NOPE", {})


@pytest.mark.parametrize(
    "text, expected",
    {"10": 10, "0": 0, "1.5": 1.5, "30s": 30, "500ms": 0.5, "1m30s": 90, "2h": 7200, "1.5h": 5400}.items(),
)
def test_a_time_is_read(text: str, expected: float) -> None:
    assert words.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "s", "-1", "1x", "1m30", "1 s", "inf", "nan", "1e400", "30s!"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a time is"):
        words.seconds(text)


@pytest.mark.parametrize("text, expected", {"0": (0, 0), "12": (12, 0), "12,7": (12, 7)}.items())
def test_offsets_are_read(text: str, expected: tuple[int, int]) -> None:
    assert words.offsets(text) == expected


@pytest.mark.parametrize("text", ["", "x", "-1", "1,2,3", "1,", "²"])
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an offset is"):
        words.offsets(text)


@pytest.mark.parametrize("text", ["TERM", "term", "SIGTERM", "sigterm"])
def test_a_signal_has_many_spellings(text: str) -> None:
    assert words.signal_name(text) == "TERM"


@pytest.mark.parametrize("text, name", {"1": "HUP", "2": "INT", "3": "QUIT", "9": "KILL", "15": "TERM"}.items())
def test_a_signal_may_be_a_number_that_is_the_same_everywhere(text: str, name: str) -> None:
    assert words.signal_name(text) == name


def test_an_unknown_signal_is_answered_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="HUP, INT"):
        words.signal_name("10")
