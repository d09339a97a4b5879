"""`schema` and `completion`: the program about itself."""

from __future__ import annotations

from typing import Any

import click

from rpc_cli import options
from rpc_cli.context import Context, pass_context
from rpc_cli.main import COMPLETE_VARIABLE


@click.command()
@options.common
@pass_context
def schema(context: Context, /) -> int:
    """Print the OpenRPC document of the server."""
    context.screen.json(context.run(_schema(context)), indent=2)
    return 0


async def _schema(context: Context) -> dict[str, Any]:
    async with context.connect() as client:
        return await client.request("rpc.discover")


@click.command(
    epilog='\b\nbash:  eval "$(remotecmd completion bash)"  in ~/.bashrc\nzsh:   eval "$(remotecmd completion zsh)"  '
    "in ~/.zshrc\nfish:  remotecmd completion fish | source  in ~/.config/fish/config.fish"
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print a script with which a shell completes words.

    It completes subcommands, options and their values.
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415  # only here

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  # for mypy: click has these three
    context = ctx.ensure_object(Context)
    context.screen.text(kind(ctx.find_root().command, {}, "remotecmd", COMPLETE_VARIABLE).source() + "\n")
    return 0
