"""What a command of a devfile comes down to: steps, one after the other or at the same time. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from rpc_cli.formats import printable

if TYPE_CHECKING:
    from rpc_server import messages, results


class PlanError(ValueError):
    """The command can't be run; the message says why and what to do."""


@attrs.frozen(kw_only=True)
class Step:
    """One command in the container of one component."""

    component: str
    definition: messages.Definition


@attrs.frozen(kw_only=True)
class Sequence:
    """One after the other; the first that fails is the last."""

    parts: tuple[Plan, ...]


@attrs.frozen(kw_only=True)
class Parallel:
    """All at the same time."""

    parts: tuple[Plan, ...]


Plan = Step | Sequence | Parallel


def make(found: results.DevfileResult, name: str) -> Plan:
    """What to do for a command. Raises PlanError before anything is run."""
    commands = {command.id: command for command in found.commands}
    if name not in commands:
        close = difflib.get_close_matches(name, commands, 1)
        there = f'did you mean "{close[0]}"?' if close else f"there are: {', '.join(commands) or 'none'}"
        raise PlanError(f'there is no command "{printable(name)}" in the devfile; {there}')
    return _plan(found, commands, name)


def _plan(found: results.DevfileResult, commands: Mapping[str, results.DevfileCommand], name: str) -> Plan:
    command = commands.get(name)
    if command is None or (command.kind == "exec" and (command.definition is None or command.component is None)):
        why = [f"{part.path}: {part.what}" for part in found.not_supported if f'"{name}"' in part.what]
        raise PlanError(f'the command "{printable(name)}" can\'t be run: {printable("; ".join(why) or "see the list")}')
    if command.definition is not None and command.component is not None:
        return Step(component=command.component, definition=command.definition)
    parts = tuple(_plan(found, commands, part) for part in command.commands or ())
    return Parallel(parts=parts) if command.parallel else Sequence(parts=parts)


def steps(plan: Plan) -> Iterator[Step]:
    """All that is run, in the order of the file."""
    if isinstance(plan, Step):
        yield plan
    else:
        for part in plan.parts:
            yield from steps(part)


def has_parallel(plan: Plan) -> bool:
    """Whether two steps may run at the same time."""
    if isinstance(plan, Step):
        return False
    return (isinstance(plan, Parallel) and len(plan.parts) > 1) or any(has_parallel(part) for part in plan.parts)
