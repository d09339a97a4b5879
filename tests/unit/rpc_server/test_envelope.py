from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpc_server import envelope

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_a_frame_holds_what_was_encoded(message: dict[str, Any]) -> None:
    header, body = envelope.encode(message).split(b"\r\n\r\n", 1)
    assert header == b"Content-Length: %d" % len(body)
    assert envelope.decode(body) == message


def test_text_goes_as_utf_8_and_half_a_character_as_an_escape() -> None:
    assert envelope.encode({"a": "é"}).endswith('{"a":"é"}'.encode())
    assert envelope.encode({"a": "é\ud800"}).endswith(rb'{"a":"\u00e9\ud800"}')


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "at character 1"),
        (b'{"a":secret}', "at character 5"),
        (b"a\xff", "not UTF-8 at byte 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[NaN]", "a number that can't be read"),
        (b"1" * 5000, "a number that can't be read"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place_and_not_its_content(body: bytes, said: str) -> None:
    with pytest.raises(envelope.MalformedJsonError, match=said) as caught:
        envelope.decode(body)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("msg_id", "expected"),
    [(1, 1), (0, 0), ("", ""), ("a", "a"), (None, None), (True, None), (1.0, None), ([], None), ({}, None)],
)
def test_read_id(msg_id: Any, expected: Any) -> None:
    assert envelope.read_id({"id": msg_id}) == expected
    assert envelope.read_id({}) is None


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ('{"jsonrpc":"2.0","method":"m"}', None),
        ('{"jsonrpc":"2.0","method":"m","id":1}', None),
        ('{"jsonrpc":"2.0","method":"m","id":null}', "id must be"),
        ('{"jsonrpc":"2.0","method":1}', "method must be"),
        ('{"jsonrpc":"2.0"}', "method must be"),
        ('{"jsonrpc":2,"method":"m"}', "jsonrpc must be"),
        ('{"method":"m"}', "jsonrpc must be"),
    ],
)
def test_problem_of(message: str, problem: str | None) -> None:
    found = envelope.problem_of(json.loads(message))
    assert found is None if problem is None else found is not None and found.startswith(problem)


@pytest.mark.parametrize(
    ("message", "expected"),
    [({"result": None}, True), ({"error": {}}, True), ({}, False), ({"method": "m", "result": 1}, False)],
)
def test_is_response(message: dict[str, Any], expected: bool) -> None:
    assert envelope.is_response(message) is expected
