"""From what was seen at a visit to a report: all findings in their order, and what follows from them. Pure.

A finding of level error is one with which commands can't be supervised; so the mode follows from the findings, and its
reasons are theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.checkup import Check, Checkup, Finding, Level, Mode
from handlers.doctor import access, equipment, limits, storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.doctor.visit import Visit

_LOOKS: tuple[Callable[[Visit], Finding | None], ...] = (
    access.target,
    access.permissions,
    access.web_socket,
    access.round_trip,
    access.clock,
    equipment.shell,
    equipment.tools,
    equipment.proc,
    storage.storage,
    storage.root_filesystem,
    equipment.user,
    limits.memory,
    limits.processes,
    limits.reaping,
    storage.costs,
)
"""In the order of the report: the way there, what is there, what it may use. What could not be seen says nothing."""


def report(visit: Visit) -> Checkup:
    """All findings of a visit."""
    findings = [finding for look in _LOOKS if (finding := look(visit)) is not None]
    wrong = [finding.check.value for finding in findings if finding.level is Level.ERROR]
    if wrong:
        detail = f"Commands can't be supervised there, because of {', '.join(wrong)}."
        mode = Finding(Check.MODE, Level.ERROR, detail, "Follow the remedies of level error, then ask again.")
        return Checkup(visit.target, Mode.REFUSED, (*findings, mode))
    detail = (
        "supervised: shell, tools, /proc and a directory for records are there. So commands outlive the connection "
        "and the server, and whoever attaches gets their output from any byte on."
    )
    return Checkup(visit.target, Mode.SUPERVISED, (*findings, Finding(Check.MODE, Level.OK, detail)))
