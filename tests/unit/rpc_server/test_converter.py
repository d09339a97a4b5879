from __future__ import annotations

from typing import Any

import pytest

from handlers import api
from rpc_server import messages, results, translate
from rpc_server.converter import MAX_REPORTED, InvalidParams, make_converter, render, wire_name

CONVERTER = make_converter(translate.RULES)
LOCAL = {"kind": "local"}
POD = {"kind": "kubernetes", "podName": "pod-0.a"}
RUN = {"id": "a", "cmdLine": "true"}


def problems(raw: Any, cls: type) -> dict[str, str]:
    try:
        CONVERTER.structure(raw, cls)
    except InvalidParams as error:
        return {field.path: field.message for field in error.fields()}
    return {}


def start(**changes: Any) -> dict[str, Any]:
    return {"target": LOCAL, "definition": RUN, **changes}


def define(**changes: Any) -> dict[str, Any]:
    return start(definition={"id": "a", "cmdLine": "true", **changes})


def run(**changes: Any) -> dict[str, Any]:
    return {"target": LOCAL, "cmdLine": "true", **changes}


GOOD = {
    "least": start(),
    "kubernetes": start(target=POD),
    "kubernetes in full": start(
        target={**POD, "containerName": "c", "namespace": "n", "context": "Ctx/1", "kubeconfig": "/home/é/config"}
    ),
    "kubernetes with empty fields": start(
        target={**POD, "containerName": "", "namespace": "", "context": "", "kubeconfig": ""}
    ),
    "selector": start(target={"kind": "kubernetes", "selector": "app=web,tier!=db"}),
    "docker": start(target={"kind": "docker", "container": "c"}),
    "definition in full": define(
        pidDirectory="/run/x",
        workingDir="src",
        envVars=[{"key": "_A1", "value": ""}],
        stdin=False,
        tty={"rows": 24, "columns": 80},
        mergeOutput=True,
    ),
    "args": start(definition={"id": "A.b_c-9", "args": ["sh", ""]}),
    "options in full": start(
        ifExists="replace",
        runId="r1",
        output={"follow": False, "from": {"stdout": 5}},
        onDisconnect="keep",
        timeoutSeconds=1,
        gracePeriodSeconds=0,
        spoolLimitBytes=5 << 20,
    ),
    "from the end": start(output={"from": "end"}),
    "longest id": define(id="a" * 63),
    "longest cmdLine": define(cmdLine="x" * 131_071),
    "longest variable": define(envVars=[{"key": "A", "value": "x" * 131_069}]),
    "a fraction of a second": start(timeoutSeconds=0.001),
}


@pytest.mark.parametrize("raw", GOOD.values(), ids=GOOD.keys())
def test_good_start_params(raw: dict[str, Any]) -> None:
    assert problems(raw, messages.StartParams) == {}


