from __future__ import annotations

import asyncio

# pytest-asyncio asks for the current loop before each test; Python 3.11 then makes one that nobody ever closes, and its
# ResourceWarning is an error here. Once a loop (or None) was set, Python makes none.
asyncio.set_event_loop(None)
