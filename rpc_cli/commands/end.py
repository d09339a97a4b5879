"""`stop`, `signal` and `rm`: how commands come to an end, and their records too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from handlers.errors import ErrorKind
from rpc_cli import exits, failures, options, targets
from rpc_cli.context import Context, pass_context
from rpc_cli.follow import Address, stopped
from rpc_client.errors import Kind, RequestError
from rpc_server import messages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rpc_client.client import Client


async def _each(
    context: Context, addresses: tuple[Address, ...], act: Callable[[Client, Address], Awaitable[int]]
) -> int:
    """Do something with each command, whatever becomes of the others; the status is the first that is not 0."""
    statuses = []
    async with context.connect() as client:
        for address in addresses:
            try:
                statuses.append(await act(client, address))
            except RequestError as error:
                if error.kind == Kind.SERVER_GONE:
                    raise
                _tell(context, address, error)
                statuses.append(exits.of_error(error))
    return next((status for status in statuses if status), 0)


def _tell(context: Context, address: Address, error: RequestError) -> None:
    text, remedy = failures.explain(error, targets.describe(address.target))
    if error.kind == ErrorKind.COMMAND_CONFLICT:  # it is live, and here nothing can be given another id
        remedy = f"remotecmd stop {address.text} stops it"
    context.screen.fail_request(error, text, remedy)


@click.command(
    epilog="Stopping what has ended is no error. Exits with 1 if anything outlived KILL. Of several commands each is "
    "tried, and the exit status is that of the first that failed."
)
@click.option("--signal", "-s", type=options.SIGNAL, metavar="NAME", help="The first signal; TERM by default.")
@click.option(
    "--grace-period", "-t", type=options.SECONDS, metavar="TIME", help="Until KILL; 10 s by default, 0 kills."
)
@options.takes_commands("ID[@TARGET]...", many=True)
@pass_context
def stop(context: Context, /, addresses: tuple[Address, ...], signal: str | None, grace_period: float | None) -> int:
    """Stop commands with their whole process trees."""
    return context.run(_stop(context, addresses, signal, grace_period))


async def _stop(
    context: Context, addresses: tuple[Address, ...], signal: str | None, grace_seconds: float | None
) -> int:
    async def stop_one(client: Client, address: Address) -> int:
        params = messages.StopParams(
            **address.where,
            signal=signal,
            grace_period_seconds=grace_seconds,
        )
        result = await client.request("remotecmd/stop", params)
        if context.as_json:
            context.screen.json(result)
        context.screen.note(f"{address.id} {stopped(result.verdict)}")
        if not result.verdict.survivors:
            return 0
        pids = ", ".join(str(pid) for pid in result.verdict.survivors)
        context.screen.fail(f"{address.text} has processes that outlived KILL: {pids}")
        return 1

    return await _each(context, addresses, stop_one)


@click.command()
@click.option(
    "--scope", type=click.Choice(["group", "leader"]), help="Its process group (default), or only the leader."
)
@click.argument("name", metavar="SIGNAL", type=options.SIGNAL)
@options.takes_commands("ID[@TARGET]")
@pass_context
def signal(context: Context, /, address: Address, name: str, scope: str | None) -> int:
    """Send a signal to a command.

    As in: remotecmd signal HUP web@local.
    """
    params = messages.SignalParams(
        **address.where,
        signal=name,
        scope="leader" if scope == "leader" else None,
    )
    context.run(_signal(context, params))
    return 0


async def _signal(context: Context, params: messages.SignalParams) -> None:
    async with context.connect() as client:
        result = await client.request("remotecmd/signal", params)
    if context.as_json:
        context.screen.json(result)
    context.screen.note(f"sent {params.signal} to {params.id}")


@click.command()
@options.takes_commands("ID[@TARGET]...", many=True)
@pass_context
def rm(context: Context, /, addresses: tuple[Address, ...]) -> int:
    """Remove records and output of ended commands."""
    return context.run(_rm(context, addresses))


async def _rm(context: Context, addresses: tuple[Address, ...]) -> int:
    async def remove(client: Client, address: Address) -> int:
        await client.request("remotecmd/remove", messages.RemoveParams(**address.where))
        context.screen.note(f"removed {address.id}")
        return 0

    return await _each(context, addresses, remove)
