"""Blocking work off the event loop, in threads that hold nothing up.

`asyncio.to_thread` uses the loop's executor, whose threads are joined when the loop and the interpreter end: a
kubeconfig on a dead network mount, or a name server that doesn't answer, would keep the server from leaving in time.
A daemon thread is simply left behind; so only what may be abandoned at any point is done here (reads and imports).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def run_in_daemon_thread(work: Callable[[], T], *, name: str) -> T:
    """Run `work` in a thread of its own; on cancellation its result is thrown away and nothing is waited for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # None only where T is None

    def run() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  # carried over to the task that asked
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile: nobody is waiting
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future
