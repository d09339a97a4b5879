"""Channels, opened on demand and shared: one for each container and base directory; closed when nobody uses them.

A target is resolved when its channel is opened, and the result holds while the channel lives: the pod of that name
may be another one later, the container that answers is the one that was asked.
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import time
from typing import TYPE_CHECKING, Any

from handlers import explain
from handlers.agent import bootstrap
from handlers.agent.channel import AgentMissing, AgentRefused, Channel, open_channel
from handlers.api import NO_WAIT
from handlers.errors import ErrorKind, RemoteCommandError
from handlers.retry import Retry, is_passing
from handlers.transports.local import LocalTransport
from handlers.waiting import until_running

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.api import KubernetesTarget, LocalTarget, ResolvedTarget, Target, Wait
    from handlers.checkup import Rights
    from handlers.inventory import Inquiry, Inventory
    from handlers.transports.base import ExecStream, Transport

IDLE_SECONDS = 60.0
"""A channel that nobody used for this long is closed."""

RESOLVED_SECONDS = 2.0
"""For this long a name is not looked up again: bursts of requests for one target are common, each look-up is a round
trip.
"""


PROOFS = frozenset({ErrorKind.TARGET_NOT_FOUND, ErrorKind.CONTAINER_NOT_FOUND})
"""Failures to reach a container that mean that it is no more; with any other, what runs in it may well be alive."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A container and the base directory in it ("" for the agent's choice): what a channel is for."""

    target: ResolvedTarget
    directory: str

    @property
    def key(self) -> str:
        """The same for all names of the same place, as seen by the same user.

        The context and the kubeconfig are part of it: who may not exec must not get in by the channel of who may.
        """
        target = self.target
        return f"{target.channel_key}\n{target.context}\n{target.kubeconfig}\n{self.directory}"


