"""What clients send, as classes: params of each request and notification, protocolVersion 1.

snake_case here, camelCase on the wire; `rpc_server.converter` turns one into the other. A field of `None` is one that
is left out: the wire has no null. Docstrings under attributes become the published schema. What the contract names but
this version does not build is here too, so that asking for it is answered with `notSupported` and not with "unknown
field"; `rpc_server.translate` refuses it. What the server sends
is in `rpc_server.results`. Must not know: any behaviour.
"""

# No `from __future__ import annotations`: the converter reads these annotations, so their names must exist then.
from typing import Annotated, Literal

import attrs

from handlers import api, inventory
from rpc_server import checks
from rpc_server.checks import Bounds, OneOf

CommandId = Annotated[str, api.check_id]
Directory = Annotated[str, api.check_directory]
KubernetesName = Annotated[str, checks.check_kubernetes_name]
KubernetesNameOrEmpty = Annotated[str, checks.check_kubernetes_name_or_empty]
Text = Annotated[str, checks.check_plain_text]
TextOrEmpty = Annotated[str, checks.check_optional_text]
Selector = Annotated[str, checks.check_selector]
Workload = Annotated[str, checks.check_workload]
Argument = Annotated[str, checks.check_argument]
VariableName = Annotated[str, api.check_key]
SignalName = Annotated[str, checks.check_signal]
Timeout = Annotated[float, Bounds(minimum=0, exclusive=True, maximum=1e9)]
Grace = Annotated[float, Bounds(minimum=0, maximum=1e9)]
Offset = Annotated[int, Bounds(minimum=0, maximum=2**53 - 1)]  # JavaScript's largest exact integer
Encoding = Literal["utf8", "base64"]
StreamName = Annotated[str, OneOf(api.Stream)]
WaitSeconds = Annotated[float, Bounds(minimum=0, maximum=1e9)]
ProgressToken = int | str
Trace = Literal["off", "messages", "compact", "verbose"]


@attrs.frozen(kw_only=True)
class Empty:
    """Params of a method that takes none."""


@attrs.frozen(kw_only=True)
class LocalTarget:
    """This machine; Linux only."""

    kind: Literal["local"]


@attrs.frozen(kw_only=True)
class KubernetesTarget:
    """A container of a pod; what is left out is found as kubectl finds it."""

    kind: Literal["kubernetes"]
    pod_name: KubernetesName | None = None
    """The pod. Exactly one of podName, selector and workload is given."""
    selector: Selector | None = None
    """A label selector, as in "app=web,tier!=db", that matches exactly one running pod."""
    workload: Workload | None = None
    """What has exactly one running pod, as in "deployment/api": a deployment, statefulset, daemonset, replicaset or
    job, or kubectl's short form of it; "pod/api" is the pod itself."""
    container_name: KubernetesNameOrEmpty | None = None
    """Empty: the default-container annotation's, else the first container."""
    namespace: KubernetesNameOrEmpty | None = None
    """Empty: that of the context."""
    context: TextOrEmpty | None = None
    """Empty: the kubeconfig's current context."""
    kubeconfig: TextOrEmpty | None = None
    """Path of a kubeconfig file. Empty: as kubectl does."""


@attrs.frozen(kw_only=True)
class ContainerTarget:
    """A container of a local engine. Not built yet."""

    kind: Literal["docker", "podman"]
    container: Text
    """Name or id of the container."""


Target = LocalTarget | KubernetesTarget | ContainerTarget


@attrs.frozen(kw_only=True)
class EnvVar:
    """One environment variable."""

    key: VariableName
    """Letters, digits and _, not beginning with a digit."""
    value: Argument
    """Any text without NUL; key=value is at most 131,071 bytes."""


@attrs.frozen(kw_only=True)
class TerminalSize:
    """Size of a terminal in characters."""

    rows: Annotated[int, Bounds(minimum=1, maximum=65_535)]
    """Lines."""
    columns: Annotated[int, Bounds(minimum=1, maximum=65_535)]
    """Characters in a line."""


