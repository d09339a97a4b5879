r"""A run in the foreground: its output passed on, Ctrl-C passed on as a stop, its end waited for.

The first Ctrl-C (or TERM to us) stops the command with TERM and its grace period, the second kills, the third leaves.
Ctrl-\ and a lost terminal leave at once, and the command goes on. Must not know: how the run was begun.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any, Self

import attrs

from rpc_cli import exits, formats, interrupts, targets
from rpc_cli.writer import ReaderGoneError
from rpc_client.errors import RequestError
from rpc_client.run import Event, data_of
from rpc_server import messages, results

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from rpc_cli.screen import Screen
    from rpc_client.client import Client
    from rpc_client.run import Run

UNDO_SECONDS = 1.0
"""For what follows a start that was given up. Its channel is open if it was answered, so that is plenty."""


@attrs.frozen(kw_only=True)
class Address:
    """Which command, where."""

    target: messages.Target
    id: str
    pid_directory: str | None = None

    @property
    def where(self) -> dict[str, Any]:
        """What every method that takes an id wants, as keyword arguments."""
        return {"target": self.target, "id": self.id, "pid_directory": self.pid_directory}

    @property
    def text(self) -> str:
        """As the user would write it."""
        return f"{self.id}@{targets.describe(self.target)}"


def waiting(seconds: float | None) -> dict[str, Any]:
    """What a request says of waiting for its container; its progress is shown, whatever the token."""
    return {} if seconds is None else {"wait_seconds": seconds, "work_done_token": "wait"}


async def show(screen: Screen, event: Event) -> None:
    """Pass on one event of a run."""
    if screen.as_json:
        await screen.event(event)
        return
    match event:
        case results.Output():
            await screen.output(event.stream, data_of(event))
        case results.Gap():
            gone = formats.count(event.to - event.from_, "byte")
            screen.warn(f"{gone} of {event.stream} from {event.from_:,} on are gone: {formats.printable(event.reason)}")
        case results.Connection():
            screen.warn(connection(event))


def status_of(screen: Screen, name: str, process: results.Process) -> int:
    """The exit status for a run that is over; what that alone does not tell is said."""
    if process.reason == "timeout":
        screen.warn(f"{name} was stopped at its time limit")
    elif process.status == "unknown":
        screen.fail(f"how {name} ended is not known: {formats.printable(process.reason or process.state)}")
    return exits.of_process(process)


async def undo(client: Client, params: messages.StartParams, address: Address) -> None:
    """A start whose answer was under way when it was cancelled has made a run; only that one is ended."""
    try:
        async with asyncio.timeout(UNDO_SECONDS):
            found = await client.request("remotecmd/status", messages.StatusParams(**address.where))
            if found.process is not None and found.process.run_id == params.run_id:
                stop = messages.StopParams(**address.where, signal="KILL", grace_period_seconds=0)
                await client.request("remotecmd/stop", stop)
    except (RequestError, TimeoutError):
        return  # what can't be reached was not started either


def connection(event: results.Connection) -> str:
    """The news about a connection, in a sentence."""
    pod, container = event.target.pod_name, event.target.container_name
    where = f"{pod}/{container}" if pod and container else event.target.kind
    detail = f": {formats.printable(event.detail)}" if event.detail else ""
    match event.state:
        case "reconnecting":
            return f"the connection to {where} is cut{detail}; the command goes on, reconnecting …"
        case "connected":
            return f"connected to {where} again"
        case _:
            return f"{where} is lost{detail}"


class Foreground:
    """Opens one run and follows it to its end; used as a context manager, within which signals are its own.

    Args:
        screen: where it is shown.
        client: whom to ask for a stop.
        address: of the command.
        grace_seconds: between TERM and KILL; the server's default when None.
    """

    def __init__(self, screen: Screen, client: Client, address: Address, grace_seconds: float | None) -> None:
        self.given_up_by: int | None = None
        """The signal that ended the opening, if one did."""
        self._screen = screen
        self._client = client
        self._address = address
        self._grace_seconds = grace_seconds
        self._opening: asyncio.Task[Run] | None = None
        self._run: Run | None = None
        self._stops: list[asyncio.Task[results.StopResult]] = []
        self._left_by: int | None = None
        self._handled = interrupts.handled(self._stop, self._leave)

    def __enter__(self) -> Self:
        self._handled.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._handled.__exit__(None, None, None)

    async def open(self, opening: Coroutine[None, None, Run]) -> Run | None:
        """Wait for a run; None when a signal came first, and then the request was cancelled."""
        self._opening = asyncio.create_task(opening, name="open")
        try:
            self._run = await self._opening
        except asyncio.CancelledError:
            if self.given_up_by is None:
                raise
        return self._run

    async def follow(self, run: Run) -> int:
        """Show everything, and return the exit status."""
        try:
            async for event in run:
                if self._left_by is None:
                    await show(self._screen, event)
        except ReaderGoneError:
            await self._client.request("remotecmd/stop", self._stop_params())
            raise
        outcomes = await asyncio.gather(*self._stops, return_exceptions=True)
        if self._left_by is not None or run.process is None:
            self._screen.note(f"left running: remotecmd logs -f {self._address.text}")
            return 128 + (self._left_by or 0)
        self._say_stopped(outcomes)
        return status_of(self._screen, self._address.text, run.process)

    def _stop_params(self, name: str | None = None, grace_seconds: float | None = None) -> messages.StopParams:
        return messages.StopParams(
            **self._address.where,
            signal=name,
            grace_period_seconds=self._grace_seconds if grace_seconds is None else grace_seconds,
        )

    def _stop(self, number: int) -> None:
        """Ctrl-C, once more each time."""
        if self._opening is not None and not self._opening.done():
            self._give_up(number)
        elif not self._stops:
            self._begin_stop("stopping (TERM, Ctrl-C again to kill)", self._stop_params(), number)
        elif len(self._stops) == 1:
            self._begin_stop("killing", self._stop_params("KILL", 0), number)
        else:
            self._leave(number)

    def _begin_stop(self, saying: str, params: messages.StopParams, number: int) -> None:
        echoed = " " if number == signal.SIGINT else ""  # the terminal has written ^C
        self._screen.begin(f"{echoed}{saying} … ")
        self._stops.append(asyncio.create_task(self._client.request("remotecmd/stop", params), name="stop"))

    def _leave(self, number: int) -> None:
        """Go, and leave the command as it is."""
        if self._opening is not None and not self._opening.done():
            self._give_up(number)
            return
        self._left_by = number
        for task in self._stops:
            task.cancel()
        if self._run is not None:
            self._client.forget(self._run)

    def _give_up(self, number: int) -> None:
        self.given_up_by = number
        if self._opening is not None:
            self._opening.cancel()

    def _say_stopped(self, outcomes: Sequence[results.StopResult | BaseException]) -> None:
        """Say what the stops did: the first one that was answered tells of both."""
        for outcome in outcomes:
            if not isinstance(outcome, BaseException):
                self._screen.finish(stopped(outcome.verdict, killed=len(self._stops) > 1))
                return
        for error in outcomes:
            message = error.message if isinstance(error, RequestError) else type(error).__name__
            self._screen.warn(f"the stop failed: {formats.sentence(message)}")


def stopped(verdict: results.Verdict, *, killed: bool = False) -> str:
    """What a stop did, in a line; `killed`: somebody asked for KILL meanwhile."""
    if not verdict.signalled:
        return "had ended already"
    how = "killed" if verdict.escalated or killed else "stopped"
    left = f", {formats.count(len(verdict.survivors), 'process', 'processes')} left" if verdict.survivors else ""
    many = formats.count(verdict.processes, "process", "processes")
    return f"{how} after {formats.elapsed(verdict.elapsed_ms)}, {many}{left}"
