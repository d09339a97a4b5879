"""What one call of `remotecmd` carries from its options to its work: the screen, the server, the target.

Must not know: any subcommand.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import TYPE_CHECKING, TypeVar

import attrs
import click

from rpc_cli.screen import Screen
from rpc_client.client import SERVER, Client

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AbstractAsyncContextManager

T = TypeVar("T")

TARGET_VARIABLE = "REMOTECMD_TARGET"
"""The target where none is given."""


@attrs.define(slots=False)
class Context:
    """Of one call.

    Attributes:
        as_json: print the wire's objects.
        colour: auto, always or never.
        log_level: of the server.
        log_file: of the server.
        place: the target as it was written, for hints.
    """

    as_json: bool = False
    colour: str = "auto"
    log_level: str = "error"
    log_file: str | None = None
    place: str = "TARGET"

    @functools.cached_property
    def screen(self) -> Screen:
        """Made when all options are known."""
        return Screen(self.colour, as_json=self.as_json)

    def connect(self) -> AbstractAsyncContextManager[Client]:
        """Start a server. Its warnings reach people through notifications, so its log says errors unless asked."""
        log_file = [] if self.log_file is None else ["--log-file", self.log_file]
        return Client.spawn(*SERVER, "--log-level", self.log_level, *log_file)

    def run(self, work: Coroutine[None, None, T]) -> T:
        """Do the work of a subcommand."""
        return asyncio.run(work)


pass_context = click.make_pass_decorator(Context)


def give_up_stdout() -> None:
    """Point stdout away from a pipe that nobody reads, so that Python's own flush at exit finds no fault."""
    import os  # noqa: PLC0415  # the rare way out

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    if sys.stdout is not None:
        sys.stdout.flush()
