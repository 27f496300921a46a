"""Spares callers the wait for a server that did not answer a moment ago; no I/O, no clock of its own."""

from __future__ import annotations

FIRST_PAUSE_SECONDS = 1.0
# Short, because a server that is back should serve again within seconds.
LONGEST_PAUSE_SECONDS = 10.0


class Breaker:
    """Counts outages of one server; the pause before the next try doubles with each.

    After a pause one caller may try, the others go on waiting until it has succeeded.
    """

    def __init__(self, trial_seconds: float) -> None:
        self._trial_seconds = trial_seconds
        self._outages = 0
        self._paused_until = 0.0
        self._is_on_trial = False

    def enter(self, now: float) -> float:
        """Return 0 where the server may be tried, else the seconds until somebody may try again."""
        if not self._outages:
            return 0.0
        if now < self._paused_until:
            return self._paused_until - now
        # A trial that never reports back, because its caller was cancelled, ends by itself.
        self._is_on_trial = True
        self._paused_until = now + self._trial_seconds
        return 0.0

    def succeed(self) -> None:
        """Note that the server answers."""
        self._outages = 0
        self._is_on_trial = False

    def fail(self, now: float) -> None:
        """Note an outage; what calls that were under way together say counts once."""
        if self._outages and not self._is_on_trial and now < self._paused_until:
            return
        self._is_on_trial = False
        self._outages += 1
        self._paused_until = now + min(FIRST_PAUSE_SECONDS * 2 ** (self._outages - 1), LONGEST_PAUSE_SECONDS)
