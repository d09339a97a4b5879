"""The domain: targets, definitions, processes, and the handler that turns one into another.

These types are what the seed's Go interface was (`RemoteProcessHandler`), for asyncio. The wire has types of its own in
`rpc_server.messages`; `rpc_server.methods` converts by hand. Must not know: JSON, any transport, any shell.
Offsets count bytes of one stream since the run began; times are milliseconds since the epoch.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from handlers.checkup import Checkup
    from handlers.inventory import Inquiry, Inventory

MAX_ARGUMENT_BYTES = 131_071
"""The kernel's limit for one argument or environment string: MAX_ARG_STRLEN (32 pages) less the NUL, see execve(2)."""

ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
KEY_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

SPOOL_LIMIT_BYTES = 128 << 20
"""Output of a run that is kept in the container, unless a start asks for another limit."""

MIN_SPOOL_LIMIT_BYTES = 1 << 20
"""Least limit: output is dropped by sixteenths of it, and pumps read 64 KiB at once."""

SIGNALS = ("HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM", "STOP", "CONT", "TSTP", "WINCH")
"""Signal names that may be asked for, without SIG; every shell's builtin kill knows them."""


class Stream(enum.StrEnum):
    """An output stream of a command."""

    STDOUT = "stdout"
    """Standard output; with mergeOutput also what went to standard error."""
    STDERR = "stderr"
    """Standard error; empty with mergeOutput."""


class Status(enum.StrEnum):
    """The coarse state."""  # the five values of the seed

    UNKNOWN = "unknown"
    """It was never started here, or nothing tells what became of it."""
    STARTING = "starting"
    """It is being started."""
    STOPPED = "stopped"
    """It ended with exit code 0, or because it was asked to stop."""
    ERRORED = "errored"
    """It could not start, or ended in any other way."""
    RUNNING = "running"
    """It is alive."""


class State(enum.StrEnum):
    """The finer state."""  # `handlers.lifecycle` says which facts give which

    STARTING = "starting"
    """Alive, but not yet known to have become the command. Status: starting."""
    RUNNING = "running"
    """Alive, proven by pid and start time in this PID namespace. Status: running."""
    STOPPING = "stopping"
    """Alive, and a stop is under way. Status: running."""
    EXITED = "exited"
    """Ended, as the end record says: exitCode has the code, which is 128+n for most deaths by signal n, and signal is
    given only when the server sent it. Status: stopped for code 0 or after a stop, else errored."""
    SIGNALED = "signaled"
    """Ended by a signal that is known for certain. Status: stopped after a stop, else errored."""
    START_FAILED = "startFailed"
    """Never became the command; reason says why. Its record does not occupy the id. Status: errored."""
    LOST = "lost"
    """No such process and no end record; reason says what is known, as in containerRestarted. Status: unknown."""
    ABSENT = "absent"
    """Never started here, or gone with its container. Status: unknown."""


@dataclasses.dataclass(frozen=True, slots=True)
class LocalTarget:
    """This machine (Linux only)."""

    kind: Literal["local"] = "local"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesTarget:
    """A container of a pod, as the user names it; empty fields are resolved as kubectl resolves them.

    Exactly one of `pod_name`, `selector` (of labels) and `workload` (KIND/NAME) is given.
    """

    pod_name: str = ""
    selector: str = ""
    workload: str = ""
    container_name: str = ""
    namespace: str = ""
    context: str = ""
    kubeconfig: str = ""
    kind: Literal["kubernetes"] = "kubernetes"


Target = LocalTarget | KubernetesTarget


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """How long to wait for a container that is still starting, and who is told what it waits for, in a sentence."""

    seconds: float = 0.0
    tell: Callable[[str], Awaitable[None]] | None = None


