"""`devfile list` and `devfile run`: the commands of a devfile, each in the container of its component."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rpc_cli import formats, options, plan
from rpc_cli.context import Context, pass_context
from rpc_cli.runner import Runner
from rpc_server import messages, results

if TYPE_CHECKING:
    from rpc_client.client import Client

HEADER = ("COMMAND", "GROUP", "COMPONENT", "RUNS")

_FILE = click.option("--file", "-f", metavar="PATH", help="The devfile, or its directory; this directory by default.")


@click.group()
def devfile() -> None:
    """List and run the commands of a devfile (version 2)."""


@devfile.command(
    "list", epilog="A * marks the default command of its group. What has no effect here is said at the end."
)
@_FILE
@options.common
@pass_context
def list_(context: Context, /, file: str | None) -> int:
    """Show the commands of a devfile."""
    found = context.run(_list(context, file))
    if context.as_json:
        context.screen.json(found)
        return 0
    context.screen.table(HEADER, [_row(command) for command in found.commands])
    for part in found.not_supported:
        context.screen.warn(formats.printable(f"{part.path}: {part.what}"))
    return 0


async def _list(context: Context, file: str | None) -> results.DevfileResult:
    async with context.connect() as client:
        return await _read(client, file)


async def _read(client: Client, file: str | None) -> results.DevfileResult:
    return await client.request("remotecmd/devfile", messages.DevfileParams(path=file or "."))


def _row(command: results.DevfileCommand) -> tuple[str, ...]:
    group = formats.NOTHING if command.group is None else command.group.kind + ("*" if command.group.is_default else "")
    if command.definition is not None:
        runs = command.definition.cmd_line or ""
    else:
        runs = (" & " if command.parallel else ", then ").join(command.commands or ()) or formats.NOTHING
    return tuple(formats.printable(cell) for cell in (command.id, group, command.component or formats.NOTHING, runs))


@devfile.command(
    epilog="In a pod a command runs in the container that is named as its component, unless a container is given. A "
    "composite stops at the first command that fails; one whose commands run in parallel shows the name of each before "
    "its lines, and has the status of the first in the file that failed. Ctrl-C stops what runs, the second kills it, "
    "Ctrl-\\ leaves it running."
)
@click.argument("command")
@_FILE
@options.pid_directory
@options.takes_target
@pass_context
def run(context: Context, /, target: messages.Target, command: str, file: str | None, pid_directory: str | None) -> int:
    """Run a command of a devfile and exit with its status."""
    return context.run(_run(context, target, command, file, pid_directory))


async def _run(
    context: Context, target: messages.Target, command: str, file: str | None, pid_directory: str | None
) -> int:
    async with context.connect() as client:
        try:
            todo = plan.make(await _read(client, file), command)
        except plan.PlanError as error:
            raise click.UsageError(str(error)) from None
        return await Runner(context.screen, client, target, todo, pid_directory).run()
