"""Remembers what was written to objects that may not be read back, so that a resync writes nothing.

Memory of this process only: after a restart each Secret is written once more, to the same values. The price
of not reading is that a deletion by a foreign hand is found when the memory of the write expires.
"""

from __future__ import annotations

from collections.abc import Callable

from frankenpanel_operator.observed import ObjectRef


class BlindWrites:
    """Digests of written manifests, each trusted for a limited time.

    Args:
        monotonic: seconds on a clock that never jumps.
        trust_seconds: how long a write counts as done.
    """

    def __init__(self, monotonic: Callable[[], float], trust_seconds: float = 3600.0) -> None:
        self._monotonic = monotonic
        self._trust_seconds = trust_seconds
        self._written: dict[ObjectRef, tuple[str, float]] = {}

    def is_fresh(self, ref: ObjectRef, digest: str) -> bool:
        """Say whether exactly this was written lately."""
        known = self._written.get(ref)
        return known is not None and known[0] == digest and self._monotonic() < known[1]

    def is_known(self, ref: ObjectRef) -> bool:
        """Say whether anything was written to this object, so that it probably exists."""
        return ref in self._written

    def note(self, ref: ObjectRef, digest: str) -> None:
        """Remember a write that succeeded."""
        self._written[ref] = (digest, self._monotonic() + self._trust_seconds)

    def forget(self, ref: ObjectRef) -> None:
        """Trust nothing about this object any more."""
        self._written.pop(ref, None)
