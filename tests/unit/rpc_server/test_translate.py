from __future__ import annotations

import pytest

from handlers import api
from handlers.errors import ErrorKind, RemoteCommandError
from rpc_server import messages, results, translate

LOCAL = messages.LocalTarget(kind="local")
RUN = messages.Definition(id="a", cmd_line="true")


def start(**changes: object) -> messages.StartParams:
    return messages.StartParams(**{"target": LOCAL, "definition": RUN, **changes})  # type: ignore[arg-type]  # a table


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param(start(), api.StartOptions(), id="defaults are the domain's"),
        pytest.param(
            start(
                if_exists="fail",
                run_id="r",
                output=messages.OutputOptions(follow=False, from_=messages.FromOffsets(stderr=7)),
                on_disconnect="keep",
                timeout_seconds=3,
                grace_period_seconds=0,
            ),
            api.StartOptions(
                if_exists=api.IfExists.FAIL,
                run_id="r",
                follow=False,
                follow_from=api.Offsets(0, 7),
                timeout_seconds=3.0,
                grace_period_seconds=0.0,
            ),
            id="all given",
        ),
    ],
)
def test_options(params: messages.StartParams, expected: api.StartOptions) -> None:
    assert translate.options_to_domain(params) == expected


@pytest.mark.parametrize("value", [None, "keep", "stop"])
def test_run_stops_with_its_client_only_if_that_is_asked_for(value: str | None) -> None:
    assert translate.options_to_domain(start(on_disconnect=value)).stop_on_disconnect is (value == "stop")


def test_output_is_kept_up_to_a_limit_that_can_be_chosen() -> None:
    assert translate.options_to_domain(start()).spool_limit_bytes == 128 << 20
    assert translate.options_to_domain(start(spool_limit_bytes=5 << 20)).spool_limit_bytes == 5 << 20


@pytest.mark.parametrize(
    ("wire", "domain"),
    [
        (None, "start"),
        ("end", "end"),
        (messages.FromOffsets(stdout=3), api.Offsets(3, 0)),
        (messages.FromTime(time=1_700_000_000_123), api.Since(1_700_000_000_123)),
    ],
)
def test_where_following_begins(wire: messages.From | None, domain: api.From) -> None:
    assert translate.from_to_domain(wire) == domain


def test_the_local_target_is_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translate, "LOCAL_BUILT", False)
    with pytest.raises(RemoteCommandError) as caught:
        translate.target_to_domain(LOCAL)
    assert caught.value.kind is ErrorKind.NOT_SUPPORTED


@pytest.mark.parametrize(("name", "expected"), [(None, "TERM"), ("INT", "INT"), ("SIGINT", "INT")])
def test_signal(name: str | None, expected: str) -> None:
    assert translate.signal_to_domain(name) == expected


@pytest.mark.parametrize(
    ("stdout", "stderr", "truncated", "asked", "expected"),
    [
        pytest.param(b"a\xc3\xa9", b"b", False, "utf8", ("aé", "b", "utf8"), id="text"),
        pytest.param(b"a", b"\xff", False, "utf8", ("YQ==", "/w==", "base64"), id="one is not text"),
        pytest.param(b"a", b"b", False, "base64", ("YQ==", "Yg==", "base64"), id="base64 was asked for"),
        pytest.param(b"aaa\xc3", b"b", True, "utf8", ("aaa", "b", "utf8"), id="cut inside a character"),
        pytest.param(b"aaa\xc3", b"b", False, "utf8", ("YWFhww==", "Yg==", "base64"), id="ends inside a character"),
        pytest.param(b"aaaa", b"\xc3", True, "utf8", ("YWFhYQ==", "ww==", "base64"), id="the other was cut"),
        pytest.param(b"", b"", False, "utf8", ("", "", "utf8"), id="nothing"),
    ],
)
def test_exec_result(
    stdout: bytes, stderr: bytes, truncated: bool, asked: messages.Encoding, expected: tuple[str, str, str]
) -> None:
    result = api.ExecResult(exit_code=0, signal=None, stdout=stdout, stderr=stderr, truncated=truncated)
    wire = translate.exec_to_wire(result, 4, asked)
    assert (wire.stdout, wire.stderr, wire.encoding) == expected


