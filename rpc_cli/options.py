"""Options and arguments that several subcommands share, and what their values mean.

Decorators turn the words of a target or of an address into the wire's types, so that a subcommand never sees the words.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from handlers import api
from rpc_cli import targets, words
from rpc_cli.context import TARGET_VARIABLE, Context
from rpc_cli.follow import Address
from rpc_server import messages

F = TypeVar("F", bound=Callable[..., Any])


class Parsed(click.ParamType[Any]):
    """A value read by a function that raises ValueError with a sentence."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click wants it; defaults come parsed."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class SignalName(Parsed):
    """A signal; shells complete it."""

    def __init__(self) -> None:
        super().__init__("signal", words.signal_name)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG002  # click's
        """Names that begin so."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415  # only when a shell asks

        return [CompletionItem(name) for name in api.SIGNALS if name.startswith(incomplete.upper())]


SECONDS = Parsed("duration", words.seconds)
OFFSETS = Parsed("offsets", words.offsets)
SIGNAL = SignalName()
ENV_VAR = Parsed("env", lambda text: words.env_var(text, os.environ))


def _set(name: str, value_of: Callable[[Any], Any] = lambda value: value) -> Callable[..., None]:
    """A callback that keeps an option in the context, wherever on the command line it stands."""

    def keep(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value:
            setattr(ctx.ensure_object(Context), name, value_of(value))

    return keep


def common(function: F) -> F:
    """--json and --color, before the subcommand and after it."""
    function = click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        expose_value=False,
        callback=_set("colour"),
        help="Colours: auto (default) is on a terminal, and not with NO_COLOR.",
    )(function)
    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_set("as_json"),
        help="Print the objects of the JSON-RPC contract, one a line.",
    )(function)


def _all(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator; the help has the last one first."""

    def decorate(function: F) -> F:
        for option in options:
            function = option(function)
        return function

    return decorate


def _selector(text: str) -> Callable[[F], F]:
    return click.option("--selector", "-l", metavar="LABELS", help=text)


_KUBECONFIG = click.option("--kubeconfig", metavar="PATH", help="Kubeconfig file; as kubectl finds it when left out.")
_CONTEXT = click.option("--context", metavar="NAME", help="Context of the kubeconfig; it may hold slashes.")

_kubernetes_options = _all(
    _KUBECONFIG,
    _selector("Instead of a pod's name: the one running pod that has such labels, as app=web."),
    click.option("--container", "-c", metavar="NAME", help="Container of the pod."),
    click.option("--namespace", "-n", metavar="NAME", help="Namespace of the pod."),
    _CONTEXT,
)


def _target(text: str | None, given: dict[str, Any]) -> messages.Target:
    """The target that the words mean. Raises click.UsageError."""
    if text is None and given.get("selector") is not None:
        text = "k8s:"
    text = text or os.environ.get(TARGET_VARIABLE) or None
    if text is None:
        raise click.UsageError(f"no target: say where, as in local or k8s:POD, or set {TARGET_VARIABLE}")
    try:
        target = targets.parse(text, targets.Options(**given))
    except targets.TargetError as error:
        raise click.UsageError(str(error)) from None
    click.get_current_context().ensure_object(Context).place = targets.describe(target)
    return target


def _taken(values: dict[str, Any]) -> dict[str, Any]:
    """Take what `_kubernetes_options` gave out of the values of a subcommand."""
    return {name: values.pop(name) for name in ("context", "namespace", "container", "kubeconfig", "selector")}


def takes_target(function: F) -> F:
    """[TARGET] and its options; the subcommand gets `target`."""

    @functools.wraps(function)
    def call(*args: Any, target: str | None, **values: Any) -> Any:
        where = _target(target, _taken(values))
        return function(*args, target=where, **values)

    return click.argument("target", metavar="[TARGET]", required=False)(common(_kubernetes_options(call)))  # type: ignore[return-value]  # click's decorators keep the function


