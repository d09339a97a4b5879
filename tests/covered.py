"""A pytest plugin that prints what is covered where: a line of JSON for each test that is marked so."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests import covering

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "covered: "


def is_skipped(item: pytest.Item) -> bool:
    """Whether it is skipped here whatever happens; what a fixture skips is not known before."""
    if item.get_closest_marker("skip"):
        return True
    return any(mark.args and mark.args[0] is True for mark in item.iter_markers("skipif"))


def lines(items: list[pytest.Item]) -> Iterator[str]:
    for item in items:
        if (names := covering.names(item)) and not is_skipped(item):
            on_cluster = item.get_closest_marker("cluster") is not None
            yield json.dumps({"test": item.nodeid, "names": sorted(names), "cluster": on_cluster})


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    sys.__stdout__.write("".join(f"\n{MARK}{line}" for line in lines(items)) + "\n")
