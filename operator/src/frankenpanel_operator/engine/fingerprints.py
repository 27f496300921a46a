"""Remembers on which inputs a key's last pass had nothing left to do, so that the next pass can be spared.

A pass is a function of its inputs. While they are the same it would find the same and do nothing, which is
how ten thousand Sites are resynced for the price of ten thousand comparisons.

What is remembered expires, because not everything that matters is an input that can be seen: a Secret is
never read back, and the clock goes on. Where a pass has said when it wants to look again, that is remembered
too: until then the next pass may be spared, at that time it takes place.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple

from frankenpanel_operator.engine.key import Key

_SPREAD = 0.25


class _Known(NamedTuple):
    fingerprint: Hashable
    expires: float
    due: float | None


class Fingerprints:
    """The inputs of passes that ended well, by key.

    Args:
        clock: a monotonic clock, in seconds.
        trust_seconds: nothing is remembered for longer, and most for up to a quarter less: what was learned
            at the same time must not be doubted at the same time.
    """

    def __init__(self, clock: Callable[[], float], trust_seconds: float) -> None:
        self._clock = clock
        self._trust_seconds = trust_seconds
        self._known: dict[Key, _Known] = {}

    def __len__(self) -> int:
        """Count the keys about which something is remembered."""
        return len(self._known)

    def is_same(self, key: Key, fingerprint: Hashable) -> bool:
        """Say whether a pass on these inputs is known to find nothing to do now."""
        known = self._known.get(key)
        return known is not None and known.fingerprint == fingerprint and self._clock() < known.expires

    def remember(self, key: Key, fingerprint: Hashable, due_seconds: float | None = None) -> None:
        """Note that a pass on these inputs would find nothing to do, before it is due where it says when."""
        share = (hash(key) & 0xFFFF) / 0x10000
        now, trusted = self._clock(), self._trust_seconds * (1 - _SPREAD * share)
        due = None if due_seconds is None else now + due_seconds
        self._known[key] = _Known(fingerprint, min(now + trusted, due or now + trusted), due)

    def due_seconds(self, key: Key) -> float | None:
        """Return in how many seconds the key's last pass wants another one whatever happens; None: never."""
        known = self._known.get(key)
        return None if known is None or known.due is None else known.due - self._clock()

    def forget(self, key: Key) -> None:
        """Let the key's next pass take place, whatever its inputs."""
        self._known.pop(key, None)

    def clear(self) -> None:
        """Let every key's next pass take place."""
        self._known.clear()