@attrs.frozen(kw_only=True)
class Definition:
    """What to run: exactly one of cmdLine and args."""

    id: CommandId
    """Names the command: 1 to 63 of A-Z a-z 0-9 . _ - beginning with a letter or digit."""
    cmd_line: Argument | None = None
    """Runs in /bin/sh -c; not blank, at most 131,071 bytes."""
    args: tuple[Argument, ...] | None = None
    """Program and arguments, run without a shell; each at most 131,071 bytes."""
    pid_directory: Directory | None = None
    """Absolute path of the directory for records; a usual place is chosen when it is left out."""
    working_dir: TextOrEmpty | None = None
    """Where the command starts; the container's own when left out."""
    env_vars: tuple[EnvVar, ...] | None = None
    """Added to the container's environment."""
    stdin: bool | None = None
    """Keep stdin open for remotecmd/write and remotecmd/closeStdin; without it the command reads its end at once."""
    tty: TerminalSize | None = None
    """Give the command a terminal. Not built yet."""
    merge_output: bool | None = None
    """Send stderr into stdout's pipe: exact order, one stream."""


@attrs.frozen(kw_only=True)
class FromOffsets:
    """Where following begins in each stream; a stream left out begins at 0."""

    stdout: Offset | None = None
    """Bytes of stdout to skip."""
    stderr: Offset | None = None
    """Bytes of stderr to skip."""


@attrs.frozen(kw_only=True)
class FromTime:
    """Begins with what was read from the command at a time or later, as far as the container knows when that was."""

    time: Offset
    """Milliseconds since the epoch, as in the time of an output."""


From = Literal["start", "end"] | FromOffsets | FromTime


@attrs.frozen(kw_only=True)
class OutputOptions:
    """How a start follows its run."""

    follow: bool | None = None
    """Push output as notifications; yes when left out."""
    from_: From | None = None
    """Where to begin; "start" when left out."""


@attrs.frozen(kw_only=True)
class ClientInfo:
    """Who is calling."""

    name: str | None = None
    """Name of the client."""
    version: str | None = None
    """Version of the client."""


@attrs.frozen(kw_only=True)
class ClientCapabilities:
    """What the client can take."""

    output_encoding: Encoding | None = None
    """"base64": all output comes as base64. "utf8" (default): text, and base64 only for what is not UTF-8."""
    output_window_bytes: Annotated[int, Bounds(minimum=32_768, maximum=2**53 - 1)] | None = None
    """Asks for flow control: most bytes of each stream of a run that are sent and not yet acknowledged by
    remotecmd/ack. The least is the largest piece in one notification. Left out: no flow control."""


@attrs.frozen(kw_only=True)
class InitializeParams:
    """Params of initialize. Unknown fields are ignored: LSP clients always send more."""

    process_id: Annotated[int, Bounds(minimum=1, maximum=2**32 - 1)] | None = None
    """The server exits when this process does."""
    client_info: ClientInfo | None = None
    """Who is calling."""
    protocol_version: int | None = None
    """The version that the client knows. The server answers with its own, as LSP servers do; the client decides."""
    capabilities: ClientCapabilities | None = None
    """What the client can take."""
    trace: Trace | None = None
    """As in $/setTrace."""


@attrs.frozen(kw_only=True)
class StartParams:
    """Params of remotecmd/start."""

    target: Target
    """Where to run it."""
    definition: Definition
    """What to run."""
    if_exists: Literal["attach", "fail", "replace"] | None = None
    """What to do when a run of the id is live; "attach" when left out."""
    run_id: CommandId | None = None
    """The client's name for the run: makes start safe to ask twice."""
    output: OutputOptions | None = None
    """Whether and where following begins."""
    on_disconnect: Literal["keep", "stop"] | None = None
    """"keep" (default): the command outlives the connection. "stop": a run that this start creates is stopped when this
    server ends or has been cut off for 60 s."""
    timeout_seconds: Timeout | None = None
    """Limit of the run, kept in the container; none when left out."""
    grace_period_seconds: Grace | None = None
    """Between TERM and KILL when the run is replaced or times out; 10 when left out."""
    spool_limit_bytes: Annotated[int, Bounds(minimum=api.MIN_SPOOL_LIMIT_BYTES, maximum=2**53 - 1)] | None = None
    """Output that is kept in the container, of both streams together (and up to a sixteenth more of each); of more, the
    oldest goes. 128 MiB when left out."""
    wait_seconds: WaitSeconds | None = None
    """How long to wait for a pod or container that is still starting; not at all when left out."""
    work_done_token: ProgressToken | None = None
    """Names the $/progress that tells what is waited for; none is told when left out."""


