"""`exec`: one command to its end, as `docker exec` and `kubectl exec` without a terminal. Nothing of it stays."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import Any

import click

from rpc_cli import options
from rpc_cli.context import Context, pass_context
from rpc_cli.feed import fed
from rpc_cli.follow import show, waiting
from rpc_cli.interrupts import handled
from rpc_server import messages, results


@click.command(
    "exec",
    cls=options.TakesWords,
    epilog="Several words after -- are a program and its arguments, without a shell. One word with spaces, or --shell, "
    "is run by /bin/sh. Ctrl-C ends the command.",
)
@click.option("--stdin", "-i", is_flag=True, help="Pass stdin on to the command.")
@click.option("--tty", "-t", is_flag=True, hidden=True)
@options.wait_for_pod
@options.definition_options
@options.takes_target
@pass_context
def execute(context: Context, /, target: messages.Target, stdin: bool, tty: bool, **given: Any) -> int:  # noqa: FBT001  # click names them
    """Run a command to its end and exit with its status."""
    if tty:
        raise click.UsageError("commands have no terminal yet: leave -t out")
    command = options.command_of(given["words"], given["shell"])
    params = messages.ExecParams(
        target=target,
        working_dir=given["workdir"],
        env_vars=options.env_vars(given["env"]),
        open_stdin=stdin or None,
        timeout_seconds=given["timeout"],
        stream=None if context.as_json else True,
        run_id=uuid.uuid4().hex,
        **waiting(given["wait_seconds"]),
        **command,
    )
    return context.run(_execute(context, params))


async def _execute(context: Context, params: messages.ExecParams) -> int:
    ended_by: list[int] = []
    async with context.connect() as client:
        client.on_progress(context.screen.progress)
        run = client.watch(params.run_id or "")
        asking = asyncio.create_task(client.request("remotecmd/exec", params), name="exec")
        asking.add_done_callback(lambda _: client.forget(run))
        feeding = fed(context.screen, client, target=params.target, run_id=params.run_id)

        def end(number: int) -> None:
            ended_by.append(number)
            asking.cancel()

        with handled(end, end):
            try:
                async with feeding if params.open_stdin else contextlib.nullcontext():
                    async for event in run:
                        if not isinstance(event, results.StatusChanged):
                            await show(context.screen, event)
                    result = await asking
            except asyncio.CancelledError:
                if not ended_by:
                    raise
                return 128 + ended_by[0]
            finally:
                asking.cancel()  # a reader that went away: nothing is left running
    if context.as_json:
        context.screen.json(result)
    return result.exit_code
