"""Telling a client what its request waits for, as LSP's work done progress: begin, reports, end.

Nothing is told of a request that does not wait, nor to a client that gave no token.
Must not know: what is waited for.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

from handlers.api import Wait
from rpc_server import results

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rpc_server.session import Session


@contextlib.asynccontextmanager
async def waiting(session: Session, seconds: float | None, token: int | str | None) -> AsyncIterator[Wait]:
    """What a request may wait for; `token` is the client's."""
    if token is None:
        yield Wait(seconds or 0.0)
        return
    has_begun = False

    async def push(kind: Literal["begin", "report", "end"], title: str | None, message: str | None) -> None:
        value = results.ProgressValue(kind=kind, title=title, message=message)
        await session.push(results.Progress(token=token, value=value))

    async def tell(message: str) -> None:
        nonlocal has_begun
        await push("report" if has_begun else "begin", None if has_begun else "Waiting for the container", message)
        has_begun = True

    try:
        yield Wait(seconds or 0.0, tell)
    finally:
        if has_begun:
            await push("end", None, None)
