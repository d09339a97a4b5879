"""Which container a command was started in, for targets that may mean another one later. Pure.

A selector or a workload is resolved anew for each request, and what it matches changes: a deployment that is scaled up
matches two pods, and after an update another one. A command stays where it is. So whoever started or attached to one
here by such a target reaches it by the same words as long as its container is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.api import KubernetesTarget

if TYPE_CHECKING:
    from handlers.api import ResolvedTarget, Target

MAX_PINS = 4096
"""Of more commands than a server ever starts, those that were pinned first are resolved anew."""

Key = tuple["Target", str, str]


class Pins:
    """Containers by target, base directory and command id."""

    def __init__(self) -> None:
        self._pins: dict[Key, ResolvedTarget] = {}

    def of(self, target: Target, directory: str, command_id: str) -> ResolvedTarget | None:
        """Where the command is, if that is known and the target's words alone don't say it."""
        return self._pins.get((target, directory, command_id))

    def keep(self, target: Target, directory: str, command_id: str, resolved: ResolvedTarget) -> None:
        """Remember it, if the target may mean another container later."""
        if isinstance(target, KubernetesTarget) and not target.pod_name:
            self._pins.pop((target, directory, command_id), None)
            self._pins[target, directory, command_id] = resolved
            if len(self._pins) > MAX_PINS:
                del self._pins[next(iter(self._pins))]

    def drop(self, target: Target, directory: str, command_id: str) -> None:
        """Forget it: the container or the command is gone."""
        self._pins.pop((target, directory, command_id), None)