NO_WAIT = Wait()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedTarget:
    """One container, pinned: what a target turned out to be. Fields that a kind does not have are empty."""

    kind: str
    context: str = ""
    namespace: str = ""
    pod_name: str = ""
    pod_uid: str = ""
    container_name: str = ""
    container_id: str = ""
    kubeconfig: str = ""

    @property
    def channel_key(self) -> str:
        """The same for every way to name the same container: pod uid and container id, never the pod's name."""
        return f"{self.kind}/{self.pod_uid}/{self.container_id}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What to run. Exactly one of `cmd_line` (run by /bin/sh -c) and `args` (run without a shell) is given."""

    id: str
    cmd_line: str | None = None
    args: tuple[str, ...] | None = None
    pid_directory: str = ""
    working_dir: str = ""
    env_vars: tuple[tuple[str, str], ...] = ()
    stdin: bool = False
    merge_output: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a value; `path` is in snake_case parts, e.g. ("env_vars", 0, "value")."""

    path: tuple[str | int, ...]
    message: str


def check_text(value: str, path: tuple[str | int, ...], *, limit: int | None = None) -> list[Violation]:
    """Say why a text can't be passed to a process: a NUL, a lone surrogate, or more than `limit` bytes of UTF-8."""
    if "\0" in value:
        return [Violation(path, "must not contain a NUL character: no process can receive one")]
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError:
        return [Violation(path, "must be text that UTF-8 can carry: it has a lone surrogate")]
    if limit is not None and size > limit:
        return [Violation(path, f"must be at most {limit} bytes (the kernel's limit for one string), is {size}")]
    return []


def check_id(value: str, path: tuple[str | int, ...]) -> list[Violation]:
    """Say why a command id or run id is not one."""
    if ID_PATTERN.match(value):
        return []
    return [Violation(path, "must be 1 to 63 of the characters A-Z a-z 0-9 . _ - and begin with a letter or digit")]


def check_key(value: str, path: tuple[str | int, ...]) -> list[Violation]:
    """Say why the name of an environment variable is not one."""
    if KEY_PATTERN.match(value):
        return []
    return [Violation(path, "must be letters, digits and _, not beginning with a digit")]


def check_command(
    cmd_line: str | None,
    args: tuple[str, ...] | None,
    env_vars: tuple[tuple[str, str], ...],
    working_dir: str,
) -> list[Violation]:
    """Say what is wrong with the parts that `start` and `exec` share."""
    found: list[Violation] = []
    if (cmd_line is None) == (args is None):
        found.append(Violation((), "exactly one of cmdLine and args must be given"))
    if cmd_line is not None:
        if not cmd_line.strip():
            found.append(Violation(("cmd_line",), "must not be empty"))
        found += check_text(cmd_line, ("cmd_line",), limit=MAX_ARGUMENT_BYTES)
    if args is not None:
        if not args or not args[0]:
            found.append(Violation(("args",), "must begin with the program to run"))
        for i, arg in enumerate(args):
            found += check_text(arg, ("args", i), limit=MAX_ARGUMENT_BYTES)
    for i, (key, value) in enumerate(env_vars):
        if wrong := check_key(key, ("env_vars", i, "key")):
            found += wrong
            continue
        limit = MAX_ARGUMENT_BYTES - len(key) - 1
        found += check_text(value, ("env_vars", i, "value"), limit=limit)
    found += check_text(working_dir, ("working_dir",), limit=4095)
    return found


def check_definition(definition: Definition) -> list[Violation]:
    """Say everything that is wrong with a definition; empty when it can be started."""
    d = definition
    return [
        *check_id(d.id, ("id",)),
        *check_command(d.cmd_line, d.args, d.env_vars, d.working_dir),
        *check_directory(d.pid_directory, ("pid_directory",)),
    ]


def check_directory(value: str, path: tuple[str | int, ...]) -> list[Violation]:
    """Say why a base directory can't be used: it must be absolute, since no client knows the agent's directory."""
    if value and not value.startswith("/"):
        return [Violation(path, "must be an absolute path")]
    return check_text(value, path, limit=3072)


class IfExists(enum.StrEnum):
    """What `start` does when a run of the id is live."""

    ATTACH = "attach"
    FAIL = "fail"
    REPLACE = "replace"


