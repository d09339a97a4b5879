"""What the documents promise: snippets are the tested files, tables list what is built, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rpc_cli import exits
from rpc_server.methods import METHODS
from rpc_server.notifications import NOTIFICATIONS, PUSHED

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def first_cells(heading: str) -> list[str]:
    """Names in the first column of the table below a heading of the README."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def slug(heading: str) -> str:
    """The anchor that is made of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("language, file", [("python", "client.py"), ("js", "client.mjs")])
def test_readme_shows_the_example_as_it_is(language: str, file: str) -> None:
    assert blocks(language) == [(ROOT / "examples" / file).read_text(encoding="utf-8")]


def test_readme_lists_the_methods_that_are_built() -> None:
    assert sorted(first_cells("Methods")) == sorted([*METHODS, "exit"])


def test_readme_lists_the_notifications_that_are_sent() -> None:
    assert sorted(first_cells("Notifications")) == sorted(PUSHED)


def test_readme_lists_the_notifications_that_are_understood() -> None:
    section = README.split("\n## Notifications\n", 1)[1].split("\n## ", 1)[0]
    assert all(f"`{name}`" in section for name in NOTIFICATIONS if name != "exit")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        linked = document.parent / path if path else document
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem[:4])
def test_adr_says_what_was_rejected(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {int(path.stem[:4])}\. .+\n\nDate: \d{{4}}-\d\d-\d\d\n\nStatus: accepted\n", text)
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Rejected", "Consequences"]
    assert len(text.splitlines()) <= 60


def test_invariants_are_numbered() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r"^\*\*Architecture Invariant (\d+):\*\*", text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def test_readme_has_the_table_of_exit_statuses() -> None:
    rows = "".join(f"| {status} | {meaning} |\n" for status, meaning in exits.MEANINGS.items())
    assert f"| exit status | means |\n|---|---|\n{rows}| 128+n |" in README
