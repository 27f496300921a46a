"""A limit that allows a burst and then a steady trickle; pure, with the clock passed in."""

from __future__ import annotations

from collections.abc import Callable


class TokenBucket:
    """Holds up to `capacity` tokens, full at first; one comes back every `refill_seconds`.

    Nothing fills it: all there is to know is the moment in which it will be full again, which every token
    that is taken moves further away.

    Args:
        clock: a monotonic clock, in seconds.
        capacity: how much may happen at once.
        refill_seconds: the time between two tokens, and so the distance of what goes on happening for ever.
    """

    __slots__ = ("_capacity_seconds", "_clock", "_full_at", "_refill_seconds")

    def __init__(self, clock: Callable[[], float], capacity: int, refill_seconds: float) -> None:
        self._clock = clock
        self._refill_seconds = refill_seconds
        self._capacity_seconds = capacity * refill_seconds
        self._full_at = clock()

    def take(self) -> bool:
        """Take one token, if there is one."""
        now = self._clock()
        full_at = max(now, self._full_at) + self._refill_seconds
        if full_at - now > self._capacity_seconds:
            return False
        self._full_at = full_at
        return True

    def is_full(self) -> bool:
        """Say whether all that was taken has come back: such a bucket is worth no more than a new one."""
        return self._clock() >= self._full_at