@attrs.frozen(kw_only=True)
class StatusParams:
    """Params of remotecmd/status."""

    target: Target
    """Where to look."""
    id: CommandId | None = None
    """Which command; all when left out."""
    pid_directory: Directory | None = None
    """As in the definition that started it."""


@attrs.frozen(kw_only=True)
class StopParams:
    """Params of remotecmd/stop."""

    target: Target
    """Where it runs."""
    id: CommandId
    """Which command."""
    pid_directory: Directory | None = None
    """As in the definition that started it."""
    signal: SignalName | None = None
    """The first signal; TERM when left out."""
    grace_period_seconds: Grace | None = None
    """Time until KILL; 10 when left out."""


@attrs.frozen(kw_only=True)
class ExecParams:
    """Params of remotecmd/exec: exactly one of cmdLine and args."""

    target: Target
    """Where to run it."""
    cmd_line: Argument | None = None
    """Runs in /bin/sh -c; not blank, at most 131,071 bytes."""
    args: tuple[Argument, ...] | None = None
    """Program and arguments, run without a shell; each at most 131,071 bytes."""
    working_dir: TextOrEmpty | None = None
    """Where the command starts."""
    env_vars: tuple[EnvVar, ...] | None = None
    """Added to the container's environment."""
    stdin: Annotated[str, checks.check_input] | None = None
    """Text for its stdin, given whole."""
    open_stdin: bool | None = None
    """Instead of stdin: keep it open for remotecmd/write and remotecmd/closeStdin by runId, which is required then."""
    timeout_seconds: Timeout | None = None
    """Limit of the run; none when left out."""
    max_output_bytes: Annotated[int, Bounds(minimum=0, maximum=1 << 30)] | None = None
    """Bound of each stream of the result; 1 MiB when left out."""
    stream: bool | None = None
    """Send output as notifications; runId is required then."""
    run_id: CommandId | None = None
    """The client's name for the run."""
    wait_seconds: WaitSeconds | None = None
    """As in remotecmd/start; timeoutSeconds begins when that is over."""
    work_done_token: ProgressToken | None = None
    """As in remotecmd/start."""


@attrs.frozen(kw_only=True)
class AttachParams:
    """Params of remotecmd/attach."""

    target: Target
    """Where it runs."""
    id: CommandId
    """Which command."""
    pid_directory: Directory | None = None
    """As in the definition that started it."""
    from_: From | None = None
    """Where to begin; "start" when left out."""
    wait_seconds: WaitSeconds | None = None
    """As in remotecmd/start."""
    work_done_token: ProgressToken | None = None
    """As in remotecmd/start."""


@attrs.frozen(kw_only=True)
class DetachParams:
    """Params of remotecmd/detach."""

    run_id: CommandId
    """The run to follow no more; one that is not followed is no error."""


@attrs.frozen(kw_only=True)
class ListParams:
    """Params of remotecmd/list."""

    target: Target
    """Where to look."""
    pid_directory: Directory | None = None
    """As in the definitions that started them."""


@attrs.frozen(kw_only=True)
class ReadParams:
    """Params of remotecmd/read."""

    target: Target
    """Where it runs."""
    id: CommandId
    """Which command."""
    pid_directory: Directory | None = None
    """As in the definition that started it."""
    stream: StreamName
    """Which stream of its newest run."""
    offset: Offset | None = None
    """Of the first byte wanted."""
    from_: FromTime | None = None
    """Instead of offset: when the first byte wanted was read."""
    length: Annotated[int, Bounds(minimum=0, maximum=8 << 20)]
    """Most bytes wanted."""


@attrs.frozen(kw_only=True)
class WaitParams:
    """Params of remotecmd/wait."""

    target: Target
    """Where it runs."""
    id: CommandId
    """Which command."""
    pid_directory: Directory | None = None
    """As in the definition that started it."""
    timeout_seconds: Annotated[float, Bounds(minimum=0, maximum=1e9)] | None = None
    """How long to wait at most; 0 only looks, left out waits to the end."""


