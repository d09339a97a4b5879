"""The examination itself: rights, the container, one exec with the probe in it. All that judges is elsewhere.

The probe enters as the agent does: the same constant argv, then one line on stdin, which brings the agent's functions
and the probe. Both what it says and how long it takes are bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.resources
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from handlers import explain
from handlers.agent import bootstrap
from handlers.agent.channel import OPEN_SECONDS, WATCHDOG_SECONDS, AgentMissing, agent_text
from handlers.api import Stream
from handlers.doctor.facts import NEEDED, USEFUL, Facts
from handlers.doctor.findings import report
from handlers.doctor.lines import MAX_BYTES, LineReader
from handlers.doctor.visit import TOLD, Visit
from handlers.errors import ErrorKind, RemoteCommandError

if TYPE_CHECKING:
    from handlers.api import ResolvedTarget, Target
    from handlers.checkup import Checkup, Rights
    from handlers.pool import Place, Pool
    from handlers.transports.base import ExecStream

PROBE_SECONDS = 30.0
"""For what the probe does after its first word; usually two seconds at most, one of them to wait for PID 1."""

ROUNDS = 5
"""Messages that are sent to and fro: the fastest of a few is what the way takes, the others had to wait."""

_CAN_NOT_ASK = frozenset({ErrorKind.FORBIDDEN, ErrorKind.NOT_SUPPORTED, ErrorKind.TARGET_NOT_FOUND})
"""An API server that has no access reviews, or a proxy that does not let them through."""


async def examine(pool: Pool, target: Target) -> Checkup:
    """Look at a target and report.

    Raises:
        RemoteCommandError: for what is no finding, as a pod that is not there or an API server that can't be reached.
    """
    visit = Visit(target)
    try:
        visit.rights = await _rights(pool, target)
        place = await pool.place(target, "")
        visit.target = place.target
        await _look(pool, place, visit)
    except RemoteCommandError as error:
        if error.kind not in TOLD:
            raise
        visit.failure = error
    return report(visit)


async def _rights(pool: Pool, target: Target) -> Rights | None:
    try:
        return await pool.rights(target)
    except RemoteCommandError as error:
        if error.kind not in _CAN_NOT_ASK:
            raise
        return None


async def _look(pool: Pool, place: Place, visit: Visit) -> None:
    began = time.monotonic()
    stream = await pool.exec(place)
    visit.is_open, visit.protocol = True, stream.protocol
    try:
        await _Probing(stream, place.target, visit, began).run()
    finally:
        await stream.close()


def probe_line(nonce: str) -> bytes:
    """What the exec's shell is sent: the agent's functions, without the call that makes it an agent, and the probe."""
    agent = agent_text().removesuffix("\nagent")
    probe = bootstrap.strip(importlib.resources.files("handlers.doctor").joinpath("probe.sh").read_text("ascii"))
    settings = f"probe_tools='{' '.join((*NEEDED, *USEFUL))}' probe_rounds={ROUNDS}"
    text = f"{agent}\n{settings}\n{probe}"
    return bootstrap.bootstrap_line(text, nonce=nonce, owner="doctor", watchdog_seconds=WATCHDOG_SECONDS)


class _Probing:
    """One probe that is under way; what it says goes into the visit."""

    def __init__(
        self,
        stream: ExecStream,
        target: ResolvedTarget,
        visit: Visit,
        began: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stream = stream
        self._target = target
        self._visit = visit
        self._clock = clock
        self._began = began
        self._sent_at = 0.0
        self._facts = Facts()
        self._complaint = b""

    async def run(self) -> None:
        """Send the probe and listen to its end.

        Raises:
            RemoteCommandError: it ended or time was up before what matters was known.
        """
        nonce = secrets.token_hex(8)
        try:
            async with asyncio.timeout(OPEN_SECONDS + PROBE_SECONDS):
                await self._send(probe_line(nonce))
                await self._listen(LineReader(nonce))
        except TimeoutError as error:
            if not self._facts.checked:
                raise explain.no_hello(self._target) from error
        if not self._facts.checked:
            complaint = self._complaint.decode("utf-8", "replace")
            raise explain.end_before_hello(AgentMissing(self._stream.end, complaint), self._target)
        self._visit.facts = self._facts

    async def _listen(self, lines: LineReader) -> None:
        noise = 0
        while not self._facts.ended and not lines.is_full and noise < MAX_BYTES:
            received = await self._stream.receive()
            if received is None:
                return
            stream, data = received
            if stream is Stream.STDERR:
                self._complaint = (self._complaint + data)[:2048]
                noise += len(data)
                continue
            for key, rest in lines.feed(data):
                await self._take(key, rest)

    async def _take(self, key: str, rest: str) -> None:
        now = time.monotonic()
        if key == "ready" and self._visit.exec_seconds is None:
            self._visit.exec_seconds = now - self._began
            await self._ask()
        elif key == "pong":
            took, best = now - self._sent_at, self._visit.round_trip_seconds
            self._visit.round_trip_seconds = took if best is None else min(took, best)
            await self._ask()
        elif key == "clock":
            self._visit.clock_at = self._clock() - (self._visit.round_trip_seconds or 0) / 2
        self._facts.take(key, rest)

    async def _ask(self) -> None:
        """Send a line for the next round. The probe reads so many and no more; one too many does no harm."""
        self._sent_at = time.monotonic()
        await self._send(b"\n")

    async def _send(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the stream's end says why
            await self._stream.write(data)
