"""The METHODS table: which request takes which params, gives which result, and who answers it.

Capabilities and documents are generated from it, so what is listed is what is built. Handlers turn wire types into the
domain's, ask the process handler, and turn its answer back. A handler that returns at once is answered before the next
message is looked at (the lifecycle needs that); a coroutine runs as a task of its own.
Must not know: JSON-RPC, pygls, how a reply travels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from handlers import api
from handlers.api import Begin, Process, Stream
from rpc_server import messages, results, translate, translate_devfile, translate_targets
from rpc_server.errors import WriteCancelled
from rpc_server.progress import waiting
from rpc_server.session import Session

PROTOCOL_VERSION = 1


@attrs.frozen
class Reply:
    """A result, and what to begin once the reply is on its way."""

    result: Any
    then: Callable[[], None] | None = None


Handler = Callable[[Session, Any], Reply | Coroutine[Any, Any, Reply]]


@attrs.frozen
class Method:
    """One request: `result` is None for those answered with null."""

    params: type
    result: type | None
    handler: Handler


def initialize(session: Session, params: messages.InitializeParams) -> Reply:
    """Agree on encoding, flow control and trace, and say what is built. It is optional, and may be sent once.

    A client that asks for another protocolVersion gets ours, as LSP servers do it: the client knows what it can live
    with, and disconnects if it can't.
    """  # Nothing is imported for it that reaches a container.
    session.initialize(params)
    return Reply(
        results.InitializeResult(
            protocol_version=PROTOCOL_VERSION,
            server_info=results.ServerInfo(name="remotecmd", version=session.version),
            capabilities=results.ServerCapabilities(
                transports=translate.TRANSPORTS,
                methods=tuple(METHODS),
                output_encodings=("utf8", "base64"),
                flow_control=True,
            ),
        )
    )


def shutdown(session: Session, _: messages.Empty) -> Reply:
    """Take no more requests; commands and requests in flight go on. Only `exit` may follow."""
    session.shut_down()
    return Reply(None)


async def start(session: Session, params: messages.StartParams) -> Reply:
    """Start a run, or attach to the live one of the same id; its output is pushed after the reply.

    It is answered once the command runs. A second start of a run that is followed already changes nothing for its
    following.
    """
    definition = translate.definition_to_domain(params.definition)
    options = translate.options_to_domain(params)
    target = translate.target_to_domain(params.target)
    async with waiting(session, params.wait_seconds, params.work_done_token) as wait:
        started = await session.handler().start(target, definition, options, wait)
    process = translate.process_to_wire(started.process)
    then = None if started.begin is None else _following(session, started.process, started.begin)
    return Reply(results.StartResult(process=process, created=started.created), then=then)


async def status(session: Session, params: messages.StatusParams) -> Reply:
    """The newest run of one id, or of all. An id that was never started is no error: its state is absent."""
    target = translate.target_to_domain(params.target)
    found = await session.handler().status(target, params.id, params.pid_directory or "")
    processes = tuple(translate.process_to_wire(process) for process in found)
    if params.id is None:
        return Reply(results.StatusResult(processes=processes))
    return Reply(results.StatusResult(process=processes[0]))


async def stop(session: Session, params: messages.StopParams) -> Reply:
    """Stop the whole process tree of a command, and say what it took; stopping what has ended is no error."""
    stopped = await session.handler().stop(
        translate.target_to_domain(params.target),
        params.id,
        pid_directory=params.pid_directory or "",
        signal=translate.signal_to_domain(params.signal),
        grace_period_seconds=translate.seconds(params.grace_period_seconds, 10.0),
    )
    process = translate.process_to_wire(stopped.process)
    return Reply(results.StopResult(process=process, verdict=translate.verdict_to_wire(stopped.verdict)))


async def write(session: Session, params: messages.WriteParams) -> Reply:
    """Write to a command's stdin: answered once it has all arrived in the container, where little waits unread.

    Writes of one client arrive in the order in which they were sent. One that waits for a command that does not read
    can be cancelled; the error's data then says how much had arrived.
    """
    recipient, data, written = translate.recipient_to_domain(params), translate.data_to_domain(params), api.Written()
    try:
        await session.handler().write(recipient, data, written)
    except asyncio.CancelledError:
        raise WriteCancelled(written.size) from None
    return Reply(results.WriteResult(written=written.size))


async def close_stdin(session: Session, params: messages.CloseStdinParams) -> Reply:
    """End a command's stdin: it reads all that was written, then the end. Closing twice is no error."""
    await session.handler().close_stdin(translate.recipient_to_domain(params))
    return Reply(None)