@dataclasses.dataclass(frozen=True, slots=True)
class Offsets:
    """Byte offsets of the two streams."""

    stdout: int = 0
    stderr: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Since:
    """What was read by the pumps at or after a time: milliseconds since the epoch."""

    time: int


From = Literal["start", "end"] | Offsets | Since
"""Where following begins."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """How to start: seconds may be fractional; a `timeout_seconds` of None is no limit.

    Attributes:
        spool_limit_bytes: output of both streams that is kept; a sixteenth more may be there for each.
    """

    if_exists: IfExists = IfExists.ATTACH
    run_id: str | None = None
    follow: bool = True
    follow_from: From = "start"
    timeout_seconds: float | None = None
    grace_period_seconds: float = 10.0
    stop_on_disconnect: bool = False
    spool_limit_bytes: int = SPOOL_LIMIT_BYTES


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecRequest:
    """A command to run to its end.

    Attributes:
        stdin: given whole.
        open_stdin: it is written, and closed, by `run_id`.
        max_output_bytes: bounds each stream of the result.
    """

    cmd_line: str | None = None
    args: tuple[str, ...] | None = None
    working_dir: str = ""
    env_vars: tuple[tuple[str, str], ...] = ()
    stdin: bytes | None = None
    open_stdin: bool = False
    timeout_seconds: float | None = None
    max_output_bytes: int = 1 << 20
    stream: bool = False
    run_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One run of a command, as far as it is known; absent ones have only id, target, status, state."""

    id: str
    target: ResolvedTarget
    status: Status
    state: State
    run_id: str | None = None
    pid: int | None = None
    exit_code: int | None = None
    signal: str | None = None
    reason: str | None = None
    command: str | None = None
    started_at: int | None = None
    ended_at: int | None = None
    spec_hash: str | None = None
    mode: str | None = None
    offsets: Offsets | None = None
    stdout_ended: bool | None = None
    stderr_ended: bool | None = None
    takes_input: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class OutputChunk:
    """Bytes of one stream; cut at UTF-8 character boundaries where the bytes are UTF-8."""

    run_id: str
    id: str
    stream: Stream
    offset: int
    data: bytes
    time: int | None = None


class GapReason(enum.StrEnum):
    """Why bytes are gone."""

    SPOOL_LIMIT = "spoolLimit"
    """They were the oldest when a limit was reached: that of the run, or that of its container."""
    STORAGE_FULL = "storageFull"
    """There was no room for them when they were written."""


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """Bytes `start` (inclusive) to `end` (exclusive) of a stream are gone, and why."""

    run_id: str
    id: str
    stream: Stream
    start: int
    end: int
    reason: GapReason


class ConnectionState(enum.StrEnum):
    """How a container is reached; see its docstrings."""

    CONNECTED = "connected"
    """Again: output goes on at the next byte."""
    RECONNECTING = "reconnecting"
    """Not now; it is tried again and again. Commands go on."""
    LOST = "lost"
    """The container is gone."""


class Listener(Protocol):
    """Who follows runs: the client's side. Each call returns once there is room for more (back-pressure)."""

    async def output(self, chunk: OutputChunk) -> None:
        """Take bytes; offsets of a stream come in order, each byte once."""

    async def status_changed(self, process: Process) -> None:
        """Take a new state; the last one of a run is final."""

    async def gap(self, gap: Gap) -> None:
        """Take the news that bytes are gone."""

    async def connection(self, target: ResolvedTarget, state: ConnectionState, detail: str) -> None:
        """Take the news of how the container of followed runs is reached."""


Begin = Callable[[], None]
"""Begins the pushing of output; called once the response that created the run is on its way."""


@dataclasses.dataclass(frozen=True, slots=True)
class Started:
    """Answer to start; `begin` is None when nothing is to be followed (or it is followed already)."""

    process: Process
    created: bool
    begin: Begin | None


@dataclasses.dataclass(frozen=True, slots=True)
class Attached:
    """Answer to attach: `offsets` is where pushing begins."""

    process: Process
    offsets: Offsets
    begin: Begin