WRONG = {
    "not an object": ([], {"": "must be an object, is an array"}),
    "nothing": ({}, {"target": "is required", "definition": "is required"}),
    "null": (start(runId=None), {"runId": "must not be null"}),
    "unknown": (
        start(idd=1),
        {"idd": "is not a field here; known are: definition, grace"},
    ),
    "snake_case": (start(run_id="r"), {"run_id": "is not a field here"}),
    "odd name": (start(**{"a b\n": 1}), {'["a b\\n"]': "is not a field here"}),
    "target: text": (start(target="local"), {"target": "must be an object, is a string"}),
    "target: no kind": (start(target={}), {"target.kind": "is required"}),
    "target: unknown kind": (
        start(target={"kind": "ssh"}),
        {"target.kind": 'must be one of "local", "kube'},
    ),
    "target: kind is a number": (start(target={"kind": 1}), {"target.kind": "must be one of"}),
    "target: field of another kind": (start(target={**LOCAL, "podName": "p"}), {"target.podName": "is not a field"}),
    "target: no pod": (start(target={"kind": "kubernetes"}), {"target.podName": "is required"}),
    "target: empty pod": (start(target={**POD, "podName": ""}), {"target.podName": "must be a Kubernetes name"}),
    "target: pod of two names": (start(target={**POD, "podName": "a/b"}), {"target.podName": "must be a Kubernetes"}),
    "target: pod and selector": (start(target={**POD, "selector": "a"}), {"target": "only one of podName, selector"}),
    "target: NUL": (start(target={**POD, "context": "a\0"}), {"target.context": "must not contain a NUL"}),
    "id: empty": (define(id=""), {"definition.id": "must be 1 to 63"}),
    "id: too long": (define(id="a" * 64), {"definition.id": "must be 1 to 63"}),
    "id: slash": (define(id="a/b"), {"definition.id": "must be 1 to 63"}),
    "id: newline": (define(id="a\n"), {"definition.id": "must be 1 to 63"}),
    "id: number": (define(id=1), {"definition.id": "must be a string, is an integer"}),
    "id: boolean": (define(id=True), {"definition.id": "must be a string, is a boolean"}),
    "neither": (start(definition={"id": "a"}), {"definition": "exactly one of cmdLine and args"}),
    "both": (define(args=["a"]), {"definition": "exactly one of cmdLine and args"}),
    "cmdLine: empty": (define(cmdLine=" "), {"definition.cmdLine": "must not be empty"}),
    "cmdLine: NUL": (define(cmdLine="a\0"), {"definition.cmdLine": "must not contain a NUL"}),
    "cmdLine: half a character": (
        define(cmdLine="\ud800"),
        {"definition.cmdLine": "must be text that UTF-8 can"},
    ),
    "cmdLine: too long": (define(cmdLine="x" * 131_072), {"definition.cmdLine": "must be at most 131071 bytes"}),
    "args: text": (start(definition={"id": "a", "args": "echo"}), {"definition.args": "must be an array, is a string"}),
    "args: empty": (start(definition={"id": "a", "args": []}), {"definition.args": "must begin with the program"}),
    "args: mixed": (
        start(definition={"id": "a", "args": ["x", 1, "\0", None]}),
        {
            "definition.args[1]": "must be a string, is an integer",
            "definition.args[2]": "must not contain a NUL",
            "definition.args[3]": "must not be null",
        },
    ),
    "envVars: object": (define(envVars={"A": "b"}), {"definition.envVars": "must be an array, is an object"}),
    "envVars: all wrong": (
        define(envVars=[{"key": "1A", "value": 5}, {"key": "A"}, "A=b", {"key": "A", "value": "b", "x": 1}]),
        {
            "definition.envVars[0].key": "must be letters, digits and _",
            "definition.envVars[0].value": "must be a string, is an integer",
            "definition.envVars[1].value": "is required",
            "definition.envVars[2]": "must be an object, is a string",
            "definition.envVars[3].x": "is not a field here",
        },
    ),
    "envVars: too long": (
        define(envVars=[{"key": "A", "value": "x" * 131_070}]),
        {"definition.envVars[0].value": "must be at most 131069 bytes"},
    ),
    "pidDirectory: relative": (define(pidDirectory="x"), {"definition.pidDirectory": "must be an absolute path"}),
    "mergeOutput: number": (define(mergeOutput=1), {"definition.mergeOutput": "must be a boolean, is an integer"}),
    "tty: no size": (
        define(tty={"rows": 0}),
        {"definition.tty.rows": "must be", "definition.tty.columns": "is req"},
    ),
    "ifExists": (start(ifExists="ATTACH"), {"ifExists": 'must be one of "attach", "fail", "replace"'}),
    "ifExists: list": (start(ifExists=["attach"]), {"ifExists": "must be one of"}),
    "runId": (start(runId="-"), {"runId": "must be 1 to 63"}),
    "timeoutSeconds: zero": (
        start(timeoutSeconds=0),
        {"timeoutSeconds": "must be greater than 0 and at most 1"},
    ),
    "timeoutSeconds: text": (start(timeoutSeconds="1"), {"timeoutSeconds": "must be a number, is a string"}),
    "timeoutSeconds: boolean": (start(timeoutSeconds=True), {"timeoutSeconds": "must be a number, is a boolean"}),
    "timeoutSeconds: infinite": (start(timeoutSeconds=float("inf")), {"timeoutSeconds": "must be greater than 0"}),
    "timeoutSeconds: endless": (start(timeoutSeconds=10**400), {"timeoutSeconds": "must be greater than 0"}),
    "gracePeriodSeconds": (start(gracePeriodSeconds=-0.1), {"gracePeriodSeconds": "must be at least 0"}),
    "output: text": (start(output="start"), {"output": "must be an object, is a string"}),
    "from: text": (start(output={"from": "middle"}), {"output.from": 'must be one of "start", "end", or an object'}),
    "from: number": (start(output={"from": 5}), {"output.from": 'must be one of "start", "end", or an object'}),
    "from: null": (start(output={"from": None}), {"output.from": "must not be null"}),
    "from: fraction": (start(output={"from": {"stdout": 1.0}}), {"output.from.stdout": "must be an integer, is a num"}),
    "from: negative": (start(output={"from": {"stderr": -1}}), {"output.from.stderr": "must be at least 0"}),
    "from: unknown": (start(output={"from": {"stdin": 1}}), {"output.from.stdin": "is not a field here"}),
}


