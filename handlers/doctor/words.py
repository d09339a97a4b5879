"""Amounts in words. Pure."""

from __future__ import annotations

_UNITS = ("KiB", "MiB", "GiB", "TiB")


def size(kib: float) -> str:
    """An amount of bytes, given in KiB: 0 KiB, 4.0 MiB, 128 MiB."""
    value, step = float(kib), 0
    while value >= 1023.5 and step < len(_UNITS) - 1:
        value, step = value / 1024, step + 1
    unit = _UNITS[step]
    return f"{value:.1f} {unit}" if unit != "KiB" and value < 9.95 else f"{value:.0f} {unit}"


def milliseconds(time: float) -> str:
    """A short time, given in seconds: 0.4 ms, 45 ms, 1,200 ms."""
    value = time * 1000
    return f"{value:.1f} ms" if value < 9.95 else f"{value:,.0f} ms"


def seconds(time: float) -> str:
    """A longer time, given in seconds, in its largest unit: 5 s, 3 min, 2 h, 4 d."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if time >= 2 * length:
            return f"{time / length:.0f} {unit}"
    return f"{time:.0f} s"


def plural(count: int, thing: str, things: str | None = None) -> str:
    """A number of things: 1 process, 4 processes."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"
