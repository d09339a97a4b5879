"""What was seen at a visit to a target: as much as could be had. Pure data, from which findings are made."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from handlers.errors import ErrorKind

if TYPE_CHECKING:
    from handlers.api import ResolvedTarget, Target
    from handlers.checkup import Rights
    from handlers.doctor.facts import Facts
    from handlers.errors import RemoteCommandError

TOLD = frozenset({ErrorKind.FORBIDDEN, ErrorKind.TARGET_NOT_RUNNING, ErrorKind.SHELL_MISSING, ErrorKind.PROCESS_LIMIT})
"""Failures that are what somebody asks a doctor about: they become findings. Any other is an error as elsewhere."""


@dataclasses.dataclass(slots=True)
class Visit:
    """Of one target.

    Attributes:
        asked: the target, as it was asked for.
        target: the container that it is, once that is known.
        rights: what the user may do; None where there are no such rights, or they could not be asked for.
        failure: why no more could be seen; one of TOLD.
        is_open: whether an exec was opened; a shell need not have come of it.
        protocol: of the exec; empty where there is only one.
        exec_seconds: from asking for an exec to the first word of its shell.
        round_trip_seconds: from a line on its stdin to the answer; the shortest of some.
        clock_at: when the container told its clock, in seconds since the epoch by ours.
        facts: what the probe said; None if it said nothing.
    """

    asked: Target
    target: ResolvedTarget | None = None
    rights: Rights | None = None
    failure: RemoteCommandError | None = None
    is_open: bool = False
    protocol: str = ""
    exec_seconds: float | None = None
    round_trip_seconds: float | None = None
    clock_at: float | None = None
    facts: Facts | None = None
