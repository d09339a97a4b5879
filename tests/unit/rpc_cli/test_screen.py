from __future__ import annotations

import io

import pytest

from rpc_cli import screen, table

HEADER = ("ID", "STATUS", "COMMAND")
ROWS = [("web", "running", "x" * 200), ("test", "errored", "npm [bold]test")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "stream, choice, environment, expected",
    [
        (Terminal(), "auto", {}, True),
        (Terminal(), "auto", {"NO_COLOR": "1"}, False),
        (Terminal(), "auto", {"NO_COLOR": ""}, True),
        (Terminal(), "auto", {"TERM": "dumb"}, False),
        (Terminal(), "never", {}, False),
        (Terminal(), "always", {"NO_COLOR": "1"}, True),
        (io.StringIO(), "auto", {}, False),
        (io.StringIO(), "always", {}, True),
        (None, "auto", {}, False),
    ],
)
def test_who_gets_colours(stream: io.StringIO | None, choice: str, environment: dict[str, str], expected: bool) -> None:
    assert screen.wants_colour(stream, choice, environment) is expected


def test_a_table_fits_its_terminal() -> None:
    lines = table.render(HEADER, ROWS, {}, coloured=False, width=40).splitlines()
    assert lines[0].split() == list(HEADER)
    assert max(map(len, lines)) <= 40
    assert lines[1].endswith("…")
    assert lines[2].endswith("npm [bold]test"), "a cell is text, not markup"


def test_a_coloured_table_has_the_colour_of_each_status() -> None:
    text = table.render(HEADER, ROWS, {"running": "green"}, coloured=True, width=80)
    assert "\033[32mrunning" in text
