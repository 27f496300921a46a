"""Goals: a figure with a bound, and the verdict; pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from measuring.arithmetic import ratio
from measuring.page import judged, number
from measuring.results import Results

OURS = "ours"
Figure = Callable[[Results, str, int], float | None]
"""A figure of one contender at one size."""


@dataclass(frozen=True)
class Goal:
    """One line of the table; without a bound it is only told."""

    name: str
    what: str
    bound: str
    figure: Figure
    is_met: Callable[[float, Results, int], bool] | None = None
    digits: int = 2


def at_most(limit: float) -> Callable[[float, Results, int], bool]:
    return lambda value, *_: value <= limit


def at_least(limit: float) -> Callable[[float, Results, int], bool]:
    return lambda value, *_: value >= limit


def plain(name: str) -> Figure:
    return lambda results, contender, size: results.figure(contender, size, name)


def quotient(name: str, other: str) -> Figure:
    """Divide two figures of one contender."""
    return lambda results, contender, size: ratio(
        results.figure(contender, size, name), results.figure(contender, size, other)
    )


def verdict(goal: Goal, results: Results, contender: str, size: int) -> str:
    """Return the figure, for ours with the goal's verdict; a dash where there is none."""
    value = goal.figure(results, contender, size)
    if value is None or contender != OURS or goal.is_met is None:
        return number(value, goal.digits)
    return judged(value, goal.digits, goal.is_met(value, results, size))
