"""The conversations in docs/transcripts: there is one for each method, and a real server still says the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rpc_server import openrpc
from rpc_server.documents import TRANSCRIPTS, transcript_name
from rpc_server.methods import METHODS
from tests.rpc.client import ROOT
from tests.rpc.conversation import Placeholders, joined
from tests.rpc.record import play, text_of
from tests.rpc.scenarios import SCENARIOS


def test_every_method_has_a_scenario_and_a_transcript_and_no_other_file_is_there() -> None:
    assert METHODS.keys() <= SCENARIOS.keys()
    kept = {path.name for path in (ROOT / TRANSCRIPTS).iterdir()}
    assert kept == {transcript_name(method) for method in METHODS}, "run `make transcripts`"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the local target is Linux only")
@pytest.mark.parametrize("method", METHODS)
def test_the_server_says_what_the_transcript_says(method: str, tmp_path: Path) -> None:
    kept = (ROOT / TRANSCRIPTS / transcript_name(method)).read_text(encoding="utf-8")
    talk = play(method, tmp_path)
    assert text_of(method, talk) == kept, "if the new one is as it should be: `make transcripts`"
    for sent, heard in talk.exchanges():
        for message in heard:
            check_against_document(sent, message)


@pytest.mark.parametrize("method", METHODS)
def test_a_transcript_holds_its_method_answered(method: str) -> None:
    transcript = json.loads((ROOT / TRANSCRIPTS / transcript_name(method)).read_text(encoding="utf-8"))
    said = [message["client"] for message in transcript["messages"] if "client" in message]
    heard = [message["server"] for message in transcript["messages"] if "server" in message]
    answers = {message["id"]: message for message in heard if "id" in message}
    asked = [message["id"] for message in said if message["method"] == method]
    assert any("result" in answers[msg_id] for msg_id in asked)


def check_against_document(sent: dict[str, Any], message: dict[str, Any]) -> None:
    """What the server says is what the document promises."""
    document = openrpc.document()
    codes = {error["code"]: error for error in document["x-errors"]}
    if "method" in message:
        schemas = {about["name"]: about["params"] for about in document["x-notifications"]["toClient"]}
        part, schema = message["params"], schemas[message["method"]]
    elif "error" in message:
        part, schema = message["error"].get("data"), codes[message["error"]["code"]].get("data", {"type": "null"})
    elif message["id"] == sent.get("id"):
        results = {method["name"]: method["result"]["schema"] for method in document["methods"]}
        part, schema = message["result"], results[sent["method"]]
    else:
        return  # the reply to an earlier request
    jsonschema.Draft7Validator({**schema, "components": document["components"]}).validate(part)


def output(data: str, stream: str = "stdout", offset: int = 0) -> dict[str, Any]:
    return {"method": "remotecmd/output", "params": {"runId": "r", "stream": stream, "offset": offset, "data": data}}


def test_pieces_of_a_stream_are_joined() -> None:
    reply = {"id": 1, "result": None}
    heard = [output("a"), reply, output("x", "stderr"), output("b", offset=1)]
    assert joined(heard) == [output("ab"), reply, output("x", "stderr")]
    assert heard[0] == output("a"), "what was heard is left as it is"


def test_placeholders_tell_different_values_apart() -> None:
    message = {"list": [{"pid": 7}, {"pid": 8}, {"pid": 7}], "runId": "mine", "time": 5, "id": 1}
    assert Placeholders({"mine"}).replace(message) == {
        "list": [{"pid": "<pid>"}, {"pid": "<pid 2>"}, {"pid": "<pid>"}],
        "runId": "mine",
        "time": "<time>",
        "id": 1,
    }


def test_offsets_stay_where_they_have_come_to_rest() -> None:
    replace = Placeholders(set()).replace
    assert replace({"state": "running", "offsets": {"stdout": 1}})["offsets"] == "<offsets>"
    assert replace({"state": "exited", "offsets": {"stdout": 1}})["offsets"] == {"stdout": 1}
