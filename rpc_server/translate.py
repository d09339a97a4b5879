"""Wire types to domain types and back, by hand: the two sets may differ and change at their own pace.

Also here: the rules that judge a wire class as a whole (they are the domain's), and the refusal of what the contract
names but this version does not build. Must not know: JSON-RPC, pygls, how values were read.
"""

from __future__ import annotations

import base64
import codecs
import sys
from typing import TYPE_CHECKING, Any

from handlers import api, naming
from handlers.errors import ErrorKind, RemoteCommandError
from rpc_server import messages, results, translate_targets
from rpc_server.converter import wire_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers import checkup
    from rpc_server.converter import Rule

LOCAL_BUILT = sys.platform == "linux"
"""The agent needs Linux' /proc; the server itself runs anywhere."""

TRANSPORTS = ("local", "kubernetes") if LOCAL_BUILT else ("kubernetes",)


# -- rules of whole classes -------------------------------------------------------------------------------------------


def _judge_definition(good: Mapping[str, Any], failed: frozenset[str]) -> list[api.Violation]:
    definition = api.Definition(
        id=good.get("id", "placeholder"),
        cmd_line=good.get("cmd_line"),
        args=good.get("args"),
        pid_directory=good.get("pid_directory", ""),
        working_dir=good.get("working_dir", ""),
        env_vars=_pairs(good.get("env_vars")),
    )
    return _without_echoes(api.check_definition(definition), failed)


def _judge_exec(good: Mapping[str, Any], failed: frozenset[str]) -> list[api.Violation]:
    pairs = _pairs(good.get("env_vars"))
    found = api.check_command(good.get("cmd_line"), good.get("args"), pairs, good.get("working_dir", ""))
    if good.get("stream") and not {"run_id"} & (good.keys() | failed):
        found.append(api.Violation(("run_id",), "is required with stream: notifications name the run"))
    if good.get("open_stdin"):
        if not {"run_id"} & (good.keys() | failed):
            found.append(api.Violation(("run_id",), "is required with openStdin: writes name the run"))
        if "stdin" in good:
            found.append(api.Violation((), "only one of stdin and openStdin may be given"))
    return _without_echoes(found, failed)


def _judge_env_var(good: Mapping[str, Any], _: frozenset[str]) -> list[api.Violation]:
    """Each variable on its own, so that one that is malformed hides no other."""
    found = api.check_command("true", None, ((good.get("key", "key"), good.get("value", "")),), "")
    return [api.Violation(v.path[2:], v.message) for v in found]


def _only_one_of(*fields: str, missing: api.Violation) -> Rule:
    """The rule that exactly one of these is given; what is malformed counts as given."""
    names = [wire_name(field) for field in fields]
    too_many = api.Violation((), f"only one of {', '.join(names[:-1])} and {names[-1]} may be given")

    def judge(good: Mapping[str, Any], failed: frozenset[str]) -> list[api.Violation]:
        given = set(fields) & (good.keys() | failed)
        if not given:
            return [missing]
        return [] if len(given) == 1 else [too_many]

    return judge


_judge_recipient = _only_one_of("id", "run_id", missing=api.Violation(("id",), "is required"))


def _judge_write(good: Mapping[str, Any], failed: frozenset[str]) -> list[api.Violation]:
    found = list(_judge_recipient(good, failed))
    if good.get("encoding") == "base64" and "data" in good:
        try:
            base64.b64decode(good["data"], validate=True)
        except ValueError:
            found.append(api.Violation(("data",), "must be base64, with its padding, as encoding says"))
    return found


def _without_echoes(found: list[api.Violation], failed: frozenset[str]) -> list[api.Violation]:
    """Drop what only says that a malformed field is missing."""
    if failed & {"cmd_line", "args"}:
        return [v for v in found if v.path]
    return found


RULES = {
    messages.Definition: _judge_definition,
    messages.ExecParams: _judge_exec,
    messages.EnvVar: _judge_env_var,
    messages.KubernetesTarget: _only_one_of(
        "pod_name", "selector", "workload", missing=api.Violation(("pod_name",), "is required")
    ),
    messages.WriteParams: _judge_write,
    messages.CloseStdinParams: _judge_recipient,
    messages.ReadParams: _only_one_of("offset", "from_", missing=api.Violation(("offset",), "is required, or from")),
    messages.DevfileParams: _only_one_of("path", "text", missing=api.Violation(("path",), "is required, or text")),
    messages.TargetsParams: translate_targets.judge,
}
"""For `converter.make_converter`."""


# -- to the domain ----------------------------------------------------------------------------------------------------


def refuse_unbuilt(**given: object) -> None:
    """Raise notSupported if any of these fields (by wire path) asks for something."""
    if names := [name for name, value in given.items() if value]:
        raise not_supported(f"{', '.join(names)}: not supported by this version; leave it out")


