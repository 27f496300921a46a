"""How many writes may be under way at once: as many as the server takes without slowing down.

The limit follows the rule that keeps the internet from collapsing, additive increase and multiplicative
decrease. A *window* is as many answers as the limit allowed requests:

```text
a window without trouble, and the limit was reached    +1
a window in which answers were slow                    -1
a refusal (429, 503) or a timeout                      half of it, at once
```

Requests that were on their way when the limit was halved tell of the same crowd, so they halve it no further.
"""

from __future__ import annotations

from collections.abc import Callable

START = 8
LEAST = 2
SLOW_FACTOR = 3.0
"""Answers are slow when they take this many times as long as the quickest lately."""

# Below this the difference is made by the kind of request and by our own event loop, not by a crowd.
_NEVER_SLOW_SECONDS = 0.010
_SMOOTHING = 0.125
_LATELY_SECONDS = 60.0


class InFlight:
    """Counts the requests under way and adapts how many there may be; whoever sends must ask first.

    Args:
        clock: a monotonic clock, in seconds.
        most: the limit is never higher.
    """

    def __init__(self, clock: Callable[[], float], most: int = 16) -> None:
        self._clock = clock
        self._most = max(most, 1)
        self._least = min(LEAST, self._most)
        self.limit = min(START, self._most)
        self.count = 0
        self._answers = 0
        self._was_full = False
        self._halved_at = float("-inf")
        self._latency_seconds: float | None = None
        self._best = _LowestLately()

    @property
    def is_full(self) -> bool:
        """Whether the next request must wait."""
        return self.count >= self.limit

    def begin(self) -> float:
        """Count a request that goes out now; return the moment, which `end` wants back."""
        self.count += 1
        self._was_full = self._was_full or self.is_full
        return self._clock()

    def end(self, began: float, *, is_overload: bool = False) -> None:
        """Count a request that is answered, and learn from how that went.

        Args:
            began: what `begin` returned for it.
            is_overload: the answer was "too much" (429, 503), or none came in time.
        """
        self.count -= 1
        now = self._clock()
        if is_overload:
            self._halve(began, now)
            return
        self._learn_latency(now - began, now)
        self._answers += 1
        if self._answers >= self.limit:
            self._end_window()

    def abandon(self) -> None:
        """Count a request that ended without telling anything: it was cancelled or held back."""
        self.count -= 1

    def _halve(self, began: float, now: float) -> None:
        if began < self._halved_at:
            return
        self._halved_at = now
        self._set_limit(self.limit // 2)

    def _end_window(self) -> None:
        if self._is_slow():
            self._set_limit(self.limit - 1)
        elif self._was_full:
            self._set_limit(self.limit + 1)
        else:
            # A limit that nobody reached was not tried out: what is not known to be good must not grow.
            self._set_limit(self.limit)

    def _set_limit(self, limit: int) -> None:
        self.limit = min(max(limit, self._least), self._most)
        self._answers = 0
        self._was_full = self.is_full

    def _learn_latency(self, seconds: float, now: float) -> None:
        self._best.add(seconds, now)
        if self._latency_seconds is None:
            self._latency_seconds = seconds
        else:
            self._latency_seconds += _SMOOTHING * (seconds - self._latency_seconds)

    def _is_slow(self) -> bool:
        if self._latency_seconds is None:
            return False
        return self._latency_seconds > max(SLOW_FACTOR * self._best.value, _NEVER_SLOW_SECONDS)


class _LowestLately:
    """The lowest of the values of the last minute or two: this period's, or the period's before."""

    def __init__(self) -> None:
        self._period_ends = float("-inf")
        self._before = self._present = float("inf")

    @property
    def value(self) -> float:
        return min(self._before, self._present)

    def add(self, value: float, now: float) -> None:
        if now >= self._period_ends:
            self._before, self._present = self._present, float("inf")
            self._period_ends = now + _LATELY_SECONDS
        self._present = min(self._present, value)
