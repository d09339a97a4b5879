"""The terminal client as a whole: its subcommands, its help, and how every failure is told.

Must not know: how a subcommand does its work.
"""

from __future__ import annotations

from typing import Any

import click

from rpc_cli import exits, failures, formats, options
from rpc_cli.commands import about, begin, devfile, doctor, end, execute, look, pick
from rpc_cli.context import Context, give_up_stdout
from rpc_cli.main import COMPLETE_VARIABLE
from rpc_cli.writer import ReaderGoneError
from rpc_client.errors import RequestError

SYNONYMS = {
    "start": "run",
    "list": "ps",
    "ls": "ps",
    "log": "logs",
    "read": "logs",
    "pods": "targets pods",
    "contexts": "targets contexts",
    "namespaces": "targets namespaces",
    "kill": "stop -t 0, or signal KILL",
    "remove": "rm",
    "delete": "rm",
    "inspect": "status",
    "check": "doctor",
    "diagnose": "doctor",
    "help": "remotecmd --help",
    "version": "remotecmd --version",
}
"""What people may try who know other programs, or the methods of the server."""


class Group(click.Group):
    """The subcommands in an order of use, with the exit statuses below them."""

    def list_commands(self, _: click.Context) -> list[str]:
        """As they were added."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click, and words from elsewhere get the answer that helps."""
        if args and (meant := SYNONYMS.get(args[0])) is not None:
            raise click.UsageError(f'there is no command "{args[0]}": it is {meant}', ctx)
        return super().resolve_command(ctx, args)

    def format_epilog(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Targets and exit statuses."""
        with formatter.section("Targets"):
            formatter.write_dl(TARGETS)
        with formatter.section("Exit status"):
            formatter.write_dl([(str(code), meaning) for code, meaning in exits.MEANINGS.items()])
            formatter.write_dl([("128+n", "the command was ended by signal n")])


TARGETS = [
    ("local", "this machine"),
    ("k8s:POD", "a pod, in the namespace and context that kubectl would use"),
    ("k8s:NAMESPACE/POD", "also with /CONTAINER after it, and CONTEXT/ before it"),
    ("k8s:deploy/web", "the one running pod of a workload; also after NAMESPACE/"),
    ("-l app=web", "the one running pod with such labels"),
    ("ID@TARGET", "a command there, as in web@k8s:shop/api-7d9f"),
    ("REMOTECMD_TARGET", "this variable is the target where none is given"),
]


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's
    if value and not ctx.resilient_parsing:
        from rpc_server.cli import version  # noqa: PLC0415  # only here

        click.echo(f"remotecmd {version()}")
        ctx.exit()


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    subcommand_metavar="[COMMAND [ARGS]...]",
)
@options.common
@click.option("--stdio", is_flag=True, expose_value=False, help="Serve: talk on stdin and stdout (the only way).")
@click.option("--log-file", metavar="PATH", help="The server appends its logs to this file.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="What the server logs.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Say which.")
@click.pass_context
def program(ctx: click.Context, log_file: str | None, log_level: str | None) -> None:
    """Start, watch and stop commands in a container that already runs, or on this machine.

    Without a COMMAND it is the server: JSON-RPC on stdin and stdout, for editors and scripts.
    """
    context = ctx.ensure_object(Context)
    context.log_file = log_file
    context.log_level = log_level or context.log_level


@click.command(context_settings={"ignore_unknown_options": True})
def serve() -> None:
    """Be the server (the default): JSON-RPC on stdin and stdout."""


for _command in (
    begin.run, execute.execute, look.ps, look.status, look.logs, begin.attach, look.wait,
    end.stop, end.signal, end.rm, pick.targets, doctor.doctor, devfile.devfile, about.schema, about.completion, serve,
):  # fmt: skip
    program.add_command(_command)


def run(words: list[str]) -> int:
    """Do what the words say and return the exit status."""
    context = Context()
    try:
        status = program.main(words, "remotecmd", standalone_mode=False, complete_var=COMPLETE_VARIABLE, obj=context)
    except click.UsageError as error:
        context.screen.fail(formats.sentence(error.format_message()), _usage_hint(error))
        return exits.USAGE
    except RequestError as error:
        text, remedy = failures.explain(error, context.place)
        context.screen.fail_request(error, text, remedy)
        return exits.of_error(error)
    except ReaderGoneError:
        give_up_stdout()
        return exits.BROKEN_PIPE
    except (KeyboardInterrupt, click.Abort):
        return exits.INTERRUPTED
    except OSError as error:
        context.screen.fail(f"output can't be written: {error.strerror}")
        return exits.FAILED
    return status if isinstance(status, int) else 0


def _usage_hint(error: click.UsageError) -> str | None:
    if error.ctx is None:
        return None
    return f"{error.ctx.command_path} --help tells more"
