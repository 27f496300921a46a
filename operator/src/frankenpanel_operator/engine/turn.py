"""How much of the event loop the queue's work may take before everybody else gets a turn.

A pass that finds nothing to do never waits for anything, so ten thousand of them in a row would keep the loop
for a second, and with it the watches, the Lease and the answers of the API server. The queue therefore deals
its keys out in turns: one turn per round of the event loop, short for work that nobody waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from frankenpanel_operator.engine.priority import Priority

SHARE_SECONDS = {Priority.LIVE: 0.020, Priority.RESYNC: 0.002}
"""How long a turn may last before nothing more of a priority is begun in it."""


class Turn:
    """What was given out in this round of the running loop.

    Args:
        on_end: called when the next round has begun.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._began: float | None = None
        self.resync_keys = 0

    def count(self, priority: Priority) -> None:
        """Note that a key is given out; the first one begins the turn."""
        if self._began is None:
            loop = asyncio.get_running_loop()
            self._began = loop.time()
            # What is scheduled now runs in the next round: behind the polling for I/O and all that is ready.
            loop.call_soon(self._end)
        if priority is Priority.RESYNC:
            self.resync_keys += 1

    def is_over(self, priority: Priority) -> bool:
        """Say whether the turn has used up what work of this priority may take of a round."""
        if self._began is None:
            return False
        return asyncio.get_running_loop().time() - self._began >= SHARE_SECONDS[priority]

    def _end(self) -> None:
        self._began = None
        self.resync_keys = 0
        self._on_end()