@pytest.mark.parametrize(
    ("data", "asked", "expected"),
    [
        pytest.param(b"a\0\xc3\xa9", "utf8", ("a\0é", None), id="text"),
        pytest.param(b"\xc3", "utf8", ("ww==", "base64"), id="not text"),
        pytest.param(b"a", "base64", ("YQ==", "base64"), id="base64 was asked for"),
    ],
)
def test_chunk(data: bytes, asked: messages.Encoding, expected: tuple[str, str | None]) -> None:
    chunk = api.OutputChunk("r", "a", api.Stream.STDOUT, 5, data, 7)
    wire = translate.chunk_to_wire(chunk, asked)
    assert (wire.data, wire.encoding) == expected
    assert (wire.run_id, wire.id, wire.stream, wire.offset, wire.time) == ("r", "a", "stdout", 5, 7)


def test_targets() -> None:
    assert translate.target_to_domain(messages.KubernetesTarget(kind="kubernetes", pod_name="p", namespace="")) == (
        api.KubernetesTarget(pod_name="p")
    )
    if translate.LOCAL_BUILT:
        assert translate.target_to_domain(LOCAL) == api.LocalTarget()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"selector": "a=b"}, api.KubernetesTarget(selector="a=b")),
        ({"workload": "deploy/a"}, api.KubernetesTarget(workload="deployment/a")),
        ({"workload": "po/a"}, api.KubernetesTarget(pod_name="a")),
    ],
    ids=["selector", "workload by its short name", "a pod as a workload"],
)
def test_targets_that_are_not_named_by_pod(fields: dict[str, str], expected: api.KubernetesTarget) -> None:
    assert translate.target_to_domain(messages.KubernetesTarget(kind="kubernetes", **fields)) == expected


def test_targets_that_are_not_built() -> None:
    with pytest.raises(RemoteCommandError) as caught:
        translate.target_to_domain(messages.ContainerTarget(kind="docker", container="c"))
    assert caught.value.kind is ErrorKind.NOT_SUPPORTED


@pytest.mark.parametrize("changes", [{"tty": messages.TerminalSize(rows=1, columns=1)}])
def test_definitions_that_are_not_built(changes: dict[str, object]) -> None:
    definition = messages.Definition(id="a", cmd_line="true", **changes)  # type: ignore[arg-type]  # a table
    with pytest.raises(RemoteCommandError) as caught:
        translate.definition_to_domain(definition)
    assert caught.value.kind is ErrorKind.NOT_SUPPORTED


def test_a_definition_in_full() -> None:
    definition = messages.Definition(
        id="a",
        args=("x", ""),
        pid_directory="/p",
        working_dir="w",
        env_vars=(messages.EnvVar(key="A", value="b"),),
        stdin=False,
        merge_output=True,
    )
    assert translate.definition_to_domain(definition) == api.Definition(
        id="a", args=("x", ""), pid_directory="/p", working_dir="w", env_vars=(("A", "b"),), merge_output=True
    )


def test_an_exec_in_full() -> None:
    params = messages.ExecParams(
        target=LOCAL, cmd_line="x", stdin="é", timeout_seconds=2, max_output_bytes=0, stream=True, run_id="r"
    )
    assert translate.exec_to_domain(params) == api.ExecRequest(
        cmd_line="x", stdin="é".encode(), timeout_seconds=2.0, max_output_bytes=0, stream=True, run_id="r"
    )


def test_what_became_of_a_pod_is_told_without_empty_fields() -> None:
    resolved = api.ResolvedTarget(kind="kubernetes", namespace="n", pod_name="p", pod_uid="u", kubeconfig="/k")
    process = api.Process(
        id="a", target=resolved, status=api.Status.RUNNING, state=api.State.RUNNING, pid=1, offsets=api.Offsets(1, 2)
    )
    wire = translate.process_to_wire(process)
    assert (wire.target.pod_uid, wire.target.context, wire.target.container_name) == ("u", None, None)
    assert (wire.status, wire.state, wire.pid) == ("running", "running", 1)
    assert wire.offsets == results.Offsets(stdout=1, stderr=2)