def not_supported(message: str) -> RemoteCommandError:
    """The error for what the contract names but is not to be had here."""
    return RemoteCommandError(ErrorKind.NOT_SUPPORTED, message)


def target_to_domain(target: messages.Target) -> api.Target:
    """Raises RemoteCommandError (notSupported) for what is not built or not to be had on this system."""
    match target:
        case messages.LocalTarget():
            if not LOCAL_BUILT:
                raise not_supported("the local target is Linux only: use a container")
            return api.LocalTarget()
        case messages.ContainerTarget():
            raise not_supported(f"targets of kind {target.kind} are not supported by this version")
        case messages.KubernetesTarget():
            kind, name = naming.read_workload(target.workload or "") or ("", "")
            return api.KubernetesTarget(
                pod_name=name if kind == "pod" else target.pod_name or "",
                selector=target.selector or "",
                workload="" if kind in ("", "pod") else f"{kind}/{name}",
                container_name=target.container_name or "",
                namespace=target.namespace or "",
                context=target.context or "",
                kubeconfig=target.kubeconfig or "",
            )


def definition_to_domain(definition: messages.Definition) -> api.Definition:
    """Raises RemoteCommandError (notSupported) for what is not built."""
    refuse_unbuilt(**{"definition.tty": definition.tty})
    return api.Definition(
        id=definition.id,
        cmd_line=definition.cmd_line,
        args=definition.args,
        pid_directory=definition.pid_directory or "",
        working_dir=definition.working_dir or "",
        env_vars=_pairs(definition.env_vars),
        stdin=bool(definition.stdin),
        merge_output=bool(definition.merge_output),
    )


def options_to_domain(params: messages.StartParams) -> api.StartOptions:
    """Raises RemoteCommandError (notSupported) for what is not built."""
    output = params.output or messages.OutputOptions()
    default = api.StartOptions()
    return api.StartOptions(
        if_exists=default.if_exists if params.if_exists is None else api.IfExists(params.if_exists),
        run_id=params.run_id,
        follow=default.follow if output.follow is None else output.follow,
        follow_from=from_to_domain(output.from_),
        timeout_seconds=None if params.timeout_seconds is None else float(params.timeout_seconds),
        grace_period_seconds=seconds(params.grace_period_seconds, default.grace_period_seconds),
        stop_on_disconnect=params.on_disconnect == "stop",
        spool_limit_bytes=default.spool_limit_bytes if params.spool_limit_bytes is None else params.spool_limit_bytes,
    )


def exec_to_domain(params: messages.ExecParams) -> api.ExecRequest:
    """The text for stdin becomes UTF-8."""
    default = api.ExecRequest()
    return api.ExecRequest(
        cmd_line=params.cmd_line,
        args=params.args,
        working_dir=params.working_dir or "",
        env_vars=_pairs(params.env_vars),
        stdin=None if params.stdin is None else params.stdin.encode("utf-8"),
        open_stdin=bool(params.open_stdin),
        timeout_seconds=None if params.timeout_seconds is None else float(params.timeout_seconds),
        max_output_bytes=default.max_output_bytes if params.max_output_bytes is None else params.max_output_bytes,
        stream=bool(params.stream),
        run_id=params.run_id,
    )


def recipient_to_domain(params: messages.WriteParams | messages.CloseStdinParams) -> api.Recipient:
    """A command, or an exec by its run id."""
    return api.Recipient(
        target_to_domain(params.target),
        id=params.id or "",
        pid_directory=params.pid_directory or "",
        run_id=params.run_id or "",
    )


def data_to_domain(params: messages.WriteParams) -> bytes:
    """The bytes that a write is to send."""
    return base64.b64decode(params.data) if params.encoding == "base64" else params.data.encode("utf-8")


def from_to_domain(value: messages.From | None) -> api.From:
    """Left out: the start. A stream left out: its first byte."""
    if isinstance(value, messages.FromOffsets):
        return api.Offsets(value.stdout or 0, value.stderr or 0)
    if isinstance(value, messages.FromTime):
        return api.Since(value.time)
    return value or "start"


def begin_to_domain(params: messages.ReadParams) -> int | api.Since:
    """An offset, or a time."""
    return api.Since(params.from_.time) if params.from_ is not None else params.offset or 0


def signal_to_domain(name: str | None) -> str:
    """With or without SIG; left out: TERM."""
    return (name or "TERM").removeprefix("SIG")


def seconds(value: float | None, default: float) -> float:
    """A time that may be left out; zero is a value."""
    return default if value is None else float(value)


def _pairs(env_vars: tuple[messages.EnvVar, ...] | None) -> tuple[tuple[str, str], ...]:
    return tuple((variable.key, variable.value) for variable in env_vars or ())


