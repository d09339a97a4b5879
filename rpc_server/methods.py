"""The METHODS table: which request takes which params, gives which result, and who answers it.

Capabilities and documents are generated from it, so what is listed is what is built. Handlers turn wire types into the
domain's, ask the process handler, and turn its answer back. A handler that returns at once is answered before the next
message is looked at (the lifecycle needs that); a coroutine runs as a task of its own.
Must not know: JSON-RPC, pygls, how a reply travels.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from rpc_server import messages, results, translate
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
    """Agree and say what is built. Nothing is imported for it that reaches a container.

    A client that asks for another protocolVersion gets ours, as LSP servers do it: the client knows what it can live
    with, and disconnects if it can't.
    """
    session.initialize(params)
    return Reply(
        results.InitializeResult(
            protocol_version=PROTOCOL_VERSION,
            server_info=results.ServerInfo(name="remotecmd", version=session.version),
            capabilities=results.ServerCapabilities(
                transports=translate.TRANSPORTS, methods=tuple(METHODS), output_encodings=("utf8", "base64")
            ),
        )
    )


def shutdown(session: Session, _: messages.Empty) -> Reply:
    """Take no more requests; commands and requests in flight go on."""
    session.shut_down()
    return Reply(None)


async def start(session: Session, params: messages.StartParams) -> Reply:
    """Start a run; its output is pushed after the reply."""
    definition = translate.definition_to_domain(params.definition)
    options = translate.options_to_domain(params)
    target = translate.target_to_domain(params.target)
    started = await session.handler().start(target, definition, options)
    process = translate.process_to_wire(started.process)
    return Reply(results.StartResult(process=process, created=started.created), then=started.begin)


async def status(session: Session, params: messages.StatusParams) -> Reply:
    """The latest run of one id, or of all."""
    target = translate.target_to_domain(params.target)
    found = await session.handler().status(target, params.id, params.pid_directory or "")
    processes = tuple(translate.process_to_wire(process) for process in found)
    if params.id is None:
        return Reply(results.StatusResult(processes=processes))
    return Reply(results.StatusResult(process=processes[0]))


async def stop(session: Session, params: messages.StopParams) -> Reply:
    """Stop the whole tree of a command."""
    stopped = await session.handler().stop(
        translate.target_to_domain(params.target),
        params.id,
        pid_directory=params.pid_directory or "",
        signal=translate.signal_to_domain(params.signal),
        grace_period_seconds=translate.seconds(params.grace_period_seconds, 10.0),
    )
    process = translate.process_to_wire(stopped.process)
    return Reply(results.StopResult(process=process, verdict=translate.verdict_to_wire(stopped.verdict)))


async def exec_(session: Session, params: messages.ExecParams) -> Reply:
    """Run a command to its end."""
    target = translate.target_to_domain(params.target)
    request = translate.exec_to_domain(params)
    result = await session.handler().exec(target, request)
    return Reply(translate.exec_to_wire(result, request.max_output_bytes, session.output_encoding))


async def attach(session: Session, params: messages.AttachParams) -> Reply:
    """Follow the latest run of an id; its output is pushed after the reply."""
    attached = await session.handler().attach(
        translate.target_to_domain(params.target),
        params.id,
        pid_directory=params.pid_directory or "",
        follow_from=translate.from_to_domain(params.from_),
    )
    process, offsets = translate.process_to_wire(attached.process), translate.offsets_to_wire(attached.offsets)
    return Reply(results.AttachResult(process=process, offsets=offsets), then=attached.begin)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "initialize": Method(messages.InitializeParams, results.InitializeResult, initialize),
        "shutdown": Method(messages.Empty, None, shutdown),
        "remotecmd/start": Method(messages.StartParams, results.StartResult, start),
        "remotecmd/status": Method(messages.StatusParams, results.StatusResult, status),
        "remotecmd/stop": Method(messages.StopParams, results.StopResult, stop),
        "remotecmd/exec": Method(messages.ExecParams, results.ExecResult, exec_),
        "remotecmd/attach": Method(messages.AttachParams, results.AttachResult, attach),
    }
)
