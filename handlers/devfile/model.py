"""What a devfile comes down to here: commands that can be run, and what is named because it can't be.

Pure data. Must not know: YAML, where the file is.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.api import Definition


class GroupKind(enum.StrEnum):
    """What a command is for."""

    BUILD = "build"
    """It builds."""
    RUN = "run"
    """It runs what was built."""
    TEST = "test"
    """It tests."""
    DEBUG = "debug"
    """It runs with a debugger."""
    DEPLOY = "deploy"
    """It deploys."""


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """The group of a command; of a kind at most one command is the default."""

    kind: GroupKind
    is_default: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecCommand:
    """A command that runs in the container of a component.

    Attributes:
        definition: what to run; None if this file alone does not tell it, and then `not_supported` says why.
    """

    id: str
    group: Group | None
    component: str
    hot_reload_capable: bool | None
    definition: Definition | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CompositeCommand:
    """A command that runs others, at once or one after the other; they may be ones that are not supported."""

    id: str
    group: Group | None
    parallel: bool
    commands: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class NotSupported:
    """A part of the devfile that has no effect here: where it is, as in commands[2].apply, and what it is."""

    path: str
    what: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Devfile:
    """A devfile that was read."""

    schema_version: str
    name: str | None
    commands: tuple[ExecCommand | CompositeCommand, ...]
    not_supported: tuple[NotSupported, ...]
