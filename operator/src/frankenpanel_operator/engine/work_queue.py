"""The level-triggered work queue: keys wait here, one worker at a time has each of them.

A key says *which* object to look at, never what happened, so any number of changes collapse into one entry.
Every key is in at most one of these places:

```text
        add()                      get()                     done()
 ──► ready (live before resync) ─────────► processing ─────────────────► gone
        ▲                                     │ add() meanwhile: dirty
        │ due                                 └──────► ready again, after done()
     planned (one per key: add_after, retry)
```

Beginning a pass drops the key's plan, because that pass makes its own. There is one timer for all plans and
no task per object: ten thousand waiting keys cost ten thousand small tuples.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority


@dataclass(frozen=True, slots=True)
class _Plan:
    """A key that becomes ready at `due`, on the event loop's clock."""

    due: float
    priority: Priority


class WorkQueue:
    """Deduplicated, delayed and prioritised keys for any number of workers of one event loop.

    Args:
        backoff: delays of `retry`.
        on_wait: told, at every `get`, how many seconds the key had been ready.
    """

    def __init__(self, backoff: Backoff, on_wait: Callable[[Priority, float], None] | None = None) -> None:
        self._backoff = backoff
        self._on_wait = on_wait
        # Plain dicts are slow to empty from the front (each `next(iter())` walks over the deleted entries).
        self._ready: dict[Priority, OrderedDict[Key, float]] = {p: OrderedDict() for p in Priority}
        self._processing: set[Key] = set()
        self._dirty: dict[Key, Priority] = {}
        self._plans: dict[Key, _Plan] = {}
        self._timeline: list[tuple[float, int, Key]] = []
        self._sequence = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._failures: dict[Key, int] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()

    def add(self, key: Key, priority: Priority = Priority.LIVE) -> None:
        """Make the key ready; a worker that has it right now will get it once more."""
        if key in self._processing:
            self._dirty[key] = min(priority, self._dirty.get(key, priority))
        elif key in self._ready[Priority.LIVE]:
            return
        elif priority is Priority.LIVE:
            since = self._ready[Priority.RESYNC].pop(key, None)
            self._put_ready(key, priority, since)
        elif key not in self._ready[Priority.RESYNC]:
            self._put_ready(key, priority, None)

    def add_after(self, key: Key, delay_seconds: float, priority: Priority = Priority.RESYNC) -> None:
        """Make the key ready after a delay; of several plans for a key the earliest stands."""
        if delay_seconds <= 0:
            self.add(key, priority)
            return
        plan = _Plan(self._now() + delay_seconds, priority)
        standing = self._plans.get(key)
        if standing is not None and standing.due <= plan.due:
            return
        self._plans[key] = plan
        heapq.heappush(self._timeline, (plan.due, next(self._sequence), key))
        self._forget_dropped_plans()
        self._set_timer()

    def retry(self, key: Key, *, at_least_seconds: float = 0.0) -> float:
        """Plan the key after its own growing backoff; return the delay.

        Args:
            key: what failed.
            at_least_seconds: a lower bound, where the failing side named one.
        """
        delay = max(self._backoff.delay_seconds(self.count_failure(key)), at_least_seconds)
        self.add_after(key, delay)
        return delay

    def retry_slowly(self, key: Key, seconds: float) -> float:
        """Plan the key after a fixed delay with jitter; return the delay."""
        delay = self._backoff.spread(seconds)
        self.add_after(key, delay)
        return delay

    def forget(self, key: Key) -> None:
        """End the key's series of failures: it went well, or it exists no more."""
        self._failures.pop(key, None)

    def failures(self, key: Key) -> int:
        """Return how often the key failed in a row."""
        return self._failures.get(key, 0)

    def count_failure(self, key: Key) -> int:
        """Lengthen the key's series of failures without planning a try; return its length."""
        self._failures[key] = self._failures.get(key, 0) + 1
        return self._failures[key]

    async def get(self) -> Key:
        """Wait for a key and hand it to the caller, who must call `done` with it."""
        while not any(self._ready.values()):
            await self._wait_for_ready()
        priority = Priority.LIVE if self._ready[Priority.LIVE] else Priority.RESYNC
        key, since = self._ready[priority].popitem(last=False)
        self._processing.add(key)
        self._plans.pop(key, None)
        if self._on_wait is not None:
            self._on_wait(priority, self._now() - since)
        return key

    def done(self, key: Key) -> None:
        """Take the key back from its worker."""
        self._processing.discard(key)
        priority = self._dirty.pop(key, None)
        if priority is not None:
            self.add(key, priority)

    def clear(self) -> None:
        """Drop every ready key, every plan and all failure counts; what workers have ends by itself."""
        for ready in self._ready.values():
            ready.clear()
        self._dirty.clear()
        self._plans.clear()
        self._timeline.clear()
        self._failures.clear()

    def depth(self, priority: Priority) -> int:
        """Return how many keys are ready at a priority."""
        return len(self._ready[priority])

    def planned(self) -> int:
        """Return how many keys wait for their time."""
        return len(self._plans)

    def _put_ready(self, key: Key, priority: Priority, since: float | None) -> None:
        self._ready[priority][key] = self._now() if since is None else since
        self._wake_one()

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _wait_for_ready(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            # This worker was chosen, and then stopped: another one must take the key.
            if waiter.done() and not waiter.cancelled():
                self._wake_one()
            raise

    def _promote_due(self) -> None:
        self._timer = None
        now = self._now()
        while self._timeline and self._timeline[0][0] <= now:
            due, _, key = heapq.heappop(self._timeline)
            plan = self._plans.get(key)
            if plan is not None and plan.due == due:
                del self._plans[key]
                self.add(key, plan.priority)
        self._set_timer()

    def _set_timer(self) -> None:
        if not self._timeline:
            return
        due = self._timeline[0][0]
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._promote_due)

    def _forget_dropped_plans(self) -> None:
        """Rebuild the timeline once most of it belongs to plans that were dropped or moved forward."""
        if len(self._timeline) <= 2 * len(self._plans) + 64:
            return
        self._timeline = [(plan.due, next(self._sequence), key) for key, plan in self._plans.items()]
        heapq.heapify(self._timeline)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
