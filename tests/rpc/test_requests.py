"""Messages that are JSON and yet wrong: every request is answered, whatever it holds, and nothing else is."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.rpc.client import Client

if TYPE_CHECKING:
    from pathlib import Path

LONG = 60.0
"""For an answer to very much, on a loaded machine."""

DOCKER = {"kind": "docker", "container": "c"}


def message(**changes: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": "nope", **changes}


def probe(client: Client) -> None:
    """The next answer is that to the next request: nothing was answered that should not be."""
    client.send_request("nope", msg_id="probe")
    answer = client.next()
    assert (answer["id"], answer["error"]["code"]) == ("probe", -32601)


@pytest.mark.parametrize(
    ("sent", "code", "msg_id"),
    [
        pytest.param([], -32600, None, id="empty batch"),
        pytest.param([message(), message()], -32600, None, id="batch"),
        pytest.param("text", -32600, None, id="string"),
        pytest.param(None, -32600, None, id="null"),
        pytest.param({}, -32600, None, id="empty object"),
        pytest.param({"id": 7}, -32600, 7, id="only an id"),
        pytest.param({"jsonrpc": "2.0"}, -32600, None, id="only a version"),
        pytest.param(message(jsonrpc="1.0"), -32600, 7, id="other version"),
        pytest.param(message(jsonrpc=2.0), -32600, 7, id="version as a number"),
        pytest.param({"id": "a", "method": "nope"}, -32600, "a", id="no version"),
        pytest.param(message(method=5), -32600, 7, id="method is no string"),
        pytest.param(message(method=None), -32600, 7, id="method is null"),
        pytest.param(message(id=None), -32600, None, id="id is null"),
        pytest.param(message(id=1.5), -32600, None, id="id is a fraction"),
        pytest.param(message(id=True), -32600, None, id="id is a boolean"),
        pytest.param(message(id={"a": 1}), -32600, None, id="id is an object"),
        pytest.param(message(), -32601, 7, id="unknown method"),
        pytest.param(message(method=""), -32601, 7, id="empty method"),
        pytest.param(message(method="\ud800"), -32601, 7, id="method is half a character"),
        pytest.param(message(id="\ud800"), -32601, "\ud800", id="id is half a character"),
        pytest.param(message(id=""), -32601, "", id="empty id"),
        pytest.param(message(id=-(2**70)), -32601, -(2**70), id="huge id"),
        pytest.param(message(method="$/unknown"), -32601, 7, id="unknown protocol request"),
        pytest.param(message(method="$/cancelRequest", params={"id": 1}), -32601, 7, id="notification as a request"),
        pytest.param(message(method="remotecmd/status"), -32602, 7, id="no params"),
        pytest.param(message(method="remotecmd/status", params=None), -32602, 7, id="null params"),
        pytest.param(message(method="remotecmd/status", params=[]), -32602, 7, id="empty list of params"),
        pytest.param(message(method="remotecmd/status", params=[DOCKER]), -32602, 7, id="params by position"),
        pytest.param(message(method="remotecmd/status", params="x"), -32602, 7, id="params are a string"),
        pytest.param(message(method="remotecmd/status", params={"target": DOCKER, "x": 1}), -32602, 7, id="unknown"),
        pytest.param(message(method="shutdown", params={"x": 1}), -32602, 7, id="params where none are taken"),
        pytest.param(message(method="remotecmd/status", params={"target": DOCKER}), -32803, 7, id="not supported"),
    ],
)
def test_a_wrong_message_gets_one_error(shared: Client, sent: Any, code: int, msg_id: Any) -> None:
    shared.send(sent)
    answer = shared.next()
    assert (answer["error"]["code"], answer["id"]) == (code, msg_id)
    assert "result" not in answer
    probe(shared)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"jsonrpc": "2.0", "method": "$/unknown"}, id="unknown protocol notification"),
        pytest.param({"jsonrpc": "2.0", "method": "unknown", "params": {"x": 1}}, id="unknown notification"),
        pytest.param({"jsonrpc": "2.0", "method": "remotecmd/start", "params": {}}, id="request without an id"),
        pytest.param({"jsonrpc": "2.0", "method": "shutdown"}, id="shutdown without an id"),
        pytest.param({"jsonrpc": "2.0", "method": "initialized", "params": "x"}, id="invalid params, none taken"),
        pytest.param({"jsonrpc": "2.0", "method": "$/setTrace", "params": {"value": 5}}, id="invalid params"),
        pytest.param({"jsonrpc": "2.0", "method": "$/cancelRequest"}, id="no params"),
        pytest.param({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 99}}, id="nothing to cancel"),
        pytest.param({"jsonrpc": "2.0", "id": 99, "result": None}, id="a response nobody asked for"),
        pytest.param({"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}}, id="an error response"),
    ],
)
def test_what_is_no_request_gets_no_answer(shared: Client, sent: Any) -> None:
    shared.send(sent)
    probe(shared)


@pytest.mark.parametrize("place", ["target", "definition", "params"])
def test_a_nested_key_named_jsonrpc_is_only_an_unknown_field(shared: Client, place: str) -> None:
    params: dict[str, Any] = {"target": {"kind": "local"}, "definition": {"id": "a", "cmdLine": "true"}}
    (params if place == "params" else params[place])["jsonrpc"] = "2.0"
    error = shared.error("remotecmd/start", params)
    assert error["code"] == -32602
    assert [field["path"] for field in error["data"]] == ["jsonrpc" if place == "params" else f"{place}.jsonrpc"]


def test_a_nested_key_named_jsonrpc_is_harmless_in_initialize(client: Client) -> None:
    assert (
        client.result("initialize", {"capabilities": {"jsonrpc": {"jsonrpc": "2.0", "id": 1}}})["protocolVersion"] == 1
    )


def test_all_violations_are_listed_and_no_value_is_repeated(shared: Client) -> None:
    params = {
        "target": {"kind": "kubernetes", "podName": "Secret!"},
        "definition": {
            "id": "-secret",
            "cmdLine": "secret\0",
            "args": ["secret", 5],
            "envVars": [{"key": "1secret", "value": "secret"}, {"key": "A"}],
            "workingDir": None,
            "tty": {"rows": 0, "columns": "secret"},
        },
        "ifExists": "secret",
        "timeoutSeconds": -1,
        "output": {"from": {"stdout": -1}},
        "extra": "secret",
    }
    error = shared.error("remotecmd/start", params)
    assert sorted(field["path"] for field in error["data"]) == [
        "definition.args[1]",
        "definition.cmdLine",
        "definition.envVars[0].key",
        "definition.envVars[1].value",
        "definition.id",
        "definition.tty.columns",
        "definition.tty.rows",
        "definition.workingDir",
        "extra",
        "ifExists",
        "output.from.stdout",
        "target.podName",
        "timeoutSeconds",
    ]
    assert "ecret" not in str(error)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        pytest.param({"target": DOCKER}, "docker", id="docker"),
        pytest.param({"target": {"kind": "podman", "container": "c"}}, "podman", id="podman"),
        pytest.param({"definition": {"tty": {"rows": 1, "columns": 1}}}, "definition.tty", id="tty"),
    ],
)
@pytest.mark.covers("notSupported")
def test_what_is_not_built_is_not_supported(shared: Client, params: dict[str, Any], named: str) -> None:
    definition = {"id": "a", "cmdLine": "true", **params.get("definition", {})}
    error = shared.error("remotecmd/start", {"target": {"kind": "local"}, **params, "definition": definition})
    assert (error["code"], error["data"]["kind"], error["data"]["retryable"]) == (-32803, "notSupported", False)
    assert named in error["message"]


def test_a_second_request_with_an_id_in_flight_is_refused(shared: Client) -> None:
    params = {"target": {"kind": "local"}, "args": ["sleep", "30"]}
    shared.send_request("remotecmd/exec", params, msg_id=5)
    shared.send_request("remotecmd/status", {"target": DOCKER}, msg_id=5)
    shared.notify("$/cancelRequest", {"id": 5})
    assert shared.reply(5)["error"]["code"] == -32600
    assert shared.reply(5)["error"]["code"] == -32800


def test_the_same_number_as_text_is_another_id(shared: Client) -> None:
    shared.send_request("remotecmd/status", {"target": DOCKER}, msg_id=5)
    shared.send_request("remotecmd/status", {"target": DOCKER}, msg_id="5")
    assert [shared.next()["error"]["code"] for _ in range(2)] == [-32803, -32803]


@pytest.mark.slow
def test_ten_thousand_requests_may_be_written_before_a_reply_is_read() -> None:
    with Client(read=False) as client:
        for i in range(10_000):
            client.send_request("remotecmd/status", {"target": DOCKER}, msg_id=i)
        client.start_reading()
        assert {client.next()["id"] for _ in range(10_000)} == set(range(10_000))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the local target is Linux only")
def test_ten_thousand_requests_in_flight_are_answered_once_each(client: Client, tmp_path: Path) -> None:
    """Every second one is cancelled; the others wait for one command, which ends when all of them are under way."""
    where = {"target": {"kind": "local"}, "pidDirectory": str(tmp_path / "base")}
    definition = {"id": "a", "args": ["sleep", "1000"], "pidDirectory": where["pidDirectory"]}
    client.result("remotecmd/start", {"target": where["target"], "definition": definition, "output": {"follow": False}})
    for i in range(10_000):
        client.send_request("remotecmd/wait", {**where, "id": "a"}, msg_id=i)
    for i in range(0, 10_000, 2):
        client.notify("$/cancelRequest", {"id": i})
    client.send_request("remotecmd/wait", {**where, "id": "a"}, msg_id=1)
    client.send_request("remotecmd/stop", {**where, "id": "a", "gracePeriodSeconds": 0}, msg_id="stop")
    answers = Counter(outcome(client.next(LONG)) for _ in range(10_002))
    assert answers[1, -32600] == 1
    del answers[1, -32600]
    assert answers == {
        **{(i, -32800): 1 for i in range(0, 10_000, 2)},
        **{(i, "stopped"): 1 for i in range(1, 10_000, 2)},
        ("stop", "stopped"): 1,
    }
    probe(client)


def outcome(answer: dict[str, Any]) -> tuple[Any, Any]:
    """To which request, and its error's code or the status of its process."""
    if "error" in answer:
        return answer["id"], answer["error"]["code"]
    return answer["id"], answer["result"]["process"]["status"]


