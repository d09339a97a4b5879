"""Failures in words: what happened, to what, and what to do. Pure; one function for each thing that can go wrong.

What a container says is untrusted: it is quoted with a bound. No value of a definition is quoted, except ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.orders import EXEC_PREFIX
from handlers.transports.base import Cut, Exited, StartFailed

if TYPE_CHECKING:
    from handlers.agent.channel import AgentMissing
    from handlers.agent.codec import Refused
    from handlers.api import Process, ResolvedTarget

_START_FAILURES = {
    "workingDirNotFound": "its working directory does not exist",
    "workingDirNotADirectory": "its working directory is not a directory",
    "executableNotFound": "there is no such executable",
    "permissionDenied": "permission was denied",
    "argumentListTooLong": "its arguments and environment together are longer than the kernel takes",
    "processLimit": "the limit of processes is reached",
    "launchFailed": "its launcher failed; what it said is in the standard error of the run",
    "noRecord": "nothing was heard of it",
}


def _where(target: ResolvedTarget) -> str:
    if not target.container_name:
        return "this machine"
    context = f", context {target.context}" if target.context else ""
    return f'container "{target.container_name}" of pod {target.pod_name} (namespace {target.namespace}{context})'


def refusal(refused: Refused, target: ResolvedTarget, *, directory_given: bool) -> RemoteCommandError:
    """The agent is there and lacks something."""
    here = _where(target)
    match refused.what, refused.detail:
        case "tool", tool:
            return RemoteCommandError(
                ErrorKind.TOOL_MISSING,
                f"There is no {tool[:20]} in {here}, and supervising a command needs it.",
                remedy="Use an image with coreutils, util-linux and findutils (or busybox).",
            )
        case "shell", what:
            return RemoteCommandError(
                ErrorKind.SHELL_MISSING,
                f"/bin/sh in {here} can't run the agent: its {what[:20]} does not do what POSIX asks.",
                remedy="Use an image whose /bin/sh is dash, busybox ash, bash or mksh.",
            )
        case "storage", "full":
            return storage_full()
        case "storage", _:
            where = "pidDirectory" if directory_given else "the directories for temporary files and $HOME"
            return RemoteCommandError(
                ErrorKind.STORAGE_UNAVAILABLE,
                f"Nothing can be written in {here}: {where} can't be used, or what is there is somebody else's.",
                remedy="Mount a writable volume (an emptyDir is enough) and name it as pidDirectory.",
            )
        case _:
            return RemoteCommandError(
                ErrorKind.NOT_SUPPORTED, f"There is no readable /proc in {here}, and supervising a command needs it."
            )


def end_before_hello(error: AgentMissing, target: ResolvedTarget) -> RemoteCommandError:
    """The exec ended before the agent was there: why, from how it ended and what the shell complained of."""
    where = _where(target)
    complaint = error.complaint.lower()
    if "fork" in complaint or "resource temporarily unavailable" in complaint:
        return RemoteCommandError(
            ErrorKind.PROCESS_LIMIT,
            f"No process can be started in {where}: its limit is reached. Stop something there, or raise the limit.",
            retryable=True,
        )
    if isinstance(error.end, Exited):
        return _shell_ended(error.end.code, where)
    if isinstance(error.end, StartFailed):
        return _not_started(error.end, where)
    detail = error.end.detail if isinstance(error.end, Cut) else "it was closed"
    return RemoteCommandError(
        ErrorKind.UNREACHABLE, f"The connection to {where} broke while it was set up: {detail[:300]}.", retryable=True
    )


def _not_started(end: StartFailed, where: str) -> RemoteCommandError:
    if end.shell_missing:
        return RemoteCommandError(
            ErrorKind.SHELL_MISSING,
            f"The image of {where} has no /bin/sh, the one thing that remotecmd needs in a container.",
            remedy="Use an image with a shell, or add a debug container (kubectl debug) and target that.",
        )
    return RemoteCommandError(
        ErrorKind.TARGET_NOT_RUNNING, f"/bin/sh could not be started in {where}: {end.message[:300]}", retryable=True
    )


def _shell_ended(code: int, where: str) -> RemoteCommandError:
    if code == 137:
        return RemoteCommandError(
            ErrorKind.TARGET_NOT_RUNNING,
            f"The shell in {where} was killed at once: the container may be ending, or short of memory.",
            retryable=True,
        )
    return RemoteCommandError(
        ErrorKind.SHELL_MISSING, f"/bin/sh in {where} can't run the agent: it ended with status {code} at once."
    )


def no_hello(target: ResolvedTarget) -> RemoteCommandError:
    """The exec stands and says nothing."""
    return RemoteCommandError(
        ErrorKind.TIMEOUT,
        f"/bin/sh in {_where(target)} did not answer in time. It may be overloaded; try again.",
        retryable=True,
    )


def lost() -> RemoteCommandError:
    """The channel was lost more often than is worth retrying."""
    return _broke(". What was asked may or may not have been done; ask for the status.")


def _broke(what: str, run_id: str | None = None) -> RemoteCommandError:
    return RemoteCommandError(
        ErrorKind.UNREACHABLE, "The connection to the container broke" + what, retryable=True, run_id=run_id
    )


def start_unknown(run_id: str) -> RemoteCommandError:
    """The connection went before the answer to a launch came."""
    return _broke(
        " before it was known whether the command started. Ask again with the "
        f'runId "{run_id}": the run that was begun comes back, never a second one.',
        run_id,
    )


def exec_unknown() -> RemoteCommandError:
    """The same for an exec, which can't be asked for again: what it began is stopped once that is possible."""
    return _broke(
        " before it was known whether the command started. It may have run in "
        "part; what is left of it is stopped when the container can be reached."
    )


