"""Whoever comes first goes first."""

import asyncio

import pytest

from handlers.stdin import Turns


async def test_those_of_one_key_go_in_their_order_and_others_do_not_wait() -> None:
    turns, said, gate = Turns(), [], asyncio.Event()

    async def go(key: str, word: str, wait: bool = False) -> None:
        async with turns.turn(key):
            if wait:
                await gate.wait()
            said.append(word)

    first = asyncio.create_task(go("a", "first", wait=True))
    second = asyncio.create_task(go("a", "second"))
    third = asyncio.create_task(go("a", "third"))
    await go("b", "other")
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.set()
    await asyncio.gather(first, third)
    assert said == ["other", "first", "third"]
    assert not turns._locks  # nothing is kept of those that are over
