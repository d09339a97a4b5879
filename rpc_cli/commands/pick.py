"""`targets`: what there is to run commands in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import attrs
import click

from rpc_cli import formats, options
from rpc_cli.context import Context, pass_context
from rpc_server import messages, results

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MAX_ROWS_IN_PAGE = 1000
"""The most that the server gives at once: a table is shown when it is whole."""

Listed = Literal["pods", "namespaces", "contexts"]


@click.command(epilog="What can't be used is shown with the reason. A * marks what is used where none is named.")
@click.argument("what", type=click.Choice(["pods", "namespaces", "contexts"]), default="pods")
@options.place_options
@options.common
@pass_context
def targets(context: Context, /, what: Listed, **given: Any) -> int:
    """Show pods with their containers, namespaces, or contexts."""
    if what != "pods" and given["selector"] is not None:
        raise click.UsageError("--selector is for pods")
    if what == "contexts" and (given["context"] or given["namespace"]):
        raise click.UsageError("contexts are in the kubeconfig: leave --context and --namespace out")
    limit = None if what == "contexts" else MAX_ROWS_IN_PAGE
    params = messages.TargetsParams(kind="kubernetes", list_=what, limit=limit, **given)
    context.run(_targets(context, params))
    return 0


async def _targets(context: Context, params: messages.TargetsParams) -> None:
    rows: list[tuple[str, ...]] = []
    header: tuple[str, ...] = ()
    async for page in _pages(context, params):
        if context.as_json:
            context.screen.json(page)
            continue
        header, more = formats.inventory(page, time.time_ns() // 1_000_000)
        rows += more
    if not context.as_json:
        context.screen.table(header, rows)


async def _pages(context: Context, params: messages.TargetsParams) -> AsyncIterator[results.TargetsResult]:
    async with context.connect() as client:
        while True:
            page = await client.request("remotecmd/targets", params)
            yield page
            if page.continue_ is None:
                return
            params = attrs.evolve(params, continue_=page.continue_)
