r"""Commands of a devfile run to their end: each followed, Ctrl-C passed on to all that run.

The first Ctrl-C (or TERM to us) gives up what is being started and stops what runs, the next ones kill. Ctrl-\ and a
lost terminal leave at once, and what runs goes on. Must not know: devfiles, but for the plan that they come down to.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import attrs

from handlers.errors import ErrorKind
from rpc_cli import exits, failures, formats, plan, targets
from rpc_cli.follow import Address, show, status_of, undo
from rpc_cli.interrupts import handled
from rpc_cli.prefix import Prefixer
from rpc_cli.writer import ReaderGoneError
from rpc_client.errors import RequestError
from rpc_client.run import data_of
from rpc_server import messages, results

if TYPE_CHECKING:
    from rpc_cli.screen import Screen
    from rpc_client.client import Client
    from rpc_client.run import Run


class Runner:
    """Runs a plan.

    Args:
        screen: where it is shown.
        client: whom to ask.
        target: where, but for the container.
        todo: the plan.
        pid_directory: where records are, if not in the usual place.
    """

    def __init__(
        self, screen: Screen, client: Client, target: messages.Target, todo: plan.Plan, pid_directory: str | None
    ) -> None:
        self._screen = screen
        self._client = client
        self._target = target
        self._todo = todo
        self._pid_directory = pid_directory
        self._containers: dict[str, messages.Target] = {}
        self._opening: set[asyncio.Task[tuple[Address, Run]]] = set()
        self._live: dict[Address, Run] = {}
        self._stops: set[asyncio.Task[None]] = set()
        self._ended_by: int | None = None
        self._is_left = False
        self._prefixed = plan.has_parallel(todo)
        self._width = max((len(step.definition.id) for step in plan.steps(todo)), default=0)

    async def run(self) -> int:
        """Do it and return the exit status."""
        with handled(self._stop, self._leave):
            try:
                return await self._do(self._todo)
            except ReaderGoneError:
                self._stop_live()
                raise
            finally:
                await asyncio.gather(*self._stops, return_exceptions=True)

    # -- the user wants an end -----------------------------------------------------------------------------------------

    def _stop(self, number: int) -> None:
        kills = self._ended_by is not None
        self._screen.note("killing …" if kills else "stopping (TERM, Ctrl-C again to kill) …")
        self._begin_nothing_more(number)
        self._stop_live(kills=kills)

    def _leave(self, number: int) -> None:
        self._is_left = True
        self._begin_nothing_more(number)
        for task in self._stops:
            task.cancel()
        for run in self._live.values():
            self._client.forget(run)

    def _begin_nothing_more(self, number: int) -> None:
        self._ended_by = number
        for opening in self._opening:
            opening.cancel()

    def _stop_live(self, *, kills: bool = False) -> None:
        for address in self._live:
            self._begin_stop(address, kills=kills)

    def _begin_stop(self, address: Address, *, kills: bool = False) -> None:
        params = messages.StopParams(**address.where)
        if kills:
            params = attrs.evolve(params, signal="KILL", grace_period_seconds=0)
        task = asyncio.create_task(self._request_stop(params), name="stop")
        self._stops.add(task)
        task.add_done_callback(self._stops.discard)

    async def _request_stop(self, params: messages.StopParams) -> None:
        try:
            await self._client.request("remotecmd/stop", params)
        except RequestError as error:
            self._screen.warn(f"the stop failed: {formats.sentence(error.message)}")

    # -- the plan ------------------------------------------------------------------------------------------------------

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
        if (status := self._given_up()) is not None:
            return status
        opening = asyncio.create_task(self._open(step), name="open")
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)
        try:
            return await self._follow(step, *await opening)
        except asyncio.CancelledError:
            if (status := self._given_up()) is None:
                raise
            return status
        except RequestError as error:  # what runs beside it goes on
            text, remedy = failures.explain(error, targets.describe(self._target))
            self._screen.fail_request(error, f"{formats.printable(step.definition.id)}: {text}", remedy)
            return exits.of_error(error)

    def _given_up(self) -> int | None:
        """The exit status once a signal has come."""
        return None if self._ended_by is None else 128 + self._ended_by

    async def _open(self, step: plan.Step) -> tuple[Address, Run]:
        target = await self._container(step.component)
        definition = attrs.evolve(step.definition, pid_directory=self._pid_directory)
        params = messages.StartParams(target=target, definition=definition, run_id=uuid.uuid4().hex)
        address = Address(target=target, id=definition.id, pid_directory=self._pid_directory)
        try:
            return address, await self._client.start(params)
        except asyncio.CancelledError:
            await undo(self._client, params, address)
            raise

    async def _follow(self, step: plan.Step, address: Address, run: Run) -> int:
        name = formats.printable(address.id)
        self._live[address] = run
        if self._is_left:  # that came with the answer, as may a stop
            self._client.forget(run)
        elif self._ended_by is not None:
            self._begin_stop(address)
        if not self._prefixed:
            self._screen.note(f"▸ {name}  {formats.printable(step.component)}")
        lines = {stream: Prefixer(name, self._width) for stream in ("stdout", "stderr")}
        async for event in run:
            if self._prefixed and not self._screen.as_json and isinstance(event, results.Output):
                await self._screen.output(event.stream, lines[event.stream].feed(data_of(event)))
            else:
                await show(self._screen, event)
        for stream, left in lines.items():
            await self._screen.output(stream, left.end())
        del self._live[address]
        if self._is_left or run.process is None:
            self._screen.note(f"left running: remotecmd logs -f {address.text}")
            return 128 + (self._ended_by or 0)
        status = status_of(self._screen, name, run.process)
        if status and self._prefixed and run.process.status != "unknown":
            self._screen.warn(f"{name} failed: status {status}")
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