@attrs.frozen(kw_only=True)
class SignalParams:
    """Params of remotecmd/signal."""

    target: Target
    """Where it runs."""
    id: CommandId
    """Which command."""
    pid_directory: Directory | None = None
    """As in the definition that started it."""
    signal: SignalName
    """The signal, with or without SIG."""
    scope: Literal["group", "leader"] | None = None
    """"group" (default): its process group. "leader": only the process that was started."""


@attrs.frozen(kw_only=True)
class WriteParams:
    """Params of remotecmd/write: exactly one of id and runId."""

    target: Target
    """Where it runs."""
    id: CommandId | None = None
    """Which command; it was started with stdin."""
    run_id: CommandId | None = None
    """Instead of id: an exec with openStdin that is under way on this connection."""
    pid_directory: Directory | None = None
    """As in the definition that started it."""
    data: Annotated[str, checks.check_input]
    """What to write."""
    encoding: Encoding | None = None
    """Of data: "utf8" (default) or "base64", for bytes that are no text."""


@attrs.frozen(kw_only=True)
class CloseStdinParams:
    """Params of remotecmd/closeStdin: exactly one of id and runId."""

    target: Target
    """Where it runs."""
    id: CommandId | None = None
    """Which command; it was started with stdin."""
    run_id: CommandId | None = None
    """Instead of id: an exec with openStdin that is under way on this connection."""
    pid_directory: Directory | None = None
    """As in the definition that started it."""


@attrs.frozen(kw_only=True)
class RemoveParams:
    """Params of remotecmd/remove."""

    target: Target
    """Where it ran."""
    id: CommandId
    """Which command; it must have ended. All its runs go, with their records and output."""
    pid_directory: Directory | None = None
    """As in the definition that started it."""


@attrs.frozen(kw_only=True)
class DevfileParams:
    """Params of remotecmd/devfile: exactly one of path and text."""

    path: Text | None = None
    """Path on the server's machine, of a file or of a directory with a devfile.yaml or .devfile.yaml in it. A relative
    one is below the directory in which the server was started."""
    text: Annotated[str, checks.check_input] | None = None
    """The devfile itself, in YAML or JSON; at most 1 MiB."""


@attrs.frozen(kw_only=True)
class DoctorParams:
    """Params of remotecmd/doctor."""

    target: Target
    """What to look at."""


@attrs.frozen(kw_only=True)
class TargetsParams:
    """Params of remotecmd/targets. All but kind is for kind "kubernetes"."""

    kind: Literal["local", "kubernetes"]
    """Kind of target."""
    list_: Literal["pods", "namespaces", "contexts"] | None = None
    """What to list; "pods" when left out."""
    context: TextOrEmpty | None = None
    """Empty: the kubeconfig's current context."""
    namespace: KubernetesNameOrEmpty | None = None
    """Of the pods. Empty: that of the context."""
    kubeconfig: TextOrEmpty | None = None
    """Path of a kubeconfig file. Empty: as kubectl does."""
    selector: Selector | None = None
    """Only pods with such labels, as in "app=web,tier!=db"."""
    limit: Annotated[int, Bounds(minimum=1, maximum=inventory.MAX_PAGE)] | None = None
    """Most pods or namespaces of one reply; 500 when left out."""
    continue_: Text | None = None
    """That of the reply before, for what comes after it; the rest as it was there."""


@attrs.frozen(kw_only=True)
class CancelParams:
    """Params of the notification $/cancelRequest."""

    id: int | str
    """The request to cancel."""


@attrs.frozen(kw_only=True)
class AckParams:
    """Params of the notification remotecmd/ack."""

    run_id: CommandId
    """A run that is followed."""
    stream: StreamName
    """Which stream."""
    offset: Offset
    """Everything below it is processed."""


@attrs.frozen(kw_only=True)
class SetTraceParams:
    """Params of the notification $/setTrace."""

    value: Trace
    """What to trace: "messages" (or "compact") names methods, "verbose" adds times."""


TOLERANT = frozenset({InitializeParams, ClientInfo, ClientCapabilities, CancelParams, SetTraceParams, AckParams})
"""Where unknown fields are ignored and null means left out: initialize and notifications, as LSP clients need it."""
