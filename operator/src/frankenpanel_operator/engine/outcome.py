"""What a reconcile tells the engine when it ends well."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one reconcile.

    `requeue_after_seconds` asks for another pass where only time, not an event, can bring a change;
    None means that the next event or resync is soon enough.
    """

    requeue_after_seconds: float | None = None
