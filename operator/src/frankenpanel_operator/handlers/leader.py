"""Standby, lead, standby again: work is done only in a term, and ends before the term is given to another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from frankenpanel_operator.engine.leadership import TERM


class Elector(Protocol):
    """Decides who leads; see `cluster.lease`."""

    standing_by: asyncio.Event

    async def acquire(self) -> int:
        """Stand by until this replica leads; return the number of its term."""

    async def keep(self) -> None:
        """Return when the term is over."""

    async def release(self) -> None:
        """Let another one lead at once."""


class LeaderCycle:
    """Takes turns between standing by and leading.

    Args:
        elector: decides who leads.
        lead: does the work of one term, until it is cancelled.
        drain: called before a term is given back: lets what is under way end, for a moment.
    """

    def __init__(
        self, elector: Elector, lead: Callable[[], Awaitable[None]], drain: Callable[[], Awaitable[None]]
    ) -> None:
        self._elector = elector
        self._lead = lead
        self._drain = drain

    async def run(self) -> None:
        """Go round until cancelled.

        Raises:
            Exception: whatever ended the work of a term; the term was given back.
        """
        while True:
            await self._one_term(await self._elector.acquire())

    async def _one_term(self, term: int) -> None:
        work = asyncio.create_task(self._lead_in(term), name="term")
        keeping = asyncio.create_task(self._elector.keep(), name="lease")
        try:
            await asyncio.wait((work, keeping), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
        finally:
            if not keeping.done():
                await self._drain()
            await _end(work)
            await _end(keeping)
            await self._elector.release()

    async def _lead_in(self, term: int) -> None:
        TERM.set(term)
        await self._lead()


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end; what it ended with was reported elsewhere."""
    task.cancel()
    await asyncio.wait([task])
