"""What every transport offers: open one program in a container and talk to its three streams.

Nothing above knows which transport it has; the contract suite (`tests/contract/`) runs unchanged over all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from handlers.api import ResolvedTarget, Stream, Target

if TYPE_CHECKING:
    from handlers.checkup import Rights
    from handlers.inventory import Inquiry, Inventory

T_contra = TypeVar("T_contra", bound=Target, contravariant=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Exited:
    """The program ran and ended; `code` is its exit status (128+n for a signal where the runtime says so)."""

    code: int


@dataclasses.dataclass(frozen=True, slots=True)
class StartFailed:
    """The program never ran; `shell_missing` when there is no such executable in the image."""

    message: str
    shell_missing: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """The stream broke before an end was reported; what became of the program is not known from here."""

    detail: str


StreamEnd = Exited | StartFailed | Cut


class ExecStream(Protocol):
    """A program running in a target. One task reads, any task writes (one at a time), any task may close."""

    async def write(self, data: bytes) -> None:
        """Send bytes to stdin; waits while the far side does not take them. Raises BrokenPipeError once it is gone."""

    async def close_stdin(self) -> None:
        """Half-close: the program reads EOF, its output still arrives. Harmless when repeated.

        Kubernetes' v4 subprotocol has no half-close: there the program reads EOF only when the stream is closed.
        """

    async def receive(self) -> tuple[Stream, bytes] | None:
        """The next bytes of either stream (never empty), or None once the end is known."""

    @property
    def end(self) -> StreamEnd | None:
        """How it ended; None until `receive` returned None."""

    @property
    def protocol(self) -> str:
        """What is spoken on the way, where there is more than one version of it; else empty."""

    async def close(self) -> None:
        """Drop the stream now; harmless when repeated. What runs in the target is not waited for."""


class Transport(Protocol, Generic[T_contra]):
    """One way to reach targets of one kind. All methods raise `handlers.errors.RemoteCommandError` only."""

    async def inventory(self, inquiry: Inquiry) -> Inventory:
        """A page of what there is to choose from."""

    async def rights(self, target: T_contra) -> Rights | None:
        """What the user may do that matters for a target; None where nobody has to be asked."""

    async def resolve(self, target: T_contra) -> ResolvedTarget:
        """Find the one container that is meant and pin it."""

    async def open(self, target: ResolvedTarget, argv: Sequence[str], *, tty: bool = False) -> ExecStream:
        """Start `argv` in the container; no value of the user's may be in it (it lands in audit logs)."""

    async def close(self) -> None:
        """Release sessions; open streams are dropped."""