@pytest.mark.parametrize(("raw", "expected"), WRONG.values(), ids=WRONG.keys())
def test_wrong_start_params(raw: Any, expected: dict[str, str]) -> None:
    found = problems(raw, messages.StartParams)
    assert found.keys() == expected.keys()
    for path, message in expected.items():
        assert found[path].startswith(message)


VARIABLE = ["envVars[0].key", "envVars[0].value"]

ONE = {"target": LOCAL, "id": "a"}

OTHERS = {
    "status: id": (messages.StatusParams, {"target": LOCAL, "id": "/"}, ["id"]),
    "status: pidDirectory": (messages.StatusParams, {"target": LOCAL, "pidDirectory": "."}, ["pidDirectory"]),
    "stop: no id": (messages.StopParams, {"target": LOCAL}, ["id"]),
    "stop: signal": (messages.StopParams, {"target": LOCAL, "id": "a", "signal": "SIGNAL"}, ["signal"]),
    "stop: signal in lower case": (messages.StopParams, {"target": LOCAL, "id": "a", "signal": "term"}, ["signal"]),
    "stop: signal by number": (messages.StopParams, {"target": LOCAL, "id": "a", "signal": 15}, ["signal"]),
    "stop: good": (messages.StopParams, {"target": LOCAL, "id": "a", "signal": "SIGTERM"}, []),
    "attach: no id": (messages.AttachParams, {"target": LOCAL}, ["id"]),
    "attach: good": (messages.AttachParams, {"target": LOCAL, "id": "a", "from": {}, "pidDirectory": "/x"}, []),
    "exec: good": (messages.ExecParams, run(stdin="a\0", maxOutputBytes=0, stream=True, runId="r"), []),
    "exec: neither": (messages.ExecParams, {"target": LOCAL}, [""]),
    "exec: stream without runId": (messages.ExecParams, run(stream=True), ["runId"]),
    "exec: stream with a bad runId": (messages.ExecParams, run(stream=True, runId=5), ["runId"]),
    "exec: stdin": (messages.ExecParams, run(stdin="\ud800"), ["stdin"]),
    "exec: openStdin without runId": (messages.ExecParams, run(openStdin=True), ["runId"]),
    "exec: openStdin and stdin": (messages.ExecParams, run(openStdin=True, runId="r", stdin=""), [""]),
    "exec: openStdin": (messages.ExecParams, run(openStdin=True, runId="r"), []),
    "write: no id": (messages.WriteParams, {"target": LOCAL, "data": ""}, ["id"]),
    "write: two ids": (messages.WriteParams, {"target": LOCAL, "data": "", "id": "a", "runId": "b"}, [""]),
    "write: no data": (messages.WriteParams, {"target": LOCAL, "id": "a"}, ["data"]),
    "write: surrogate": (messages.WriteParams, {"target": LOCAL, "id": "a", "data": "\ud800"}, ["data"]),
    "write: no base64": (messages.WriteParams, {**ONE, "data": "a", "encoding": "base64"}, ["data"]),
    "write: encoding": (messages.WriteParams, {**ONE, "data": "", "encoding": "hex"}, ["encoding"]),
    "write: good": (messages.WriteParams, {"target": LOCAL, "runId": "a", "data": "AP8=", "encoding": "base64"}, []),
    "closeStdin: no id": (messages.CloseStdinParams, {"target": LOCAL}, ["id"]),
    "closeStdin: good": (messages.CloseStdinParams, {"target": LOCAL, "id": "a"}, []),
    "exec: maxOutputBytes": (messages.ExecParams, run(maxOutputBytes=2**30 + 1), ["maxOutputBytes"]),
    "exec: variables": (messages.ExecParams, run(envVars=[{"key": "", "value": "\0"}]), VARIABLE),
    "exec: a definition": (messages.ExecParams, {"target": LOCAL, "definition": RUN}, ["", "definition"]),
    "initialize: more": (messages.InitializeParams, {"x": 1, "processId": None, "clientInfo": {"y": 1}}, []),
    "initialize: less": (messages.InitializeParams, {"clientInfo": "x"}, ["clientInfo"]),
    "cancel: text": (messages.CancelParams, {"id": "a", "more": 1}, []),
    "cancel: fraction": (messages.CancelParams, {"id": 1.5}, ["id"]),
    "nothing": (messages.Empty, {"x": 1}, ["x"]),
}