async def exec_(session: Session, params: messages.ExecParams) -> Reply:
    """Run a command to its end and answer with its output and exit code."""
    target = translate.target_to_domain(params.target)
    request = translate.exec_to_domain(params)
    try:
        async with waiting(session, params.wait_seconds, params.work_done_token) as wait:
            result = await session.handler().exec(target, request, wait)
    except asyncio.CancelledError:
        session.pacer.restart(request.run_id or "")  # no final state is told of it
        raise
    return Reply(translate.exec_to_wire(result, request.max_output_bytes, session.output_encoding))


async def attach(session: Session, params: messages.AttachParams) -> Reply:
    """Follow the newest run of an id, live or ended; its output is pushed after the reply.

    A run that is followed already is followed anew, from where this request says.
    """
    async with waiting(session, params.wait_seconds, params.work_done_token) as wait:
        attached = await session.handler().attach(
            translate.target_to_domain(params.target),
            params.id,
            pid_directory=params.pid_directory or "",
            follow_from=translate.from_to_domain(params.from_),
            wait=wait,
        )
    process, offsets = translate.process_to_wire(attached.process), translate.offsets_to_wire(attached.offsets)
    then = _following(session, attached.process, attached.begin)
    return Reply(results.AttachResult(process=process, offsets=offsets), then=then)


def _following(session: Session, process: Process, begin: Begin) -> Begin:
    """Begins to follow a run, with nothing sent and nothing acknowledged."""

    def then() -> None:
        session.pacer.restart(process.run_id or "")
        begin()

    return then


async def detach(session: Session, params: messages.DetachParams) -> Reply:
    """Follow a run no more: nothing of it is pushed after the reply. The run goes on."""
    await session.handler().detach(params.run_id)
    session.pacer.restart(params.run_id)
    return Reply(None)


async def list_(session: Session, params: messages.ListParams) -> Reply:
    """Every command of a target: its newest run, running or ended, whoever started it."""
    target = translate.target_to_domain(params.target)
    found = await session.handler().status(target, None, params.pid_directory or "")
    return Reply(results.ListResult(processes=tuple(translate.process_to_wire(process) for process in found)))


async def read(session: Session, params: messages.ReadParams) -> Reply:
    """Bytes of a stream of the newest run of an id, live or ended, as far as they are there in one piece."""
    window = await session.handler().read(
        translate.target_to_domain(params.target),
        params.id,
        pid_directory=params.pid_directory or "",
        stream=Stream(params.stream),
        begin=translate.begin_to_domain(params),
        length=params.length,
    )
    return Reply(translate.window_to_wire(window, session.output_encoding))


async def wait(session: Session, params: messages.WaitParams) -> Reply:
    """Wait until the newest run of an id is no longer live. Its output need not be followed."""
    waited = await session.handler().wait(
        translate.target_to_domain(params.target),
        params.id,
        pid_directory=params.pid_directory or "",
        timeout_seconds=None if params.timeout_seconds is None else float(params.timeout_seconds),
    )
    return Reply(results.WaitResult(process=translate.process_to_wire(waited.process), timed_out=waited.timed_out))


async def signal(session: Session, params: messages.SignalParams) -> Reply:
    """Send a signal to what is alive of the newest run of an id, and nothing more: no waiting, no KILL afterwards."""
    process = await session.handler().signal(
        translate.target_to_domain(params.target),
        params.id,
        pid_directory=params.pid_directory or "",
        signal=translate.signal_to_domain(params.signal),
        leader_only=params.scope == "leader",
    )
    return Reply(results.SignalResult(process=translate.process_to_wire(process)))


