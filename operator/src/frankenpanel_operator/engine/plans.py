"""What is to become ready later: one plan per key, ordered by time; pure, with the time passed in.

Ten thousand waiting keys cost ten thousand small tuples: no task and no timer of their own.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority


@dataclass(frozen=True, slots=True)
class _Plan:
    due: float
    priority: Priority


class Plans:
    """Keys with the moment in which each is due, on whatever clock the caller uses."""

    def __init__(self) -> None:
        self._plans: dict[Key, _Plan] = {}
        # Entries of dropped and moved plans stay in here until they surface, or until they are the most.
        self._timeline: list[tuple[float, int, Key]] = []
        self._sequence = itertools.count()

    def __len__(self) -> int:
        """Count the keys with a plan."""
        return len(self._plans)

    def __contains__(self, key: Key) -> bool:
        """Say whether the key has a plan."""
        return key in self._plans

    def put(self, key: Key, due: float, priority: Priority) -> None:
        """Plan the key; of several plans the earliest stands, at the highest priority that was asked for."""
        standing = self._plans.get(key)
        if standing is not None:
            priority = min(priority, standing.priority)
            due = min(due, standing.due)
            if _Plan(due, priority) == standing:
                return
        self._plans[key] = _Plan(due, priority)
        if standing is None or due < standing.due:
            heapq.heappush(self._timeline, (due, next(self._sequence), key))
            self._forget_dropped()

    def drop(self, key: Key) -> None:
        """Forget the key's plan, if it has one."""
        self._plans.pop(key, None)

    def clear(self) -> None:
        """Forget every plan."""
        self._plans.clear()
        self._timeline.clear()

    def next_due(self) -> float | None:
        """Return when to look again: no plan is due before."""
        return self._timeline[0][0] if self._timeline else None

    def pop_due(self, now: float) -> Iterator[tuple[Key, Priority]]:
        """Yield and forget what is due."""
        while self._timeline and self._timeline[0][0] <= now:
            due, _, key = heapq.heappop(self._timeline)
            plan = self._plans.get(key)
            if plan is not None and plan.due == due:
                del self._plans[key]
                yield key, plan.priority

    def _forget_dropped(self) -> None:
        if len(self._timeline) <= 2 * len(self._plans) + 64:
            return
        self._timeline = [(plan.due, next(self._sequence), key) for key, plan in self._plans.items()]
        heapq.heapify(self._timeline)