@pytest.mark.parametrize(
    ("number", "msg_id"),
    [
        ("-0", 0),
        (str(2**80), 2**80),
        ("1e400", None),
        ("-1e400", None),
        ("-0.0", None),
        ("1.0", None),
        ("1E2", None),
        ('"a\\u0000b"', "a\0b"),
        ('"\\ud800"', "\ud800"),
    ],
)
def test_an_id_of_any_kind_is_echoed_or_refused(shared: Client, number: str, msg_id: Any) -> None:
    body = f'{{"jsonrpc":"2.0","id":{number},"method":"nope"}}'.encode()
    shared.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    answer = shared.next()
    assert (answer["id"], answer["error"]["code"]) == (msg_id, -32600 if msg_id is None else -32601)
    probe(shared)


@pytest.mark.parametrize("what", ["array", "object"])
def test_a_million_mistakes_are_answered_briefly(shared: Client, what: str) -> None:
    definition: dict[str, Any] = {"id": "a", "args": ["true"]}
    if what == "array":
        definition["args"] = [0] * 1_000_000
    else:
        definition |= {f"x{i}": 0 for i in range(1_000_000)}
    error = shared.error("remotecmd/start", {"target": {"kind": "local"}, "definition": definition}, LONG)
    assert error["code"] == -32602
    assert len(error["data"]) == 1001
    assert error["data"][-1] == {"path": "", "message": "more than these 1000 are wrong"}
    assert "(and many more, the first 1000 in data)" in error["message"]
    probe(shared)
