"""What an examination of a target tells: findings with remedies, and how commands can be supervised there. Pure data.

Also what the user may do in a cluster, as transports find it out. Must not know: how anything is found out, JSON.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.api import ResolvedTarget


class Level(enum.StrEnum):
    """How bad a finding is."""

    OK = "ok"
    """As it should be."""
    INFO = "info"
    """Good to know; nothing has to be done."""
    WARNING = "warning"
    """Commands can be run, and something will go wrong with some of them, or soon."""
    ERROR = "error"
    """Commands can't be supervised there."""


class Check(enum.StrEnum):
    """What a finding is about."""

    TARGET = "target"
    """Which container it is, and whether it runs."""
    PERMISSIONS = "permissions"
    """What the user may do in the cluster; Kubernetes only."""
    WEB_SOCKET = "webSocket"
    """The version of the exec protocol; Kubernetes only."""
    ROUND_TRIP = "roundTrip"
    """How long an exec takes to open, and a message to come back."""
    CLOCK = "clock"
    """How far the container's clock is off that of the server."""
    SHELL = "shell"
    """/bin/sh: which it is, and whether it can run the agent."""
    TOOLS = "tools"
    """The tools that supervising takes, and whose they are."""
    PROC = "proc"
    """Whether /proc can be read."""
    STORAGE = "storage"
    """Directories for records and output, and the room in them."""
    ROOT_FILESYSTEM = "rootFilesystem"
    """Whether the root of the file system is read-only."""
    USER = "user"
    """Whose rights commands have."""
    MEMORY = "memory"
    """The limit of memory, and what is left."""
    PROCESSES = "processes"
    """The limit of processes, and what is left."""
    REAPING = "reaping"
    """Whether PID 1 takes note of orphans that end."""
    COSTS = "costs"
    """What a command takes there besides itself."""
    MODE = "mode"
    """How commands can be run there, and why."""


class Mode(enum.StrEnum):
    """How commands can be run in a target."""

    SUPERVISED = "supervised"
    """They outlive the connection, and every byte of their output is kept for whoever attaches."""
    REFUSED = "refused"
    """They can't: the findings of level error say why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. A `remedy` may have several lines, as YAML to copy has."""

    check: Check
    level: Level
    detail: str
    remedy: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Checkup:
    """Answer to an examination; the target is None when the container could not be found out."""

    target: ResolvedTarget | None
    mode: Mode
    findings: tuple[Finding, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Right:
    """A verb on a resource, as RBAC names them ("pods/exec", "deployments"); `name` is of one object, or empty.

    Attributes:
        is_needed: whether commands can't be run in the target without it; else it is only convenient.
    """

    verb: str
    resource: str
    is_needed: bool
    group: str = ""
    name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Rights:
    """What a user may do and what not; `place` is the namespace and context, in words."""

    place: str
    held: tuple[Right, ...]
    missing: tuple[Right, ...]
