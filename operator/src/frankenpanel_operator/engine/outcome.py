"""What a reconcile tells the engine when it ends well."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one reconcile.

    Attributes:
        requeue_after_seconds: asks for another pass where only time, not an event, can bring a change; until
            then a resync may spare it. None means that the next event or resync is soon enough.
        healthy: dependencies (names as in `TransientError.dependency`) that answered during this pass; a
            circuit that was open for one of them closes.
        down: dependencies that a pass found not to answer, where that is a result and not an error.
    """

    requeue_after_seconds: float | None = None
    healthy: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