# -- to the wire ------------------------------------------------------------------------------------------------------


def checkup_to_wire(found: checkup.Checkup) -> results.DoctorResult:
    """What is not known is left out."""
    return results.DoctorResult(
        target=None if found.target is None else resolved_to_wire(found.target),
        mode=found.mode.value,
        findings=tuple(
            results.Finding(
                check=finding.check.value, level=finding.level.value, detail=finding.detail, remedy=finding.remedy
            )
            for finding in found.findings
        ),
    )


def process_to_wire(process: api.Process) -> results.Process:
    """What is not known is left out."""
    return results.Process(
        id=process.id,
        run_id=process.run_id,
        target=resolved_to_wire(process.target),
        pid=process.pid,
        status=process.status.value,
        state=process.state.value,
        exit_code=process.exit_code,
        signal=process.signal,
        reason=process.reason,
        command=process.command,
        started_at=process.started_at,
        ended_at=process.ended_at,
        spec_hash=process.spec_hash,
        mode=process.mode,
        offsets=None if process.offsets is None else offsets_to_wire(process.offsets),
        stdout_ended=process.stdout_ended,
        stderr_ended=process.stderr_ended,
        stdin=process.takes_input or None,
    )


def resolved_to_wire(target: api.ResolvedTarget) -> results.ResolvedTarget:
    """What a kind of target does not have is left out."""
    return results.ResolvedTarget(
        kind=target.kind,
        context=target.context or None,
        namespace=target.namespace or None,
        pod_name=target.pod_name or None,
        pod_uid=target.pod_uid or None,
        container_name=target.container_name or None,
        container_id=target.container_id or None,
    )


def offsets_to_wire(offsets: api.Offsets) -> results.Offsets:
    """Both streams."""
    return results.Offsets(stdout=offsets.stdout, stderr=offsets.stderr)


def verdict_to_wire(verdict: api.Verdict) -> results.Verdict:
    """What a stop did."""
    return results.Verdict(
        signalled=verdict.signalled,
        escalated=verdict.escalated,
        survivors=verdict.survivors,
        processes=verdict.processes,
        elapsed_ms=verdict.elapsed_ms,
    )


def exec_to_wire(result: api.ExecResult, limit: int, encoding: messages.Encoding) -> results.ExecResult:
    """Both streams in one encoding: base64 if the client asked for it or either is not UTF-8.

    A stream that was truncated at `limit` bytes loses a character that was cut in two, so that it can still be text.
    """
    stdout, stderr = (
        as_text(data, cut=result.truncated and len(data) >= limit) for data in (result.stdout, result.stderr)
    )
    if encoding == "base64" or stdout is None or stderr is None:
        encoding, stdout, stderr = "base64", as_base64(result.stdout), as_base64(result.stderr)
    return results.ExecResult(
        exit_code=result.exit_code,
        signal=result.signal,
        stdout=stdout,
        stderr=stderr,
        truncated=result.truncated,
        encoding=encoding,
    )


def chunk_to_wire(chunk: api.OutputChunk, encoding: messages.Encoding) -> results.Output:
    """Text where it is UTF-8 and the client wants text, else base64."""
    text = as_text(chunk.data) if encoding == "utf8" else None
    return results.Output(
        run_id=chunk.run_id,
        id=chunk.id,
        stream=chunk.stream.value,
        offset=chunk.offset,
        data=as_base64(chunk.data) if text is None else text,
        encoding="base64" if text is None else None,
        time=chunk.time,
    )


def window_to_wire(window: api.Window, encoding: messages.Encoding) -> results.ReadResult:
    """Text that ends with a whole character where the bytes are UTF-8 and the client wants text, else base64."""
    data = window.data
    is_last = window.offset + len(data) >= window.size and window.ended
    text = as_text(data, cut=not is_last) if encoding == "utf8" else None
    if text is not None and (text or not data):
        data = text.encode()
    else:
        text, encoding = as_base64(data), "base64"
    end = window.offset + len(data)
    return results.ReadResult(
        data=text,
        encoding=encoding,
        offset=window.offset,
        next_offset=end,
        first_offset=window.first_offset,
        end_of_stream=window.ended and end >= window.size,
    )


def gap_to_wire(gap: api.Gap) -> results.Gap:
    """Bytes that are gone."""
    return results.Gap(
        run_id=gap.run_id, id=gap.id, stream=gap.stream.value, from_=gap.start, to=gap.end, reason=gap.reason.value
    )


def as_text(data: bytes, *, cut: bool = False) -> str | None:
    """The text that the bytes are, or None when they are not UTF-8; `cut`: the last character may be incomplete."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data, final=not cut)
    except UnicodeDecodeError:
        return None


def as_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")
