"""What goes wrong on a link, drawn from a seed: the same seed draws the same faults. Pure."""

from __future__ import annotations

import dataclasses
import enum
import random
from collections.abc import Iterator


class Direction(enum.StrEnum):
    """As seen from the server under test."""

    UP = "up"
    """Requests."""
    DOWN = "down"
    """Replies and output."""


class Kind(enum.StrEnum):
    """How a connection ends."""

    RESET = "reset"
    """At once, by RST: what is under way in either direction is gone."""
    CLOSE = "close"
    """By FIN: what was passed on arrives."""


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """A connection ends after so many bytes of one direction."""

    direction: Direction
    after: int
    kind: Kind


EARLY_BYTES = 64 * 1024
"""Up to here is TLS, the upgrade, the agent's text and its hello."""

LATE_BYTES = 3 << 20
"""Up to here are windows of output."""

REQUESTS_BYTES = 100 * 1024
"""The agent's text goes up in one piece of some 50 KiB, and then only requests."""


def cuts(seed: object, count: int) -> Iterator[Cut]:
    """So many cuts: a quarter while a connection is made, an eighth in requests, the others in the midst of output.

    Every byte of the first KiBs is as likely as the ones in the MiBs after them are together: hence the logarithms.
    """
    chance = random.Random(str(seed))  # noqa: S311  # a plan that can be repeated is what is wanted
    for _ in range(count):
        kind = chance.choice(list(Kind))
        where = chance.random()
        if where < 1 / 8:
            yield Cut(Direction.UP, _between(chance, 1, REQUESTS_BYTES), kind)
        elif where < 3 / 8:
            yield Cut(Direction.DOWN, _between(chance, 1, EARLY_BYTES), kind)
        else:
            yield Cut(Direction.DOWN, chance.randint(EARLY_BYTES, LATE_BYTES), kind)


def _between(chance: random.Random, first: int, last: int) -> int:
    return round(first * (last / first) ** chance.random())
