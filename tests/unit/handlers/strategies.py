"""What several of these tests draw from: texts that shells trip over, and ways to cut bytes."""

import itertools
from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

NASTY = "'\"\\$`\n\r\t !*?[]{}~#;&|<>()=%-:0n\x01\x1b\x7f\x81\x88\x85é漢😀\u2028"
"""Shell syntax, printf's escapes, bytes with which bash (01, 7F) and dash (81 to 88) mark things inside."""


def texts(exclude: str = "", max_size: int = 30) -> st.SearchStrategy[str]:
    """Any text that a process can be given."""
    nasty = st.sampled_from([character for character in NASTY if character not in exclude])
    anything = st.characters(exclude_categories=["Cs"], exclude_characters="\0" + exclude)
    return st.text(nasty | anything, max_size=max_size)


cuts = st.lists(st.integers(0, 2000), max_size=12)
"""Places at which to cut; those beyond the end are passed over."""


def split(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut at these places; some pieces may be empty."""
    edges = [0, *sorted(place for place in places if place <= len(data)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def ways_to_cut(data: bytes, places: Sequence[int]) -> Iterator[list[bytes]]:
    """Whole, byte by byte, and at these places."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    yield split(data, places)
