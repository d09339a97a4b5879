"""`stop`, `signal` and `rm`: how commands come to an end, and their records too."""

from __future__ import annotations

import click

from rpc_cli import formats, options
from rpc_cli.context import Context, pass_context
from rpc_cli.follow import Address, stopped
from rpc_server import messages


@click.command(epilog="Stopping what has ended is no error. Exits with 1 if anything outlived KILL.")
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
    worst = 0
    async with context.connect() as client:
        for address in addresses:
            params = messages.StopParams(
                **address.where,
                signal=signal,
                grace_period_seconds=grace_seconds,
            )
            result = await client.request("remotecmd/stop", params)
            if context.as_json:
                context.screen.json(result)
            context.screen.note(f"{address.id} {stopped(result.verdict)}")
            if result.verdict.survivors:
                pids = ", ".join(str(pid) for pid in result.verdict.survivors)
                context.screen.fail(f"{address.text} has processes that outlived KILL: {pids}")
                worst = 1
    return worst


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
    context.run(_rm(context, addresses))
    context.screen.note(f"removed {formats.count(len(addresses), 'command')}")
    return 0


async def _rm(context: Context, addresses: tuple[Address, ...]) -> None:
    async with context.connect() as client:
        for address in addresses:
            params = messages.RemoveParams(**address.where)
            await client.request("remotecmd/remove", params)
