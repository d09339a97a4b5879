"""From definitions to launches.

The order is what `handlers.runs` carries out; the hash is that by which definitions are compared.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import shlex
from typing import TYPE_CHECKING

from handlers.agent import codec
from handlers.api import Definition, ExecRequest, StartOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

EXEC_PREFIX = "_"
"""Begins the ids of exec's own runs; no user's id can, so they are never listed."""

MAX_SPOOL_LIMIT_KIB = 1 << 30
"""1 TiB: more than a container has, and mksh can still add up two of them in its 32 bits."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that a launch needs.

    Attributes:
        is_named: the client chose the run id, so a run of that id is looked for first.
        takes_input: its stdin can be written; without it the command reads EOF.
        spec: the script that becomes the command, see `codec.spec_text`.
        is_line: it is run by /bin/sh, so that its exec can't fail.
        title: what it runs, for a person.
        spool_limit_kib: output that is kept; shells may count with 32 bits.
    """

    command_id: str
    run_id: str
    is_named: bool
    spec_hash: str
    spec: str
    is_line: bool
    title: str
    merged: bool
    takes_input: bool
    timeout_seconds: float | None
    grace_seconds: float
    stop_on_disconnect: bool
    spool_limit_kib: int


def from_definition(definition: Definition, options: StartOptions) -> Order:
    """The launch that a definition asks for."""
    run_id = options.run_id or secrets.token_hex(6)
    env_vars = (*definition.env_vars, ("REMOTECMD_RUN_ID", run_id))
    return Order(
        command_id=definition.id,
        run_id=run_id,
        is_named=options.run_id is not None,
        spec_hash=spec_hash(definition),
        spec=codec.spec_text(_argv(definition), working_dir=definition.working_dir, env_vars=env_vars),
        is_line=definition.args is None,
        title=shlex.join(definition.args) if definition.args is not None else definition.cmd_line or "",
        merged=definition.merge_output,
        takes_input=definition.stdin,
        timeout_seconds=options.timeout_seconds,
        grace_seconds=options.grace_period_seconds,
        stop_on_disconnect=options.stop_on_disconnect,
        spool_limit_kib=min(options.spool_limit_bytes >> 10, MAX_SPOOL_LIMIT_KIB),
    )


def from_exec(request: ExecRequest) -> Order:
    """The launch of an exec: like a start, under an id that no user can have."""
    definition = Definition(
        id=EXEC_PREFIX + secrets.token_hex(6),
        cmd_line=request.cmd_line,
        args=request.args,
        working_dir=request.working_dir,
        env_vars=request.env_vars,
        stdin=request.open_stdin or request.stdin is not None,
    )
    options = StartOptions(run_id=request.run_id, timeout_seconds=request.timeout_seconds)
    return from_definition(definition, options)


def _argv(definition: Definition) -> Sequence[str]:
    if definition.args is not None:
        return definition.args
    return ("/bin/sh", "-c", definition.cmd_line or "")


def spec_hash(definition: Definition) -> str:
    """The same for the same definition, whatever its id and directory: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    argv = _argv(definition)
    kind = "cmdLine" if definition.args is None else "args"
    parts = [kind, str(len(argv)), *argv, definition.working_dir]
    parts += [f"{key}={value}" for key, value in definition.env_vars]
    parts.append(str(definition.merge_output))
    parts += ["stdin"] * definition.stdin
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]
