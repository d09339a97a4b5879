"""`devfile list` and `devfile run`: the commands of a devfile, each in the container of its component."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import attrs
import click

from handlers.errors import ErrorKind
from rpc_cli import exits, failures, formats, interrupts, options, plan, targets
from rpc_cli.context import Context, pass_context
from rpc_cli.follow import show
from rpc_cli.prefix import Prefixer
from rpc_cli.writer import ReaderGoneError
from rpc_client.errors import RequestError
from rpc_client.run import data_of
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
    "its lines, and has the status of the first in the file that failed. Ctrl-C stops what runs, the second kills it."
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
        runner = Runner(context, client, target, todo, pid_directory)
        with interrupts.handled(runner.stop, runner.stop):
            return await runner.run(todo)


class Runner:
    """Runs a plan.

    Args:
        context: has the screen.
        client: whom to ask.
        target: where, but for the container.
        todo: all that is to be run.
        pid_directory: where records are, if not in the usual place.
    """

    def __init__(
        self, context: Context, client: Client, target: messages.Target, todo: plan.Plan, pid_directory: str | None
    ) -> None:
        self._pid_directory = pid_directory
        self._screen = context.screen
        self._client = client
        self._target = target
        self._containers: dict[str, messages.Target] = {}
        self._live: list[tuple[messages.Target, str]] = []
        self._stops: set[asyncio.Task[None]] = set()
        self._ended_by: int | None = None
        self._prefixed = plan.has_parallel(todo)
        self._width = max((len(step.definition.id) for step in plan.steps(todo)), default=0)

    def stop(self, number: int) -> None:
        """Stop what runs and begin nothing more; once more: kill it."""
        kills = self._is_ending
        self._ended_by = number
        self._screen.note("killing …" if kills else "stopping (TERM, Ctrl-C again to kill) …")
        for target, command_id in self._live:
            self._begin_stop(target, command_id, kills=kills)

    @property
    def _is_ending(self) -> bool:
        return self._ended_by is not None

    def _begin_stop(self, target: messages.Target, command_id: str, *, kills: bool = False) -> None:
        how = messages.StopParams(target=target, id=command_id, pid_directory=self._pid_directory)
        if kills:
            how = attrs.evolve(how, signal="KILL", grace_period_seconds=0)
        task = asyncio.create_task(self._stop(how), name="stop")
        self._stops.add(task)
        task.add_done_callback(self._stops.discard)

    async def _stop(self, params: messages.StopParams) -> None:
        try:
            await self._client.request("remotecmd/stop", params)
        except RequestError as error:
            self._screen.warn(f"the stop failed: {formats.sentence(error.message)}")

    async def run(self, todo: plan.Plan) -> int:
        """Do it and return the exit status."""
        try:
            return await self._do(todo)
        except ReaderGoneError:
            for target, command_id in self._live:
                self._begin_stop(target, command_id)
            raise
        finally:
            await asyncio.gather(*self._stops)

    async def _do(self, todo: plan.Plan) -> int:
        match todo:
            case plan.Step():
                return await self._step(todo)
            case plan.Sequence(parts=parts):
                for part in parts:
                    if status := await self._do(part):
                        return status
                return 0
            case plan.Parallel(parts=parts):
                statuses = await asyncio.gather(*(self._do(part) for part in parts))
                return next((status for status in statuses if status), 0)

    async def _step(self, step: plan.Step) -> int:
        try:
            return await self._follow(step, await self._container(step.component))
        except RequestError as error:  # what runs beside it goes on
            text, remedy = failures.explain(error, targets.describe(self._target))
            self._screen.fail_request(error, f"{formats.printable(step.definition.id)}: {text}", remedy)
            return exits.of_error(error)

    async def _follow(self, step: plan.Step, target: messages.Target) -> int:
        if self._ended_by is not None:
            return 128 + self._ended_by
        name = step.definition.id
        definition = attrs.evolve(step.definition, pid_directory=self._pid_directory)
        params = messages.StartParams(target=target, definition=definition, run_id=uuid.uuid4().hex)
        running = await self._client.start(params)
        self._live.append((target, name))
        if self._is_ending:  # that came while the start was under way
            self._begin_stop(target, name)
        if not self._prefixed:
            self._screen.note(f"▸ {formats.printable(name)}  {formats.printable(step.component)}")
        lines = {stream: Prefixer(formats.printable(name), self._width) for stream in ("stdout", "stderr")}
        async for event in running:
            if self._prefixed and not self._screen.as_json and isinstance(event, results.Output):
                await self._screen.output(event.stream, lines[event.stream].feed(data_of(event)))
            else:
                await show(self._screen, event)
        for stream, left in lines.items():
            await self._screen.output(stream, left.end())
        self._live.remove((target, name))
        return self._status(name, running.process)

    def _status(self, name: str, process: results.Process | None) -> int:
        status = exits.FAILED if process is None else exits.of_process(process)
        if process is None or process.status == "unknown":
            self._screen.fail(f"how {formats.printable(name)} ended is not known")
        elif status and self._prefixed:
            self._screen.warn(f"{formats.printable(name)} failed: status {status}")
        return status

    async def _container(self, component: str) -> messages.Target:
        """Where a component's commands run: the container of its name, if the pod has one and none was given."""
        target = self._target
        if not isinstance(target, messages.KubernetesTarget) or target.container_name:
            return target
        if component not in self._containers:
            self._containers[component] = await self._look_for(target, component)
        return self._containers[component]

    async def _look_for(self, target: messages.KubernetesTarget, component: str) -> messages.Target:
        there = attrs.evolve(target, container_name=component)
        try:
            await self._client.request("remotecmd/status", messages.StatusParams(target=there))
        except RequestError as error:
            if error.kind != ErrorKind.CONTAINER_NOT_FOUND:
                raise
            self._screen.warn(f"the pod has no container {formats.printable(component)}: its default one is used")
            return target
        return there
