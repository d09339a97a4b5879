"""`run` and `attach`: a command in the foreground, as docker has it, but that it outlives us if it is left."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

import click

from rpc_cli import formats, options, words
from rpc_cli.context import Context, pass_context
from rpc_cli.feed import fed
from rpc_cli.follow import Address, Foreground, undo, waiting
from rpc_server import messages

if TYPE_CHECKING:
    from rpc_client.client import Client
    from rpc_client.run import Run


@click.command(
    cls=options.TakesWords,
    epilog="Several words after -- are a program and its arguments, without a shell. One word with spaces, or --shell, "
    "is run by /bin/sh. Ctrl-C stops the command (TERM, KILL after the grace period), the second kills it, Ctrl-\\ "
    "leaves it running. A command that is live already under the id, with the same definition, is attached to.",
)
@click.option("--detach", "-d", is_flag=True, help="Print the id and leave; the command goes on.")
@click.option("--stdin", "-i", is_flag=True, help="Pass stdin on to the command; with -d, leave its stdin open.")
@click.option("--id", "command_id", metavar="ID", help="Name of the command; made from it when left out.")
@click.option("--if-exists", type=click.Choice(["attach", "fail", "replace"]), help="When the id is live.")
@click.option("--grace-period", type=options.SECONDS, metavar="TIME", help="Between TERM and KILL; 10 s by default.")
@click.option("--merge-output", is_flag=True, help="Send stderr into stdout: exact order.")
@options.wait_for_pod
@options.definition_options
@options.pid_directory
@options.takes_target
@pass_context
def run(context: Context, /, target: messages.Target, command_id: str | None, detach: bool, **given: Any) -> int:  # noqa: FBT001  # click names it
    """Start a command, show its output, exit with its status."""
    command = options.command_of(given["words"], given["shell"])
    spoken = command["args"] if "args" in command else tuple(command["cmd_line"].split())
    definition = messages.Definition(
        id=words.default_id(spoken) if command_id is None else command_id,
        pid_directory=given["pid_directory"],
        working_dir=given["workdir"],
        env_vars=options.env_vars(given["env"]),
        stdin=given["stdin"] or None,
        merge_output=given["merge_output"] or None,
        **command,
    )
    params = messages.StartParams(
        target=target,
        definition=definition,
        if_exists=given["if_exists"],
        run_id=uuid.uuid4().hex,
        output=messages.OutputOptions(follow=False) if detach else None,
        timeout_seconds=given["timeout"],
        grace_period_seconds=given["grace_period"],
        **waiting(given["wait_seconds"]),
    )
    return context.run(_detached(context, params) if detach else _foreground(context, params))


async def _detached(context: Context, params: messages.StartParams) -> int:
    async with context.connect() as client:
        client.on_progress(context.screen.progress)
        result = await client.request("remotecmd/start", params)
    if context.as_json:
        context.screen.json(result)
    else:
        context.screen.text(f"{formats.printable(result.process.id)}\n")
    return 0


async def _foreground(context: Context, params: messages.StartParams) -> int:
    definition = params.definition
    address = Address(target=params.target, id=definition.id, pid_directory=definition.pid_directory)
    async with context.connect() as client:
        client.on_progress(context.screen.progress)
        with Foreground(context.screen, client, address, params.grace_period_seconds) as foreground:
            run = await foreground.open(client.start(params))
            if run is None:
                await undo(client, params, address)
                return 128 + (foreground.given_up_by or 0)
            context.screen.note(_title(run, address) + ("" if run.created else "  live already: attached"))
            async with _input(context, client, address, wanted=bool(definition.stdin)):
                return await foreground.follow(run)


def _input(
    context: Context, client: Client, address: Address, *, wanted: bool
) -> contextlib.AbstractAsyncContextManager[None]:
    return fed(context.screen, client, **address.where) if wanted else contextlib.nullcontext()


@click.command(
    epilog="Ctrl-C stops the command, as with run; Ctrl-\\ leaves it running. To watch without that: remotecmd logs -f."
)
@click.option("--stdin", "-i", is_flag=True, help="Pass stdin on to it; it was started with -i.")
@click.option("--all", "from_start", is_flag=True, help="Show the output from its first byte on, not only what is new.")
@click.option("--grace-period", type=options.SECONDS, metavar="TIME", help="Between TERM and KILL; 10 s by default.")
@options.wait_for_pod
@options.takes_commands("ID[@TARGET]")
@pass_context
def attach(context: Context, /, address: Address, wait_seconds: float | None, **given: Any) -> int:
    """Bring a command to the foreground and exit with its status."""
    begin: messages.From = "start" if given["from_start"] else "end"
    params = messages.AttachParams(**address.where, from_=begin, **waiting(wait_seconds))
    return context.run(_attach(context, address, given["grace_period"], params, stdin=given["stdin"]))


async def _attach(
    context: Context, address: Address, grace_seconds: float | None, params: messages.AttachParams, *, stdin: bool
) -> int:
    async with context.connect() as client:
        client.on_progress(context.screen.progress)
        with Foreground(context.screen, client, address, grace_seconds) as foreground:
            run = await foreground.open(client.attach(params))
            if run is None:
                return 128 + (foreground.given_up_by or 0)
            if run.process is not None and run.process.status in formats.LIVE:
                context.screen.note(_title(run, address))
            async with _input(context, client, address, wanted=stdin):
                return await foreground.follow(run)


def _title(run: Run, address: Address) -> str:
    """▸ api-7d9f/app  npm-run-dev  pid 311."""
    process = run.process
    if process is None:
        return f"▸ {address.text}"
    pid = "" if process.pid is None else f"  pid {process.pid}"
    return f"▸ {formats.place(process.target, address.target)}  {formats.printable(process.id)}{pid}"
