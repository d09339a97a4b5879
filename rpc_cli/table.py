"""A table on a terminal, by rich: as wide as the terminal, coloured, with what is too long cut in the last column."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text


def render(
    header: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[str, str], *, coloured: bool, width: int = 0
) -> str:
    """The table as text, with escape sequences if `coloured`.

    Args:
        header: titles of the columns.
        rows: their cells.
        styles: colours of cells that hold these words.
        coloured: whether to use them.
        width: of the terminal; its real one when left out.
    """
    width = width or shutil.get_terminal_size().columns
    table = Table(*header, box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    room = width
    for column in list(zip(header, *rows, strict=True))[:-1]:
        room -= 2 + max(cell_len(cell) for cell in column)
    for *cells, last in rows:
        cut = Text(last)  # by us: rich would narrow every column for the sake of a long one
        cut.truncate(max(room, len(header[-1])), overflow="ellipsis")
        table.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in cells), cut)
    lines = io.StringIO()
    console = Console(
        file=lines,
        width=width,
        force_terminal=coloured,
        color_system="standard" if coloured else None,
        highlight=False,
        no_color=not coloured,
        legacy_windows=False,
    )
    console.print(table)
    return "".join(line.rstrip() + "\n" for line in lines.getvalue().splitlines())
