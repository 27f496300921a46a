"""Who goes first, and what the work at hand counts as while it runs."""

from __future__ import annotations

from contextvars import ContextVar
from enum import IntEnum


class Priority(IntEnum):
    """Who goes first; the lower value wins."""

    LIVE = 0
    """Somebody changed something and waits for the effect."""
    RESYNC = 1
    """Start-up, resync and retries: thousands at once, and nobody is watching."""


CURRENT_PRIORITY: ContextVar[Priority] = ContextVar("CURRENT_PRIORITY", default=Priority.LIVE)
"""The priority of the reconcile that runs; set by the dispatcher, asked by whoever queues on its behalf."""