@pytest.mark.parametrize(("cls", "raw", "paths"), OTHERS.values(), ids=OTHERS.keys())
def test_params_of_other_messages(cls: type, raw: Any, paths: list[str]) -> None:
    assert sorted(problems(raw, cls)) == paths


def test_a_value_of_an_enumeration_is_one_of_it_unless_it_grows() -> None:
    read = {"target": LOCAL, "id": "a", "offset": 0, "length": 1}
    assert problems({**read, "stream": "stderr"}, messages.ReadParams) == {}
    expected = {"stream": 'must be one of "stdout", "stderr"'}
    assert problems({**read, "stream": "stdin"}, messages.ReadParams) == expected
    assert problems({"kind": "aKindOfALaterServer", "retryable": False}, results.FailureData) == {}


def test_values_arrive_as_they_were_sent() -> None:
    raw = start(target=POD, output={"from": {"stdout": 5}}, timeoutSeconds=2)
    params = CONVERTER.structure(raw, messages.StartParams)
    assert params == messages.StartParams(
        target=messages.KubernetesTarget(kind="kubernetes", pod_name="pod-0.a"),
        definition=messages.Definition(id="a", cmd_line="true"),
        output=messages.OutputOptions(from_=messages.FromOffsets(stdout=5)),
        timeout_seconds=2,
    )


def test_not_more_is_listed_than_anybody_reads() -> None:
    raw = start(definition={"id": "a", "args": [1] * 5000})
    with pytest.raises(InvalidParams) as caught:
        CONVERTER.structure(raw, messages.StartParams)
    fields = caught.value.fields()
    assert len(fields) == MAX_REPORTED + 1
    assert fields[-1].message == "more than these 1000 are wrong"
    assert len(caught.value.violations) == MAX_REPORTED + 1  # and the rest was not looked at


def test_outgoing_names_are_camel_case_and_what_has_no_value_is_left_out() -> None:
    gap = results.Gap(run_id="r", id="a", stream="stdout", from_=1, to=2, reason="x")
    assert CONVERTER.unstructure(gap) == {
        "runId": "r",
        "id": "a",
        "stream": "stdout",
        "from": 1,
        "to": 2,
        "reason": "x",
    }
    absent = api.Process(
        id="a", target=api.ResolvedTarget(kind="local"), status=api.Status.UNKNOWN, state=api.State.ABSENT
    )
    assert CONVERTER.unstructure(results.StatusChanged(process=translate.process_to_wire(absent))) == {
        "process": {"id": "a", "target": {"kind": "local"}, "status": "unknown", "state": "absent"}
    }


@pytest.mark.parametrize(("name", "expected"), [("id", "id"), ("pod_name", "podName"), ("from_", "from")])
def test_wire_name(name: str, expected: str) -> None:
    assert wire_name(name) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [((), ""), (("a", 0, "b"), "a[0].b"), (("a", "b.c"), 'a["b.c"]'), (("é" * 99,), '["' + "\\u00e9" * 64 + '"]')],
)
def test_render(path: tuple[str | int, ...], expected: str) -> None:
    assert render(path) == expected
