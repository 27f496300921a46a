"""Named points at which a test may end the process; in production nothing happens at any of them.

A point marks a step after which the world differs from what was remembered of it: each write, each statement
that a database server has carried out, each report. The tests end a real operator at every one of them and
look at what its successor makes of it, so the list here is the list that is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Failpoint(StrEnum):
    """Every point, by the step that has just been taken."""


_on_reached: Callable[[Failpoint], None] | None = None


def reached(point: Failpoint) -> None:
    """Tell the test, if there is one, that the step is taken."""
    if _on_reached is not None:
        _on_reached(point)


def arm(on_reached: Callable[[Failpoint], None] | None) -> None:
    """Let a test hear of every point that is reached; None disarms."""
    global _on_reached
    _on_reached = on_reached
