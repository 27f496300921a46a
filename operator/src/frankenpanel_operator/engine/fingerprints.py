"""Remembers on which inputs a key's last pass had nothing left to do, so that the next pass can be spared.

A pass is a function of its inputs. While they are the same it would find the same and do nothing, which is
how ten thousand Sites are resynced for the price of ten thousand comparisons.

What is remembered expires, because not everything that matters is an input that can be seen: a Secret is
never read back, and the clock goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from frankenpanel_operator.engine.key import Key

_SPREAD = 0.25


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
        self._known: dict[Key, tuple[Hashable, float]] = {}

    def __len__(self) -> int:
        """Count the keys about which something is remembered."""
        return len(self._known)

    def is_same(self, key: Key, fingerprint: Hashable) -> bool:
        """Say whether a pass on these inputs is known to find nothing to do."""
        known = self._known.get(key)
        return known is not None and known[0] == fingerprint and self._clock() < known[1]

    def remember(self, key: Key, fingerprint: Hashable) -> None:
        """Note that a pass on these inputs would find nothing to do."""
        share = (hash(key) & 0xFFFF) / 0x10000
        expires = self._clock() + self._trust_seconds * (1 - _SPREAD * share)
        self._known[key] = fingerprint, expires

    def forget(self, key: Key) -> None:
        """Let the key's next pass take place, whatever its inputs."""
        self._known.pop(key, None)

    def clear(self) -> None:
        """Let every key's next pass take place."""
        self._known.clear()