def takes_commands(metavar: str, *, many: bool = False) -> Callable[[F], F]:
    """ID@TARGET and its options; the subcommand gets `address`, or `addresses` if there may be many."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, commands: Any, target: str | None, pid_directory: str | None, **values: Any) -> Any:
            given = _taken(values)
            found = tuple(_address(text, target, given, pid_directory) for text in (commands if many else (commands,)))
            return function(*args, **({"addresses": found} if many else {"address": found[0]}), **values)

        call = click.option("--target", "-T", metavar="TARGET", help="Where, if only an ID is given.")(call)
        argument = click.argument("commands", metavar=metavar, nargs=-1 if many else 1, required=True)
        return argument(pid_directory(common(_kubernetes_options(call))))  # type: ignore[return-value]  # as above

    return decorate


def _address(text: str, option: str | None, given: dict[str, Any], directory: str | None) -> Address:
    try:
        command_id, where = targets.split_address(text)
    except targets.TargetError as error:
        raise click.UsageError(str(error)) from None
    if where is not None and option is not None:
        raise click.UsageError(f'the target is given twice: in "{text}" and by --target')
    target = _target(where or option, given)
    return Address(target=target, id=command_id, pid_directory=directory)


def pid_directory(function: F) -> F:
    """--pid-directory."""
    text = "Directory in the container for records and output; as it was given to run."
    return click.option("--pid-directory", metavar="PATH", help=text)(function)


def wait_for_pod(function: F) -> F:
    """--wait."""
    text = "Wait this long for a pod or container that is still starting: 90, 30s, 5m."
    return click.option("--wait", "wait_seconds", type=SECONDS, metavar="TIME", help=text)(function)


place_options = _all(
    _KUBECONFIG,
    _selector("Only pods with such labels, as app=web."),
    click.option("--namespace", "-n", metavar="NAME", help="Namespace of the pods."),
    _CONTEXT,
)
"""Where in Kubernetes to look, without a pod; the subcommand gets them under their names."""

definition_options = _all(
    click.option("--timeout", type=SECONDS, metavar="TIME", help="Stop it after this time: 90, 30s, 5m, 1h30m."),
    click.option("--shell", "-s", metavar="STRING", help="Run this by /bin/sh instead of the words after --."),
    click.option(
        "--env",
        "-e",
        type=ENV_VAR,
        multiple=True,
        metavar="KEY[=VALUE]",
        help="Set a variable; KEY alone takes the value from here. Repeatable.",
    ),
    click.option("--workdir", "-w", metavar="PATH", help="Directory to start in."),
)
"""What run and exec share: --workdir, --env, --shell, --timeout."""


class TakesWords(click.Command):
    """A subcommand whose last part is a command, after --; the subcommand gets `words`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what is after the first -- aside before click looks at options."""
        at = args.index("--") if "--" in args else len(args)
        before, ctx.params["words"] = args[:at], tuple(args[at + 1 :])
        try:
            return super().parse_args(ctx, before)
        except click.UsageError as error:
            is_misplaced = (
                isinstance(error, click.NoSuchOption | click.BadOptionUsage) or "unexpected extra" in error.message
            )
            if at < len(args) or not is_misplaced:
                raise
            message = f"{error.format_message()} The command goes after --, as in remotecmd {self.name} local -- ls -l"
            raise click.UsageError(message, ctx) from None

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """As click, and what comes after."""
        return [*super().collect_usage_pieces(ctx), "--", "COMMAND [ARG]..."]


def command_of(words_given: tuple[str, ...], shell: str | None) -> dict[str, Any]:
    """`cmd_line` or `args`, as the wire wants it. Raises click.UsageError.

    Several words are a program and its arguments, without a shell. One word with a space in it can only be meant for a
    shell.
    """
    if shell is not None and words_given:
        raise click.UsageError("a command is given twice: by --shell and after --")
    if shell is not None:
        return {"cmd_line": shell}
    if not words_given:
        raise click.UsageError("no command: write it after --, as in remotecmd run local -- npm run dev")
    if len(words_given) == 1 and any(c.isspace() for c in words_given[0].strip()):
        return {"cmd_line": words_given[0]}
    return {"args": words_given}


def env_vars(pairs: tuple[tuple[str, str], ...]) -> tuple[messages.EnvVar, ...] | None:
    """As the wire wants them."""
    return tuple(messages.EnvVar(key=key, value=value) for key, value in pairs) or None
