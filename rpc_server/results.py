"""What the server sends, as classes: results, params of its notifications and data of errors, protocolVersion 1.

As in `rpc_server.messages`, whose other half this is: snake_case here, camelCase on the wire, and a field of `None` is
left out. Docstrings under attributes become the published schema. Must not know: any behaviour.
"""

# No `from __future__ import annotations`: the converter reads these annotations, so their names must exist then.
from typing import Annotated, Literal

import attrs

from handlers import api, checkup
from handlers.devfile.model import GroupKind
from handlers.errors import ErrorKind
from rpc_server.checks import OneOf
from rpc_server.messages import Definition, Encoding, StreamName


@attrs.frozen(kw_only=True)
class ServerInfo:
    """Who answers."""

    name: str
    """Name of the server."""
    version: str
    """Its version."""


@attrs.frozen(kw_only=True)
class ServerCapabilities:
    """Only what is built, here and now."""

    transports: tuple[str, ...]
    """Kinds of target."""
    methods: tuple[str, ...]
    """Requests that are answered."""
    output_encodings: tuple[str, ...]
    """Values for outputEncoding."""
    flow_control: bool | None = None
    """Whether outputWindowBytes and remotecmd/ack are understood."""


@attrs.frozen(kw_only=True)
class InitializeResult:
    """Result of initialize."""

    protocol_version: int
    """Version of this contract."""
    server_info: ServerInfo
    """Who answers."""
    capabilities: ServerCapabilities
    """What can be asked for."""


@attrs.frozen(kw_only=True)
class ResolvedTarget:
    """What a target turned out to be, pinned for the command's life."""

    kind: str
    """Kind of target."""
    context: str | None = None
    """Context of the kubeconfig."""
    namespace: str | None = None
    """Namespace of the pod."""
    pod_name: str | None = None
    """Name of the pod."""
    pod_uid: str | None = None
    """Its uid."""
    container_name: str | None = None
    """Name of the container."""
    container_id: str | None = None
    """Its id."""


@attrs.frozen(kw_only=True)
class Offsets:
    """Bytes of each stream since the run began."""

    stdout: int
    """Offset in stdout."""
    stderr: int
    """Offset in stderr."""


@attrs.frozen(kw_only=True)
class Process:
    """One run of a command, as far as it is known; an absent one has only id, target, status and state."""

    id: str
    """The command's id."""
    run_id: str | None = None
    """Names this run."""
    target: ResolvedTarget
    """Where it runs."""
    pid: int | None = None
    """Process id in the container."""
    status: Annotated[str, OneOf(api.Status, grows=True)]
    """What became of it, coarsely."""
    state: Annotated[str, OneOf(api.State, grows=True)]
    """What became of it, finely."""
    exit_code: int | None = None
    """From the end record."""
    signal: str | None = None
    """The signal that ended it, where that is known."""
    reason: str | None = None
    """Finer cause of the state."""
    command: str | None = None
    """The beginning of what it runs, for a person: cmdLine, or args joined; never environment values."""
    started_at: int | None = None
    """Milliseconds since the epoch."""
    ended_at: int | None = None
    """Milliseconds since the epoch."""
    spec_hash: str | None = None
    """Equal for equal definitions."""
    mode: str | None = None
    """How it is supervised."""
    offsets: Offsets | None = None
    """Bytes written so far."""
    stdout_ended: bool | None = None
    """Whether stdout reached its end."""
    stderr_ended: bool | None = None
    """Whether stderr reached its end."""
    stdin: bool | None = None
    """True if it was started with a stdin that can be written."""


@attrs.frozen(kw_only=True)
class StartResult:
    """Result of remotecmd/start."""

    process: Process
    """The run."""
    created: bool
    """False when it was running already."""


@attrs.frozen(kw_only=True)
class StatusResult:
    """Result of remotecmd/status: process for one id, processes for all."""

    process: Process | None = None
    """The latest run of the id."""
    processes: tuple[Process, ...] | None = None
    """The latest run of every id."""