class Pool:
    """Owns transports and channels."""

    def __init__(self, transports: dict[str, Callable[[], Transport[Any]]] | None = None) -> None:
        self._factories = transports if transports is not None else default_transports()
        self._transports: dict[str, Transport[Any]] = {}
        self._instance = secrets.token_hex(6)
        self._resolved: dict[Target, tuple[float, ResolvedTarget]] = {}
        self._opening: dict[str, asyncio.Task[Channel]] = {}
        self._owners: dict[str, str] = {}
        self._known: set[Target] = set()
        self._reached: set[str] = set()
        self._janitor: asyncio.Task[None] | None = None
        self._closed = False

    def _transport(self, kind: str) -> Transport[Any]:
        if self._closed:
            raise RemoteCommandError(ErrorKind.SHUTTING_DOWN, "The server is shutting down.")
        if kind not in self._transports:
            self._transports[kind] = self._factories[kind]()
        return self._transports[kind]

    async def inventory(self, inquiry: Inquiry) -> Inventory:
        """What there is to choose from."""
        found: Inventory = await self._transport(inquiry.kind).inventory(inquiry)
        return found

    async def rights(self, target: Target) -> Rights | None:
        """What the user may do that matters for a target; None where nobody has to be asked."""
        found: Rights | None = await self._transport(target.kind).rights(target)
        return found

    async def exec(self, place: Place) -> ExecStream:
        """An exec of the shell that takes a line, as a channel begins; it belongs to who asks for it."""
        try:
            return await self._transport(place.target.kind).open(place.target, bootstrap.ARGV)
        except RemoteCommandError:
            self.forget(place)
            raise

    async def place(self, target: Target, directory: str, wait: Wait = NO_WAIT) -> Place:
        """Resolve a target; raises RemoteCommandError when there is no such container, or none that runs in time."""
        known = self._resolved.get(target)
        if known is None or time.monotonic() - known[0] > RESOLVED_SECONDS:
            resolved = await until_running(lambda: self._resolve(target), wait)
            known = (time.monotonic(), resolved)
            self._resolved[target] = known
        return Place(known[1], directory)

    async def is_there(self, place: Place) -> bool:
        """Whether the container of a place is not known to be gone; one that can't be reached now may be there."""
        try:
            await self.channel(place)
        except RemoteCommandError as error:
            return error.kind not in PROOFS
        return True

    async def _resolve(self, target: Target) -> ResolvedTarget:
        """Look a target up; what was found before is looked for some time, if it can't be reached."""
        retry = Retry()
        while True:
            try:
                resolved: ResolvedTarget = await self._transport(target.kind).resolve(target)
            except RemoteCommandError as error:
                if target not in self._known or not is_passing(error) or not await retry.pause():
                    raise
            else:
                self._known.add(target)
                return resolved

    def forget(self, place: Place) -> None:
        """Resolve again next time: what answered under that name is gone."""
        self._resolved = {t: r for t, r in self._resolved.items() if r[1] != place.target}

    def was_reached(self, place: Place) -> bool:
        """Whether there was a channel to that place before: then a failure to open one may be passing."""
        return place.key in self._reached

    async def channel(self, place: Place) -> Channel:
        """The live channel of a place, opened if there is none. Callers that come at once share one opening."""
        task = self._opening.get(place.key)
        if task is None or (task.done() and ((channel := _opened(task)) is None or channel.lost.is_set())):
            task = asyncio.create_task(self._open(place), name="channel-open")
            self._opening[place.key] = task
            if self._janitor is None:
                self._janitor = asyncio.create_task(self._close_idle(), name="channel-janitor")
        return await asyncio.shield(task)

    async def drop(self, place: Place, channel: Channel) -> None:
        """Close a channel that does not do its work; the next use opens another."""
        task = self._opening.get(place.key)
        if task is not None and _opened(task) is channel:
            del self._opening[place.key]
        await channel.close()

    async def _open(self, place: Place) -> Channel:
        owner = self._owners.setdefault(place.key, f"{self._instance}-{len(self._owners)}")
        stream = await self.exec(place)
        try:
            channel = await open_channel(stream, owner=owner, directory=place.directory)
        except AgentRefused as error:
            raise explain.refusal(error.refused, place.target, directory_given=bool(place.directory)) from error
        except AgentMissing as error:
            self.forget(place)
            raise explain.end_before_hello(error, place.target) from error
        except TimeoutError as error:
            raise explain.no_hello(place.target) from error
        self._reached.add(place.key)
        return channel

    async def _close_idle(self) -> None:
        while True:
            await asyncio.sleep(IDLE_SECONDS / 4)
            for key, task in list(self._opening.items()):
                channel = _opened(task)
                if channel is None:
                    if task.done():
                        del self._opening[key]
                elif channel.lost.is_set() or (channel.is_idle and time.monotonic() - channel.last_used > IDLE_SECONDS):
                    del self._opening[key]
                    await channel.close()

    async def close(self) -> None:
        """Close everything at once; commands go on."""
        self._closed = True
        if self._janitor is not None:
            self._janitor.cancel()
        tasks, self._opening = list(self._opening.values()), {}
        for task in tasks:
            task.cancel()
        opened = (_opened(task) for task in tasks)
        await asyncio.gather(*(channel.close() for channel in opened if channel), return_exceptions=True)
        await asyncio.gather(*(transport.close() for transport in self._transports.values()), return_exceptions=True)


def _opened(task: asyncio.Task[Channel]) -> Channel | None:
    """The channel that an opening led to, if it did already."""
    return task.result() if task.done() and not task.cancelled() and task.exception() is None else None


def default_transports() -> dict[str, Callable[[], Transport[Any]]]:
    """The transports there are; Kubernetes is imported when it is first asked for."""

    def kubernetes() -> Transport[KubernetesTarget]:
        from handlers.transports.kubernetes.client import KubernetesTransport  # noqa: PLC0415  # heavy, often not needed

        return KubernetesTransport()

    def local() -> Transport[LocalTarget]:
        return LocalTransport()

    return {"local": local, "kubernetes": kubernetes}
