"""`doctor`: what a target has and lacks, and what to do."""

from __future__ import annotations

import click

from rpc_cli import exits, options, report
from rpc_cli.context import Context, pass_context
from rpc_server import messages, results


@click.command(
    epilog="It starts nothing and leaves nothing there. Exits with 0 if commands can be supervised there, else with "
    f"{exits.TARGET} if the container does not run, {exits.ACCESS} if a right is missing, {exits.CONTAINER} if the "
    "container lacks something."
)
@options.takes_target
@pass_context
def doctor(context: Context, /, target: messages.Target) -> int:
    """Say what a target has and lacks for commands, and what to do.

    Rights, shell, tools, storage, limits, delays: each with a level, and with a remedy if there is something to do.
    """
    found = context.run(_doctor(context, messages.DoctorParams(target=target)))
    if context.as_json:
        context.screen.json(found)
    else:
        context.screen.findings(found.findings)
    return report.status(found)


async def _doctor(context: Context, params: messages.DoctorParams) -> results.DoctorResult:
    async with context.connect() as client:
        return await client.request("remotecmd/doctor", params)