@attrs.frozen(kw_only=True)
class Verdict:
    """What a stop did."""

    signalled: bool
    """Whether any process got a signal."""
    escalated: bool
    """Whether KILL was needed."""
    survivors: tuple[int, ...]
    """Process ids that outlived even that."""
    processes: int
    """How many processes got a signal."""
    elapsed_ms: int
    """How long it took."""


@attrs.frozen(kw_only=True)
class StopResult:
    """Result of remotecmd/stop."""

    process: Process
    """The run, as it is now."""
    verdict: Verdict
    """What was done."""


@attrs.frozen(kw_only=True)
class ExecResult:
    """Result of remotecmd/exec."""

    exit_code: int
    """Exit status."""
    signal: str | None = None
    """The signal that ended it, where that is known."""
    stdout: str
    """Output; empty when it was streamed."""
    stderr: str
    """Output; empty when it was streamed."""
    truncated: bool
    """Whether a stream was longer than maxOutputBytes."""
    encoding: Encoding
    """Of both streams: base64 if either is not UTF-8."""


@attrs.frozen(kw_only=True)
class AttachResult:
    """Result of remotecmd/attach."""

    process: Process
    """The run."""
    offsets: Offsets
    """Where pushing begins."""


@attrs.frozen(kw_only=True)
class ListResult:
    """Result of remotecmd/list."""

    processes: tuple[Process, ...]
    """The newest run of every command, running or ended, whoever started it; sorted by id."""


@attrs.frozen(kw_only=True)
class WriteResult:
    """Result of remotecmd/write."""

    written: int
    """How many of the bytes have arrived in the container: all, unless the connection to it broke meanwhile. The server
    does not send the rest again."""


@attrs.frozen(kw_only=True)
class CancelledData:
    """The data of -32800, where there is something to say."""

    written: int
    """With remotecmd/write: how many of the bytes had arrived."""


@attrs.frozen(kw_only=True)
class ReadResult:
    """Result of remotecmd/read."""

    data: str
    """The bytes, as text or base64."""
    encoding: Encoding
    """base64 if they are not UTF-8; text ends with a whole character."""
    offset: int
    """Of the first byte in data."""
    next_offset: int
    """Of the first byte after data: where to go on."""
    first_offset: int
    """Of the oldest byte that is still there."""
    end_of_stream: bool
    """Whether the stream has ended and nothing comes after data."""


@attrs.frozen(kw_only=True)
class WaitResult:
    """Result of remotecmd/wait."""

    process: Process
    """The run, as it is now."""
    timed_out: bool
    """Whether it was still live when the time was over."""


@attrs.frozen(kw_only=True)
class SignalResult:
    """Result of remotecmd/signal."""

    process: Process
    """The run, as it is now."""


@attrs.frozen(kw_only=True)
class DevfileGroup:
    """What a command of a devfile is for."""

    kind: Annotated[str, OneOf(GroupKind, grows=True)]
    """Kind of the group."""
    is_default: bool
    """Whether it is the one to take of this kind."""


@attrs.frozen(kw_only=True)
class DevfileCommand:
    """A command of a devfile."""

    id: str
    """Its id."""
    kind: Literal["exec", "composite"]
    """"exec": it runs definition in the container of component. "composite": it runs commands."""
    group: DevfileGroup | None = None
    """What it is for."""
    component: str | None = None
    """Of an exec command: the component, and so the container, in which it runs."""
    hot_reload_capable: bool | None = None
    """Of an exec command: whether it takes up changes of its sources by itself."""
    definition: Definition | None = None
    """Of an exec command: what to start. Left out if the devfile alone does not tell it; notSupported says why."""
    parallel: bool | None = None
    """Of a composite command: whether its commands run at the same time. Else the first that fails is the last."""
    commands: tuple[str, ...] | None = None
    """Of a composite command: ids of what it runs; one that is not supported is not among the commands."""


