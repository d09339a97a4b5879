from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rpc.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client() -> Iterator[Client]:
    """A server that was told nothing yet."""
    with Client() as running:
        yield running


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """One server for many tests, each of which must leave it as it was: what is wrong must not harm what follows."""
    with Client() as running:
        yield running
