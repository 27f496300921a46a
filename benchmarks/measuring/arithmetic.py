"""Percentiles, medians and slopes; pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the smallest value that at least `percent` of all values do not exceed; None of nothing."""
    if not values:
        return None
    rank = max(1, math.ceil(len(values) * percent / 100))
    return sorted(values)[rank - 1]


def median(values: Iterable[float | None]) -> float | None:
    """Return the median of what was measured; None of nothing."""
    measured = [value for value in values if value is not None]
    return statistics.median(measured) if measured else None


def slope(points: Mapping[int, float | None]) -> float | None:
    """Return the exponent `e` of the best fit `value = c * size ** e`, least squares in log-log.

    1.0 is linear growth. None where fewer than two sizes have a positive value.
    """
    pairs = [(math.log(size), math.log(value)) for size, value in points.items() if value and value > 0]
    if len(pairs) < 2:
        return None
    mean_x, mean_y = (statistics.fmean(column) for column in zip(*pairs, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in pairs)
    return sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread if spread else None


def ratio(one: float | None, other: float | None) -> float | None:
    """Return `one / other`, or None where either is missing or there is nothing to divide by."""
    return one / other if one is not None and other else None