@dataclasses.dataclass(frozen=True, slots=True)
class Waited:
    """Answer to wait: `timed_out` when the run was still live."""

    process: Process
    timed_out: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """Answer to read: the bytes of a stream from `offset` on.

    Attributes:
        size: offset after the last byte that is there now.
        first_offset: of the oldest byte that is still there.
        ended: whether the stream has ended, so that `size` is final.
    """

    data: bytes
    offset: int
    size: int
    first_offset: int
    ended: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What a stop did: how many processes got a signal, whether KILL was needed, pids that outlived even that."""

    signalled: bool
    escalated: bool
    survivors: tuple[int, ...]
    processes: int
    elapsed_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Stopped:
    """Answer to stop."""

    process: Process
    verdict: Verdict


@dataclasses.dataclass(frozen=True, slots=True)
class Recipient:
    """Whose stdin: a command's, or that of the exec with a `run_id`, which is under way here."""

    target: Target
    id: str = ""
    pid_directory: str = ""
    run_id: str = ""


@dataclasses.dataclass(slots=True)
class Written:
    """How much of a write has arrived in the container, told as it goes."""

    size: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class ExecResult:
    """Answer to exec; outputs are empty when they were streamed."""

    exit_code: int
    signal: str | None
    stdout: bytes
    stderr: bytes
    truncated: bool


class ProcessHandler(Protocol):
    """Start, watch and stop commands in targets; every method raises `RemoteCommandError` only.

    Cancelling a call is safe: a cancelled start or exec leaves nothing running.
    """

    async def inventory(self, inquiry: Inquiry) -> Inventory:
        """A page of what there is to run commands in."""

    async def checkup(self, target: Target) -> Checkup:
        """What a target has and lacks for commands to be supervised there, with remedies."""

    async def start(
        self, target: Target, definition: Definition, options: StartOptions, wait: Wait = NO_WAIT
    ) -> Started:
        """Start a run, or attach to the live one; returns once its pid record is seen."""

    async def status(self, target: Target, id: str | None, pid_directory: str) -> list[Process]:
        """The latest run of `id` (absent ones included), or of every id."""

    async def stop(
        self, target: Target, id: str, *, pid_directory: str, signal: str, grace_period_seconds: float
    ) -> Stopped:
        """Signal the whole tree, wait, kill what is left; stopping what has ended is no error."""

    async def exec(self, target: Target, request: ExecRequest, wait: Wait = NO_WAIT) -> ExecResult:
        """Run a command to its end; with `stream`, output goes to the listener instead of the result."""

    async def write(self, recipient: Recipient, data: bytes, written: Written) -> None:
        """Send to a command's stdin, in the order of the calls; `written` counts what has arrived."""

    async def close_stdin(self, recipient: Recipient) -> None:
        """Let a command read the end of its stdin, after all that was written before."""

    async def attach(
        self, target: Target, id: str, *, pid_directory: str, follow_from: From, wait: Wait = NO_WAIT
    ) -> Attached:
        """Follow the latest run of `id`, live or ended."""

    async def detach(self, run_id: str) -> None:
        """Follow a run no more; one that is not followed is no error."""

    async def read(
        self, target: Target, id: str, *, pid_directory: str, stream: Stream, begin: int | Since, length: int
    ) -> Window:
        """Bytes of a stream of the latest run of `id`, from an offset or a time on; offsetExpired for what is gone."""

    async def wait(self, target: Target, id: str, *, pid_directory: str, timeout_seconds: float | None) -> Waited:
        """Wait for the end of the latest run of `id`; None waits for ever."""

    async def signal(self, target: Target, id: str, *, pid_directory: str, signal: str, leader_only: bool) -> Process:
        """Signal the process group of the latest run of `id`, or its first process only; what has ended gets none."""

    async def remove(self, target: Target, id: str, *, pid_directory: str) -> None:
        """Remove the records and the output of all runs of `id`; raises commandConflict while one is live."""

    async def close(self) -> None:
        """Close every channel at once; commands go on, but those that are to stop with their client."""
