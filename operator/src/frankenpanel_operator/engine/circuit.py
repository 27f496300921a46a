"""One dependency as it is seen from here: it answers, or it does not and we ask again now and then; pure.

```text
          three failures in a row, or one report that it is down
 closed ────────────────────────────────────────────────────────► open ──┐ after a pause, one key at a time
    ▲                                                               ▲    ▼ tries: the probe
    └────────────────────────── it answered ────────────────────────┴─ it failed: the next pause is longer
```

While the circuit is open, the keys that failed for the dependency are parked: in no queue and in no plan.
"""

from __future__ import annotations

from collections import OrderedDict

from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.key import Key

FAILURES_TO_OPEN = 3
"""One failure is an accident and is retried as such; a row of them is an outage."""


class Circuit:
    """Remembers failures, parked keys and when to try again; times are those of the caller's monotonic clock.

    Args:
        pauses: how long to wait before the first probe, and how that grows with each that fails.

    Attributes:
        is_open: whether the dependency counts as down.
        parked: who waits for it, in the order of arrival, with the moment before which each may not be tried.
        probe: whose pass will tell whether it is back.
        probe_at: nobody may be the next probe before.
    """

    def __init__(self, pauses: Backoff) -> None:
        self._pauses = pauses
        self._failures = 0
        self._outages = 0
        self.is_open = False
        self.parked: OrderedDict[Key, float] = OrderedDict()
        self.probe: Key | None = None
        self.probe_at = 0.0

    def fail(self, key: Key, now: float, at_least_seconds: float = 0.0) -> bool:
        """Note that a key's pass failed for the dependency; return whether the key is parked now.

        Args:
            key: what failed.
            now: the time.
            at_least_seconds: a lower bound for the next try, where the dependency named one.
        """
        self._failures += 1
        if self._failures >= FAILURES_TO_OPEN:
            self.open(now)
        if not self.is_open:
            return False
        self.parked[key] = now + at_least_seconds
        if now >= self.probe_at:
            # What was under way together with the last failure tells no more than that one did.
            self._pause(now)
        if key == self.probe:
            self.probe = None
        # All that wait here are turned away by the same door: its latest word holds for everybody.
        self.probe_at = max(self.probe_at, now + at_least_seconds)
        return True

    def open(self, now: float) -> None:
        """Count the dependency as down, until somebody hears from it."""
        if not self.is_open:
            self.is_open = True
            self._pause(now)

    def next_candidate(self) -> Key | None:
        """Return who waits for longest; None where nobody does."""
        return next(iter(self.parked), None)

    def end_probe(self, key: Key, now: float) -> bool:
        """Note that a key's pass has ended; return whether it was the probe and told nothing.

        Such a key needs the dependency no more, so its end is no reason for another pause.
        """
        if key != self.probe:
            return False
        self.probe = None
        self.probe_at = now
        return True

    def _pause(self, now: float) -> None:
        self.probe = None
        self._outages += 1
        self.probe_at = now + self._pauses.delay_seconds(self._outages)
