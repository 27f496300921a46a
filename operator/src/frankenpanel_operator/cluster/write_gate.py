"""The gate that every write passes: few at once, people's changes first, none while the server asks for rest.

Workers decide what to write; how much of that may be under way at once is decided here for all of them
together, because the API server sees us as one client. The Lease does not pass: it must never wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeVar

from frankenpanel_operator import metrics
from frankenpanel_operator.engine.priority import CURRENT_PRIORITY, Priority
from frankenpanel_operator.errors import (
    KUBERNETES,
    ClusterUnavailableError,
    FrankenPanelError,
    LeadershipLostError,
)

T = TypeVar("T")


class Concurrency(Protocol):
    """Counts what is under way and learns how much may be; see `engine.in_flight.InFlight`."""

    limit: int
    count: int

    @property
    def is_full(self) -> bool:
        """Whether the next one must wait."""

    def begin(self) -> float:
        """Count one that goes out now."""

    def end(self, began: float, *, is_overload: bool = False) -> None:
        """Count its answer."""

    def abandon(self) -> None:
        """Count one that ended without an answer."""


def _tell_nobody() -> None:
    """Do nothing."""


class WriteGate:
    """Lets writes pass as the server can take them.

    Args:
        in_flight: how many may be under way.
        on_written: told of every write that the API server carried out: it is there, and it is well.
    """

    def __init__(self, in_flight: Concurrency, on_written: Callable[[], None] = _tell_nobody) -> None:
        self.in_flight = in_flight
        self._on_written = on_written
        self._waiting: dict[Priority, deque[asyncio.Future[float]]] = {p: deque() for p in Priority}
        self._resting_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._idle = asyncio.Event()

    async def run(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send when it is this write's turn.

        The priority of the work at hand decides who is next; among equals it is who waits longest.
        """
        began = await self._enter()
        error: BaseException | None = None
        try:
            answer = await send()
            self._on_written()
            return answer
        except BaseException as caught:
            error = caught
            raise
        finally:
            self._leave(began, error)

    async def drain(self, seconds: float) -> None:
        """Let nothing pass any more, and return when nothing is under way, or after a while."""
        self._is_closed = True
        self._idle.clear()
        if self.in_flight.count:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._idle.wait()

    def open(self) -> None:
        """Let writes pass again."""
        self._is_closed = False
        self._admit()

    async def _enter(self) -> float:
        """Wait for this write's turn; return the moment in which it came."""
        if self._may_pass():
            metrics.WRITE_WAIT_SECONDS.observe(0.0)
            return self.in_flight.begin()
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[float] = loop.create_future()
        queued_at = loop.time()
        self._waiting[CURRENT_PRIORITY.get()].append(waiter)
        try:
            began = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # Its turn had come, and now it is somebody else's.
                self._leave(waiter.result(), asyncio.CancelledError())
            raise
        metrics.WRITE_WAIT_SECONDS.observe(loop.time() - queued_at)
        return began

    def _leave(self, began: float, error: BaseException | None) -> None:
        match error:
            case ClusterUnavailableError(dependency=dependency) if dependency == KUBERNETES:
                self._pause(error.retry_after_seconds or 0.0)
                self.in_flight.end(began, is_overload=True)
            case ClusterUnavailableError() | LeadershipLostError():
                # A webhook's wish, or nothing was sent: neither says anything about the server.
                self.in_flight.abandon()
            case None | FrankenPanelError():
                self.in_flight.end(began)
            case _:
                self.in_flight.abandon()
        if not self.in_flight.count:
            self._idle.set()
        self._admit()

    def _may_pass(self) -> bool:
        is_resting = asyncio.get_running_loop().time() < self._resting_until
        return not (self._is_closed or is_resting or self.in_flight.is_full)

    def _pause(self, seconds: float) -> None:
        """Let nothing pass for a while: what the server names is a lower bound."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if until <= self._resting_until:
            return
        self._resting_until = until
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(until, self._end_rest)

    def _end_rest(self) -> None:
        # A timer may come a hair before its time, and nobody would ask again.
        self._resting_until = 0.0
        self._admit()

    def _admit(self) -> None:
        """Tell as many of those who wait as may pass."""
        for waiting in self._waiting.values():
            while waiting and self._may_pass():
                waiter = waiting.popleft()
                if not waiter.done():
                    waiter.set_result(self.in_flight.begin())