def signal_unknown() -> RemoteCommandError:
    """A signal is not sent twice."""
    return _broke(" while the signal was on its way: it may or may not have been sent.")


_DEAF = {
    "none": "It was started without a stdin that can be written: stdin in its definition, openStdin of an exec.",
    "closed": "Its stdin was closed, by a client or by the command itself.",
    "ended": "It has ended.",
}


def takes_no_input(why: str, written: int) -> RemoteCommandError:
    """A write, or the rest of one, that nobody will read."""
    return RemoteCommandError(
        ErrorKind.STDIN_CLOSED, f"The command takes no more input. {_DEAF[why]}", reason=why, written=written
    )


def no_room_for_input(written: int) -> RemoteCommandError:
    """The disk is full."""
    return RemoteCommandError(
        ErrorKind.STORAGE_FULL,
        "There is no room in the container for what was to be written; data.written says how much has arrived.",
        remedy="Free some space, and write the rest.",
        written=written,
    )


def input_unknown(written: int) -> RemoteCommandError:
    """Nobody can be asked how much of a write has arrived."""
    return RemoteCommandError(
        ErrorKind.UNREACHABLE,
        "The connection to the container broke during a write. At least data.written bytes have arrived, "
        "perhaps some more.",
        written=written,
    )


def broken_record() -> RemoteCommandError:
    """The agent answered with something that is no record."""
    return RemoteCommandError(
        ErrorKind.INTERNAL, "The record of the command in the container can't be read; somebody may have changed it."
    )


def storage_full() -> RemoteCommandError:
    """No room for a command's records."""
    return RemoteCommandError(
        ErrorKind.STORAGE_FULL,
        "There is no room left in the container for the records of a command.",
        remedy="Free some space, or choose another pidDirectory.",
        retryable=True,
    )


def storage_gone() -> RemoteCommandError:
    """The base directory worked when the agent came, and does not any more."""
    return RemoteCommandError(
        ErrorKind.STORAGE_UNAVAILABLE,
        "The records of a command can't be written in the container any more.",
        remedy="Choose a pidDirectory on a writable volume.",
    )


def stop_not_over() -> RemoteCommandError:
    """A stop takes longer than its grace period and a margin."""
    return RemoteCommandError(
        ErrorKind.TIMEOUT,
        "The stop did not end in time; it goes on in the container. Ask for the status to see how it went.",
        retryable=True,
    )


def end_unknown() -> RemoteCommandError:
    """An exec whose record or container went before it was read."""
    return RemoteCommandError(
        ErrorKind.UNREACHABLE, "The command's end is not known: its container or its record is gone."
    )


def exec_timeout(seconds: float) -> RemoteCommandError:
    """An exec that was stopped by its own limit."""
    return RemoteCommandError(ErrorKind.TIMEOUT, f"The command did not end within {seconds:g} s and was stopped.")


def not_found(command_id: str) -> RemoteCommandError:
    """An id that no run has."""
    return RemoteCommandError(
        ErrorKind.COMMAND_NOT_FOUND,
        f'No command "{command_id}" was started in this target. Ask for the status without an id to see what was.',
    )


def no_open_exec(run_id: str) -> RemoteCommandError:
    """A write to an exec that is not there."""
    return RemoteCommandError(
        ErrorKind.COMMAND_NOT_FOUND, f'No exec with the runId "{run_id}" and openStdin is under way on this connection.'
    )


def exec_under_way(run_id: str) -> RemoteCommandError:
    """Two execs of one name."""
    return RemoteCommandError(
        ErrorKind.COMMAND_CONFLICT, f'An exec with the runId "{run_id}" is under way. Give each a runId of its own.'
    )


def expired(command_id: str, stream: str, offset: int, first_offset: int) -> RemoteCommandError:
    """Bytes that are asked for are gone."""
    return RemoteCommandError(
        ErrorKind.OFFSET_EXPIRED,
        f'The bytes of {stream} of command "{command_id}" at offset {offset} are gone; ask from {first_offset} on.',
        first_offset=first_offset,
    )


def still_live(process: Process) -> RemoteCommandError:
    """What is live is not removed."""
    return RemoteCommandError(
        ErrorKind.COMMAND_CONFLICT, f'Command "{process.id}" is live: stop it first.', process=process
    )


def start_failed(process: Process) -> RemoteCommandError:
    """A run that could not start; its record stays."""
    reason = (process.reason or "unknown")[:60]
    who = "The command" if process.id.startswith(EXEC_PREFIX) else f'Command "{process.id}"'
    return RemoteCommandError(
        ErrorKind.START_FAILED,
        f"{who} could not start: {_START_FAILURES.get(reason, reason)}.",
        reason=reason,
        process=process,
    )


def conflict(process: Process, *, is_same: bool, named_twice: bool) -> RemoteCommandError:
    """Another run stands in the way."""
    if named_twice:
        message = f'The runId is taken: it names a run of command "{process.id}" with another id or definition.'
    elif is_same:
        message = f'Command "{process.id}" is live already, and ifExists is "fail".'
    else:
        message = (
            f'Command "{process.id}" is live with another definition. Stop it first, or start with ifExists "replace".'
        )
    return RemoteCommandError(ErrorKind.COMMAND_CONFLICT, message, process=process)
