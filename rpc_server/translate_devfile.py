"""Devfiles to the wire; as `rpc_server.translate`, and part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.devfile import model
from rpc_server import messages, results

if TYPE_CHECKING:
    from handlers import api


def devfile_to_wire(found: model.Devfile) -> results.DevfileResult:
    """What is not known is left out."""
    return results.DevfileResult(
        schema_version=found.schema_version,
        name=found.name,
        commands=tuple(_devfile_command_to_wire(command) for command in found.commands),
        not_supported=tuple(
            results.DevfileNotSupported(path=part.path, what=part.what) for part in found.not_supported
        ),
    )


def _devfile_command_to_wire(command: model.ExecCommand | model.CompositeCommand) -> results.DevfileCommand:
    group = None
    if command.group is not None:
        group = results.DevfileGroup(kind=command.group.kind.value, is_default=command.group.is_default)
    match command:
        case model.ExecCommand():
            return results.DevfileCommand(
                id=command.id,
                kind="exec",
                group=group,
                component=command.component,
                hot_reload_capable=command.hot_reload_capable,
                definition=None if command.definition is None else _definition_to_wire(command.definition),
            )
        case model.CompositeCommand():
            return results.DevfileCommand(
                id=command.id, kind="composite", group=group, parallel=command.parallel, commands=command.commands
            )


def _definition_to_wire(definition: api.Definition) -> messages.Definition:
    return messages.Definition(
        id=definition.id,
        cmd_line=definition.cmd_line,
        args=definition.args,
        pid_directory=definition.pid_directory or None,
        working_dir=definition.working_dir or None,
        env_vars=tuple(messages.EnvVar(key=key, value=value) for key, value in definition.env_vars) or None,
        merge_output=definition.merge_output or None,
    )