@attrs.frozen(kw_only=True)
class DevfileNotSupported:
    """A part of a devfile that has no effect."""

    path: str
    """Where it is: "commands[2].apply"."""
    what: str
    """What it is, for a person."""


@attrs.frozen(kw_only=True)
class DevfileResult:
    """Result of remotecmd/devfile."""

    schema_version: str
    """Version of the devfile's schema."""
    name: str | None = None
    """Name in its metadata."""
    commands: tuple[DevfileCommand, ...]
    """What can be run, in the order of the file."""
    not_supported: tuple[DevfileNotSupported, ...]
    """What has no effect."""


@attrs.frozen(kw_only=True)
class LocalEntry:
    """This machine."""

    usable: bool
    """Whether commands can run here."""
    reason: str | None = None
    """Why not."""


@attrs.frozen(kw_only=True)
class ContextEntry:
    """A context of the kubeconfig."""

    name: str
    """Its name."""
    namespace: str | None = None
    """The namespace that it names; "default" is used when it names none."""
    current: bool
    """Whether it is used where none is named."""


@attrs.frozen(kw_only=True)
class NamespaceEntry:
    """A namespace."""

    name: str
    """Its name."""
    current: bool
    """Whether it is used where none is named."""


@attrs.frozen(kw_only=True)
class ContainerEntry:
    """A container of a pod."""

    container_name: str
    """Its name."""
    state: Literal["running", "waiting", "terminated"]
    """As the API server has it."""
    ready: bool
    """Whether its readiness probe is content."""
    usable: bool
    """Whether commands can run in it."""
    reason: str | None = None
    """Why not, for a person, as in "ImagePullBackOff (Back-off pulling image …)"."""
    role: Literal["init", "sidecar", "ephemeral"] | None = None
    """What it is, if it is not one of the pod's ordinary containers."""


@attrs.frozen(kw_only=True)
class PodEntry:
    """A pod."""

    pod_name: str
    """Its name."""
    phase: str
    """As the API server has it: Pending, Running, Succeeded, Failed or Unknown."""
    ready: bool
    """Whether it is ready as a whole."""
    created_at: int | None = None
    """Milliseconds since the epoch."""
    default_container: str
    """The container that is used where none is named."""
    usable: bool
    """Whether commands can run in its default container, and it is not being deleted."""
    reason: str | None = None
    """Why not, for a person."""
    containers: tuple[ContainerEntry, ...]
    """Ordinary ones, then sidecars, init containers that have yet to end, and ephemeral ones."""


