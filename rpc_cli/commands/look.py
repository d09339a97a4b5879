"""`ps`, `status`, `logs` and `wait`: what is there, without changing any of it."""

from __future__ import annotations

import time
from typing import Any

import click

from rpc_cli import exits, formats, options
from rpc_cli.context import Context, pass_context
from rpc_cli.follow import Address, show
from rpc_client.run import data_of
from rpc_server import messages, results


def _now() -> int:
    return time.time_ns() // 1_000_000


@click.command()
@click.option("--all", "-a", is_flag=True, expose_value=False, help="Accepted as with docker; all are shown anyway.")
@click.option("--quiet", "-q", is_flag=True, help="Print ids only.")
@options.pid_directory
@options.takes_target
@pass_context
def ps(context: Context, /, target: messages.Target, pid_directory: str | None, quiet: bool) -> int:  # noqa: FBT001  # click names it
    """List commands, running and ended.

    The newest run of each, whoever started it.
    """
    result = context.run(_list(context, messages.ListParams(target=target, pid_directory=pid_directory)))
    if context.as_json:
        context.screen.json(result)
    elif quiet:
        context.screen.text("".join(f"{formats.printable(process.id)}\n" for process in result.processes))
    else:
        now = _now()
        context.screen.table(formats.HEADER, [formats.row(process, now) for process in result.processes])
    return 0


async def _list(context: Context, params: messages.ListParams) -> results.ListResult:
    async with context.connect() as client:
        return await client.request("remotecmd/list", params)


@click.command()
@options.takes_commands("ID[@TARGET]")
@pass_context
def status(context: Context, /, address: Address) -> int:
    """Show how a command is, or how it ended."""
    process = context.run(_status(context, address))
    if context.as_json:
        context.screen.json(results.StatusResult(process=process))
    else:
        context.screen.pairs(formats.details(process, _now()))
    return exits.COMMAND if process.state == "absent" else 0


async def _status(context: Context, address: Address) -> results.Process:
    params = messages.StatusParams(**address.where)
    async with context.connect() as client:
        result = await client.request("remotecmd/status", params)
    assert result.process is not None  # noqa: S101  # for mypy: one id was asked for
    return result.process


@click.command(epilog="Both streams come in the order in which they were written; Ctrl-C only ends the watching.")
@click.option("--follow", "-f", is_flag=True, help="Go on until the command ends.")
@click.option("--since-offset", type=options.OFFSETS, metavar="N[,M]",
              help="Skip N bytes of stdout, and M of stderr.")  # fmt: skip
@click.option("--since", type=options.SECONDS, metavar="TIME", help="Only what was written in this time until now.")
@options.takes_commands("ID[@TARGET]")
@pass_context
def logs(
    context: Context, /, address: Address, follow: bool, since_offset: tuple[int, int] | None, since: float | None  # noqa: FBT001  # click names it
) -> int:  # fmt: skip
    """Print the output of a command, live or ended."""
    if since is not None and since_offset is not None:
        raise click.UsageError("give --since or --since-offset, not both")
    stdout, stderr = since_offset or (0, 0)
    begin: messages.From = messages.FromOffsets(stdout=stdout, stderr=stderr)
    if since is not None:
        begin = messages.FromTime(time=max(0, _now() - round(since * 1000)))
    context.run(_logs(context, messages.AttachParams(**address.where, from_=begin), follow=follow))
    return 0


async def _logs(context: Context, params: messages.AttachParams, *, follow: bool) -> None:
    """Replay, and stop at what was written when it was asked for, unless it is to be followed."""
    async with context.connect() as client:
        run = await client.attach(params)
        written = None if run.process is None else run.process.offsets
        missing = _Missing(run.offsets, written if not follow else None)
        if missing.is_nothing():
            return
        async for event in run:
            await show(context.screen, event)
            missing.take(event)
            if missing.is_nothing():
                return


class _Missing:
    """How much of what was written by now has yet to come; for ever some if `end` is None."""

    def __init__(self, begin: Any, end: results.Offsets | None) -> None:
        self._at = {"stdout": begin.stdout, "stderr": begin.stderr}
        self._end = None if end is None else {"stdout": end.stdout, "stderr": end.stderr}

    def is_nothing(self) -> bool:
        return self._end is not None and all(self._at[stream] >= end for stream, end in self._end.items())

    def take(self, event: Any) -> None:
        if isinstance(event, results.Gap):
            self._at[event.stream] = event.to
        elif isinstance(event, results.Output):
            self._at[event.stream] = event.offset + len(data_of(event))


@click.command(epilog=f"Exits with 0 whatever the command's status was, and with {exits.TIMED_OUT} if it went on.")
@click.option("--timeout", type=options.SECONDS, metavar="TIME", help="Wait no longer than this.")
@options.takes_commands("ID[@TARGET]")
@pass_context
def wait(context: Context, /, address: Address, timeout: float | None) -> int:
    """Wait until a command ends, and print its exit status."""
    result = context.run(_wait(context, address, timeout))
    if context.as_json:
        context.screen.json(result)
    elif result.timed_out:
        context.screen.fail(f"{address.text} did not end in time; it goes on")
    elif result.process.exit_code is None:
        reason = formats.printable(result.process.reason or result.process.state)
        what = "could not start" if result.process.state == "startFailed" else "has an end that is not known"
        context.screen.fail(f"{address.text} {what}: {reason}")
    else:
        context.screen.text(f"{result.process.exit_code}\n")
    if result.timed_out:
        return exits.TIMED_OUT
    return 0 if result.process.exit_code is not None else exits.of_process(result.process)


async def _wait(context: Context, address: Address, seconds: float | None) -> results.WaitResult:
    params = messages.WaitParams(**address.where, timeout_seconds=seconds)
    async with context.connect() as client:
        return await client.request("remotecmd/wait", params)
