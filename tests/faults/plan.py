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

FIRST_REQUESTS_BYTES = 3000
"""After the agent's text, only requests go up, of some hundred bytes each."""


def cuts(seed: object, greeting_bytes: int) -> Iterator[Cut]:
    """Cuts without end: a quarter while a connection is made, an eighth in what goes up, the others in the midst of it.

    Every byte of the first KiBs is as likely as the ones in the MiBs after them are together: hence the logarithms.

    Args:
        seed: the same one draws the same cuts.
        greeting_bytes: about what goes up before the first request.
    """
    chance = random.Random(str(seed))  # noqa: S311  # a plan that can be repeated is what is wanted
    while True:
        kind = chance.choice(list(Kind))
        where = chance.random()
        if where < 1 / 8:
            after = _between(chance, 1, greeting_bytes)
            if chance.random() < 1 / 2:
                after = greeting_bytes + chance.randint(1, FIRST_REQUESTS_BYTES)
            yield Cut(Direction.UP, after, kind)
        elif where < 3 / 8:
            yield Cut(Direction.DOWN, _between(chance, 1, EARLY_BYTES), kind)
        else:
            yield Cut(Direction.DOWN, chance.randint(EARLY_BYTES, LATE_BYTES), kind)


def _between(chance: random.Random, first: int, last: int) -> int:
    return round(first * (last / first) ** chance.random())
