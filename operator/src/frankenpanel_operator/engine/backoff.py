"""How long to wait before the next try; pure, with the randomness passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential delays with jitter.

    The jitter only lengthens, by at most `jitter` of the delay: `cap_seconds` is then a promise about the
    load that something which fails for ever can cause.

    Attributes:
        random: returns a float in [0, 1), as `random.random` does.
    """

    random: Callable[[], float]
    base_seconds: float = 0.5
    cap_seconds: float = 300.0
    jitter: float = 0.25

    def delay_seconds(self, failures: int) -> float:
        """Return the delay after this many failures in a row (1 is the first)."""
        # 2 ** 30 exceeds every sensible cap; larger powers only cost digits, and overflow a float in the end.
        doubled = self.base_seconds * 2 ** min(failures - 1, 30)
        return self.spread(min(self.cap_seconds, doubled))

    def spread(self, seconds: float) -> float:
        """Lengthen a fixed delay by the same jitter, so that equal delays do not end together."""
        return seconds * (1 + self.jitter * self.random())
