"""The term of leadership: what is decided in a term may be written in that term only.

A term is a number that grows with each change of leaders. Work carries the number of the term in which it
was begun, in a context variable, so that tasks which it starts carry it as well. A write asks `check` in the
moment in which it goes out. Work that outlives its term, because the process was stopped or the network hung,
is refused there, whatever it believes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar

from frankenpanel_operator import metrics
from frankenpanel_operator.errors import LeadershipLostError

TERM: ContextVar[int | None] = ContextVar("TERM", default=None)
"""The term in which the work at hand was begun; None for what needs no leadership (start-up, the Lease)."""


class Leadership:
    """Knows whether this process leads right now.

    Args:
        monotonic: seconds on a clock that never jumps, and that goes on while the machine sleeps.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._term: int | None = None
        self._valid_until = -math.inf

    @property
    def term(self) -> int | None:
        """The term that this process holds, or held last until somebody ends it."""
        return self._term

    @property
    def is_leading(self) -> bool:
        """Whether the term holds at this moment."""
        return self._term is not None and self._monotonic() < self._valid_until

    @property
    def valid_until(self) -> float:
        """When the term ends unless it is extended, on the clock of this object."""
        return self._valid_until

    def begin(self, term: int, valid_until: float) -> None:
        """Begin a term that ends by itself at a time, unless it is extended."""
        self._term, self._valid_until = term, valid_until
        metrics.IS_LEADER.set(1)
        metrics.LEADER_TERMS.inc()

    def extend(self, valid_until: float) -> None:
        """Let the term last until a later time; one that is over stays over."""
        if self.is_leading:
            self._valid_until = max(self._valid_until, valid_until)

    def end(self) -> None:
        """End the term now."""
        self._term, self._valid_until = None, -math.inf
        metrics.IS_LEADER.set(0)

    def check(self) -> None:
        """Let pass what may be written now.

        Raises:
            LeadershipLostError: the work at hand belongs to a term that is over.
        """
        term = TERM.get()
        if term is None or (term == self._term and self.is_leading):
            return
        raise LeadershipLostError(f"term {term} is over")
