"""Values as people read them: ages, sizes, rows of a table, sentences. Pure.

Whatever comes from a container may hold control characters, and a terminal obeys them; `printable` takes them out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rpc_cli import targets

if TYPE_CHECKING:
    from rpc_server import messages, results

HEADER = ("ID", "STATUS", "PID", "AGE", "EXIT", "OUTPUT", "COMMAND")
POD_HEADER = ("POD", "READY", "STATUS", "AGE", "CONTAINERS", "CAN'T BE USED BECAUSE")
NAMESPACE_HEADER = ("NAMESPACE", "CURRENT")
CONTEXT_HEADER = ("CONTEXT", "NAMESPACE", "CURRENT")
NOTHING = "–"  # noqa: RUF001  # an en dash, where there is nothing to show
LIVE = frozenset({"starting", "running"})

_SIZE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def printable(text: str) -> str:
    """A text on one line, without control characters."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "·" for c in text).strip()


def age(milliseconds: float) -> str:
    """How long ago, in its largest unit: 0s, 59s, 3m, 2h, 5d. A clock that runs behind makes it 0s."""
    seconds = max(0, int(milliseconds // 1000))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def size(count: int) -> str:
    """Bytes in three digits or so: 0 B, 999 B, 1.1 MiB, 14 KiB."""
    value = float(count)
    for unit in _SIZE_UNITS:
        if value < 999.5 or unit == _SIZE_UNITS[-1]:
            break
        value /= 1024
    return f"{value:.1f} {unit}" if unit != "B" and value < 9.95 else f"{value:.0f} {unit}"


def elapsed(milliseconds: int) -> str:
    """How long something took: 45 ms, 0.2 s."""
    if milliseconds < 100:
        return f"{milliseconds} ms"
    return f"{milliseconds / 1000:.1f} s"


def count(number: int, thing: str, things: str | None = None) -> str:
    """A number of things: 1 process, 4 processes."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def row(process: results.Process, now: int) -> tuple[str, ...]:
    """One line of `ps`; `now` is in milliseconds since the epoch."""
    written = None if process.offsets is None else process.offsets.stdout + process.offsets.stderr
    is_live = process.status in LIVE
    return (
        printable(process.id),
        printable(process.status),
        str(process.pid) if is_live and process.pid is not None else NOTHING,
        NOTHING if process.started_at is None else age(now - process.started_at),
        ending(process),
        NOTHING if written is None else size(written),
        printable(process.command or "") or NOTHING,
    )


def inventory(page: results.TargetsResult, now: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and lines of `targets`; `now` is in milliseconds since the epoch."""
    if page.contexts is not None:
        return CONTEXT_HEADER, [
            (printable(c.name), printable(c.namespace or "") or NOTHING, "*" if c.current else "")
            for c in page.contexts
        ]
    if page.namespaces is not None:
        return NAMESPACE_HEADER, [(printable(n.name), "*" if n.current else "") for n in page.namespaces]
    return POD_HEADER, [_pod_row(pod, now) for pod in page.pods or ()]


def _pod_row(pod: results.PodEntry, now: int) -> tuple[str, ...]:
    ready = sum(container.ready for container in pod.containers if container.role is None)
    ordinary = sum(container.role is None for container in pod.containers)
    return (
        printable(pod.pod_name),
        f"{ready}/{ordinary}",
        printable(pod.phase).lower() or NOTHING,
        NOTHING if pod.created_at is None else age(now - pod.created_at),
        ",".join(_container_word(c, pod.default_container) for c in pod.containers) or NOTHING,
        printable(pod.reason or "") or NOTHING,
    )


def _container_word(container: results.ContainerEntry, default: str) -> str:
    return printable(container.container_name) + ("*" if container.container_name == default else "")


def ending(process: results.Process) -> str:
    """How a run ended, in a word: its exit status, the signal that was sent, or why there is neither."""
    if process.status in LIVE:
        return NOTHING
    if process.signal is not None:
        return printable(process.signal)
    if process.exit_code is not None:
        return str(process.exit_code)
    return printable(process.reason or "") or NOTHING


def plain_table(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns for a pipe; the last one is as long as it is."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in rows)
    return "".join(line.rstrip() + "\n" for line in lines)


def details(process: results.Process, now: int) -> list[tuple[str, str]]:
    """What `status` shows, as labels and values."""
    found = [("status", _state(process))]
    if process.started_at is not None:
        found.append(("started", f"{_clock(process.started_at)} ({age(now - process.started_at)} ago)"))
    if process.ended_at is not None:
        found.append(("ended", f"{_clock(process.ended_at)} ({age(now - process.ended_at)} ago)"))
    if process.offsets is not None:
        found.append(("output", f"{size(process.offsets.stdout)} stdout, {size(process.offsets.stderr)} stderr"))
    if process.command is not None:
        found.append(("command", printable(process.command)))
    if process.run_id is not None:
        found.append(("run", printable(process.run_id)))
    return [("id", printable(process.id)), *found]


def _state(process: results.Process) -> str:
    if process.state == "absent":
        return "unknown: never started here, or gone with its container"
    if process.status in LIVE:
        state = printable(process.state)
        return state if process.pid is None else f"{state}, pid {process.pid}"
    how = f"exit status {process.exit_code}" if process.exit_code is not None else printable(process.reason or "")
    by = ", at its time limit" if process.reason == "timeout" else ""
    if process.signal:
        by = f", by {printable(process.signal)}"
    return f"{printable(process.status)}, {how or printable(process.state)}{by}"


def _clock(milliseconds: int) -> str:
    """A time; what is beyond the calendar (a container's clock may say anything) as the number that it is."""
    try:
        return dt.datetime.fromtimestamp(milliseconds / 1000).astimezone().isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds} ms after 1970"


def place(resolved: results.ResolvedTarget, asked: messages.Target) -> str:
    """Where a run is, for a line on the terminal: api-7d9f/app, or the target as it was asked for."""
    if resolved.pod_name and resolved.container_name:
        return printable(f"{resolved.pod_name}/{resolved.container_name}")
    return targets.describe(asked)


def sentence(message: str, *, capital: bool = False) -> str:
    """A message of the server on one line; after "remotecmd: " it begins in lower case, but for a name."""
    text = printable(message)
    first, space, rest = text.partition(" ")
    if not capital and first.isalpha() and first[1:].islower() and first != "Kubernetes":
        text = first.lower() + space + rest
    return text
