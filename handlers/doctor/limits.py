"""Findings about what a container may use: memory, processes, and who takes note of orphans that end. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.checkup import Check, Finding, Level
from handlers.doctor.storage import COMMAND_PROCESSES
from handlers.doctor.words import plural, size
from handlers.errors import ErrorKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.doctor.facts import Quota
    from handlers.doctor.visit import Visit

LOW_MEMORY_BYTES = 32 << 20
"""With less, a shell script with a few tools may be killed for it."""

LOW_PROCESSES = 10 * COMMAND_PROCESSES
"""With fewer, not even ten commands can be started."""

AGENT_PROCESSES = 6
"""What an agent is made of, whatever it supervises."""

MOST_ZOMBIES = 100
"""The probe counts no further."""

UNLIMITED = "No limit is set that can be seen from within."


def _tightest(quotas: Sequence[Quota]) -> Quota | None:
    """Of limits that all hold, the one of which least is left."""
    return min((quota for quota in quotas if quota.limit is not None), key=lambda quota: quota.left or 0, default=None)


def memory(visit: Visit) -> Finding | None:
    """What is left of the limit of memory."""
    if visit.facts is None:
        return None
    quota = _tightest(visit.facts.memory)
    if quota is None or quota.limit is None or quota.left is None:
        return Finding(Check.MEMORY, Level.OK, UNLIMITED)
    detail = f"{size(quota.left / 1024)} of the limit of {size(quota.limit / 1024)} are left."
    if quota.left >= LOW_MEMORY_BYTES:
        return Finding(Check.MEMORY, Level.OK, detail)
    detail += " A command that takes more is killed, or the container with it."
    return Finding(Check.MEMORY, Level.WARNING, detail, "Raise resources.limits.memory of the container.")


def processes(visit: Visit) -> Finding | None:
    """What is left of the limit of processes."""
    remedy = "Stop something there, or raise the limit: podPidsLimit of the kubelet, --pids-limit of a local engine."
    failure = visit.failure
    if failure is not None and failure.kind is ErrorKind.PROCESS_LIMIT:
        return Finding(Check.PROCESSES, Level.ERROR, failure.message, failure.remedy or remedy)
    if visit.facts is None:
        return None
    quota = _tightest(visit.facts.pids)
    if quota is None or quota.limit is None or quota.left is None:
        return Finding(Check.PROCESSES, Level.OK, UNLIMITED)
    more = max(0, quota.left - AGENT_PROCESSES) // (COMMAND_PROCESSES + 1)
    detail = f"{plural(quota.limit, 'process is', 'processes are')} permitted and {quota.left:,} of them left"
    detail += f": enough for about {plural(more, 'command')}."
    if quota.left >= LOW_PROCESSES:
        return Finding(Check.PROCESSES, Level.OK, detail)
    return Finding(Check.PROCESSES, Level.WARNING, detail, remedy)


def reaping(visit: Visit) -> Finding | None:
    """Whether PID 1 takes note of orphans that end, so that no zombies pile up."""
    facts = visit.facts
    if facts is None or not facts.reaping:
        return None
    init = f"PID 1 ({facts.init or 'unknown'})"
    if facts.reaping == "ignored":
        return Finding(Check.REAPING, Level.OK, f"{init} ignores SIGCHLD: the kernel removes orphans that have ended.")
    if facts.reaping == "yes":
        return Finding(Check.REAPING, Level.OK, f"{init} takes note of orphans that have ended.")
    zombies = plural(facts.zombies, "zombie") + (" or more" if facts.zombies >= MOST_ZOMBIES else "")
    detail = (
        f"{init} took no note within 1 s of an orphan that had ended ({zombies} there). "
        "Commands that leave processes behind, and agents that commands outlive, leave one more each."
    )
    is_limited = _tightest(facts.pids) is not None
    if is_limited:
        detail += " They count against the limit of processes."
    remedy = "Use an image with an init such as tini as its entry point, or set shareProcessNamespace of the pod."
    return Finding(Check.REAPING, Level.WARNING if is_limited else Level.INFO, detail, remedy)
