"""What tests say that they cover, `@pytest.mark.covers(name, ...)`, and whether they do.

A name is a method, a notification or an error kind of the contract. While such a test runs, it is written down which
requests are answered, which notifications are sent or read and which errors there are; a test that passes without what
it is marked with fails. So tests/test_coverage.py can go by the marks. A name may have parameters of the test in it, as
in "{kind}".
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from handlers.errors import ErrorKind

seen: set[str] = set()
"""What there was since `watch` began."""


def names(item: pytest.Item) -> set[str]:
    """What a test is marked to cover."""
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec is not None else {}
    return {name.format(**params) for mark in item.iter_markers("covers") for name in mark.args}


@contextlib.contextmanager
def watch() -> Iterator[set[str]]:
    """Write down what there is meanwhile."""
    from handlers.errors import RemoteCommandError  # noqa: PLC0415  # the raw client, which imports this, needs no server

    seen.clear()
    init = RemoteCommandError.__init__

    def noted(self: RemoteCommandError, kind: ErrorKind, *args: object, **more: object) -> None:
        seen.add(kind.value)
        init(self, kind, *args, **more)  # type: ignore[arg-type]

    RemoteCommandError.__init__ = noted  # type: ignore[assignment,method-assign]
    try:
        yield seen
    finally:
        RemoteCommandError.__init__ = init  # type: ignore[method-assign]