@attrs.frozen(kw_only=True)
class TargetsResult:
    """Result of remotecmd/targets: one list, or local."""

    context: str | None = None
    """Where pods and namespaces were looked for; none in a cluster."""
    namespace: str | None = None
    """Where pods were looked for."""
    contexts: tuple[ContextEntry, ...] | None = None
    """All contexts; none when the in-cluster account is used."""
    namespaces: tuple[NamespaceEntry, ...] | None = None
    """A page of the namespaces."""
    pods: tuple[PodEntry, ...] | None = None
    """A page of the pods, those included that can't be used."""
    local: LocalEntry | None = None
    """This machine."""
    continue_: str | None = None
    """Asks for the next page; left out on the last."""


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that doctor looked at."""

    check: Annotated[str, OneOf(checkup.Check, grows=True)]
    """What it is about."""
    level: Annotated[str, OneOf(checkup.Level, grows=True)]
    """How bad it is."""
    detail: str
    """What was found, for a person."""
    remedy: str | None = None
    """What to do, for a person; it may have several lines, as YAML to copy has."""


@attrs.frozen(kw_only=True)
class DoctorResult:
    """Result of remotecmd/doctor."""

    target: ResolvedTarget | None = None
    """Which container it is; left out when that could not be found out."""
    mode: Annotated[str, OneOf(checkup.Mode, grows=True)]
    """How commands can be run there."""
    findings: tuple[Finding, ...]
    """All that could be seen, in the order of looking; what does not apply to the target is left out."""


@attrs.frozen(kw_only=True)
class Output:
    """Params of the notification remotecmd/output."""

    run_id: str
    """Which run."""
    id: str
    """Which command."""
    stream: StreamName
    """Which stream."""
    offset: int
    """Of the first byte, since the run began."""
    data: str
    """Text, cut only at character boundaries, or base64."""
    encoding: Literal["base64"] | None = None
    """Present when data is base64."""
    time: int | None = None
    """When it was read from the command: milliseconds since the epoch."""


@attrs.frozen(kw_only=True)
class StatusChanged:
    """Params of the notification remotecmd/statusChanged."""

    process: Process
    """The run, as it is now."""


@attrs.frozen(kw_only=True)
class Gap:
    """Params of the notification remotecmd/gap: bytes that are gone."""

    run_id: str
    """Which run."""
    id: str
    """Which command."""
    stream: StreamName
    """Which stream."""
    from_: int
    """First byte that is gone."""
    to: int
    """First byte after them."""
    reason: Annotated[str, OneOf(api.GapReason, grows=True)]
    """Why."""


@attrs.frozen(kw_only=True)
class Connection:
    """Params of the notification remotecmd/connection: how a followed run's container is reached."""

    target: ResolvedTarget
    """Which container."""
    state: Literal["connected", "reconnecting", "lost"]
    """"reconnecting": output comes later. "connected": again. "lost": the container is gone."""
    detail: str
    """Why, for a person."""


@attrs.frozen(kw_only=True)
class ProgressValue:
    """How far it is."""

    kind: Literal["begin", "report", "end"]
    """The first, one between, the last."""
    title: str | None = None
    """What is done; with "begin"."""
    message: str | None = None
    """What is waited for, for a person."""


@attrs.frozen(kw_only=True)
class Progress:
    """Params of the notification $/progress, as in LSP."""

    token: int | str
    """The workDoneToken of the request."""
    value: ProgressValue
    """How far it is."""


@attrs.frozen(kw_only=True)
class LogMessage:
    """Params of the notification window/logMessage."""

    type: int
    """1 error, 2 warning, 3 info, 4 log."""
    message: str
    """What happened."""


@attrs.frozen(kw_only=True)
class LogTrace:
    """Params of the notification $/logTrace."""

    message: str
    """Which method; never a value."""
    verbose: str | None = None
    """More, when trace is "verbose"."""


@attrs.frozen(kw_only=True)
class InvalidField:
    """One entry of the data of -32602."""

    path: str
    """Which field, in wire names: "definition.envVars[0].value"."""
    message: str
    """What is wrong and what is permitted; never the value, but for a selector."""


@attrs.frozen(kw_only=True)
class FailureData:
    """The data of -32803."""

    kind: Annotated[str, OneOf(ErrorKind, grows=True)]
    """Stable name of the failure."""
    retryable: bool
    """Whether asking again unchanged may work."""
    remedy: str | None = None
    """A further step for a person."""
    http_status: int | None = None
    """The API server's status code."""
    reason: str | None = None
    """Finer cause."""
    process: Process | None = None
    """The run concerned."""
    first_offset: int | None = None
    """With offsetExpired: where the bytes begin that are still there."""
    candidates: tuple[str, ...] | None = None
    """With targetAmbiguous: the pods that match, at most 20 of them."""
    written: int | None = None
    """With remotecmd/write: how many of the bytes have arrived, at least."""
    run_id: str | None = None
    """With a start whose outcome is not known: ask again with this runId, and the run that was begun comes back."""
    line: int | None = None
    """With devfileInvalid: the line that is wrong, counted from 1."""
    column: int | None = None
    """The same: the column, counted from 1 in characters."""
