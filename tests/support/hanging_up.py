"""The end of connections: a request that was cut off says a TLS goodbye first, which takes a moment."""

from __future__ import annotations

import asyncio
import time


async def until_hung_up(seconds: float = 3.0) -> None:
    """Wait until the loop has no connection left, so that none is cut off by the end of the loop."""
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    deadline = time.monotonic() + seconds
    # An aborted connection leaves the selector at once, and its socket is closed in a later turn of the loop.
    await asyncio.sleep(0.02)
    # What remains is the pipe by which the loop wakes itself.
    while len(selector.get_map()) > 1 and time.monotonic() < deadline:  # noqa: ASYNC110  nobody sets an event
        await asyncio.sleep(0.005)