async def remove(session: Session, params: messages.RemoveParams) -> Reply:
    """Remove the records and the output of all runs of an id. Its newest run must have ended."""
    target = translate.target_to_domain(params.target)
    await session.handler().remove(target, params.id, pid_directory=params.pid_directory or "")
    return Reply(None)


async def devfile(_: Session, params: messages.DevfileParams) -> Reply:
    """The commands of a devfile (version 2), as definitions to start. Nothing is started, and no target is needed.

    A component's container is found by its name: give it as the target's containerName. PROJECTS_ROOT is the
    component's sourceMapping, else /projects; PROJECT_SOURCE is the directory of the first project in it.
    """
    return Reply(await asyncio.to_thread(_devfile, params))


def _devfile(params: messages.DevfileParams) -> results.DevfileResult:
    from handlers.devfile import commands, files  # noqa: PLC0415  # start-up must not wait for YAML

    if params.path is not None:
        name, text = files.read(params.path)
        return translate_devfile.devfile_to_wire(commands.read(text, name))
    return translate_devfile.devfile_to_wire(commands.read(params.text or ""))


async def targets(session: Session, params: messages.TargetsParams) -> Reply:
    """What there is to run commands in, for a picker: contexts, namespaces, or pods with their containers.

    Lists come in pages: ask again with the continue of the reply, as long as there is one. What can't be used is told
    with the reason. A list that the user may not see is an error, forbidden; what it would have told can be typed.
    """
    inventory = await session.handler().inventory(translate_targets.inquiry_to_domain(params))
    return Reply(translate_targets.inventory_to_wire(inventory))


async def doctor(session: Session, params: messages.DoctorParams) -> Reply:
    """Look at a target: what it has and lacks for commands to be supervised there, each finding with a remedy.

    It takes one exec, and access reviews in Kubernetes; nothing is started and nothing stays. A missing right, a
    container that does not run, a missing shell and a limit of processes are findings here, and no errors.
    """
    checkup = await session.handler().checkup(translate.target_to_domain(params.target))
    return Reply(translate.checkup_to_wire(checkup))


async def discover(_: Session, __: messages.Empty) -> Reply:
    """The contract as an OpenRPC document, the same as docs/openrpc.json."""
    return Reply(await asyncio.to_thread(_document))


def _document() -> Mapping[str, Any]:
    from rpc_server import openrpc  # noqa: PLC0415  # it reads the table below, and start-up must not wait for it

    return openrpc.document()


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "initialize": Method(messages.InitializeParams, results.InitializeResult, initialize),
        "shutdown": Method(messages.Empty, None, shutdown),
        "remotecmd/start": Method(messages.StartParams, results.StartResult, start),
        "remotecmd/status": Method(messages.StatusParams, results.StatusResult, status),
        "remotecmd/stop": Method(messages.StopParams, results.StopResult, stop),
        "remotecmd/exec": Method(messages.ExecParams, results.ExecResult, exec_),
        "remotecmd/list": Method(messages.ListParams, results.ListResult, list_),
        "remotecmd/attach": Method(messages.AttachParams, results.AttachResult, attach),
        "remotecmd/detach": Method(messages.DetachParams, None, detach),
        "remotecmd/read": Method(messages.ReadParams, results.ReadResult, read),
        "remotecmd/wait": Method(messages.WaitParams, results.WaitResult, wait),
        "remotecmd/signal": Method(messages.SignalParams, results.SignalResult, signal),
        "remotecmd/write": Method(messages.WriteParams, results.WriteResult, write),
        "remotecmd/closeStdin": Method(messages.CloseStdinParams, None, close_stdin),
        "remotecmd/remove": Method(messages.RemoveParams, None, remove),
        "remotecmd/devfile": Method(messages.DevfileParams, results.DevfileResult, devfile),
        "remotecmd/targets": Method(messages.TargetsParams, results.TargetsResult, targets),
        "remotecmd/doctor": Method(messages.DoctorParams, results.DoctorResult, doctor),
        "rpc.discover": Method(messages.Empty, dict, discover),
    }
)
