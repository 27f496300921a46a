"""The level-triggered work queue: keys wait here, one worker at a time has each of them.

A key says *which* object to look at, never what happened, so any number of changes collapse into one entry.
Whoever gets a key looks at the present state of the world, so nothing is lost by that.

```text
          add()                       get()                       done()
 change ────────► ready, live ────────────────► in hand ─────────────────► gone
                     ▲ a change lifts it           │  │
 resync ────────► ready, resync                    │  └─ add() meanwhile: ready again after done()
                     ▲ due                         │
                  planned ◄────────────────────────┘ retry(), add_after()
```

A key is in hand at most once, ready at most once, planned at most once. Beginning a pass drops the key's
plan, because that pass makes its own.

Who is served first:

- Live keys before resync keys, each in the order of arrival; but one key in seventeen is a resync key, so
  that retries come late and not never while changes keep pouring in.
- Resync keys have only so many workers in hand (`most_resync_in_hand`): a change finds one free.
- All of them in turns of the event loop (`turn`). While somebody waits for a live key's pass, a turn has at
  most one resync key: the answers of that pass are heard as quickly as if it were alone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import NamedTuple

from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.plans import Plans
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.turn import Turn

LIVE_KEYS_IN_A_ROW = 16
"""After so many live keys a resync key is served, if one waits."""


class Job(NamedTuple):
    """A key to work on, and as what it was waiting."""

    key: Key
    priority: Priority


class WorkQueue:
    """Deduplicated, delayed and prioritised keys for any number of workers of one event loop.

    Args:
        backoff: delays of `retry`.
        on_wait: told, at every `get`, how many seconds the key had been ready.
        most_resync_in_hand: how many workers may have a resync key at once; None means all of them.
    """

    def __init__(
        self,
        backoff: Backoff,
        on_wait: Callable[[Priority, float], None] | None = None,
        *,
        most_resync_in_hand: int | None = None,
    ) -> None:
        self._backoff = backoff
        self._on_wait = on_wait
        self._most_resync_in_hand = float("inf") if most_resync_in_hand is None else most_resync_in_hand
        # Plain dicts are slow to empty from the front (each `next(iter())` walks over the deleted entries).
        self._ready: dict[Priority, OrderedDict[Key, float]] = {p: OrderedDict() for p in Priority}
        self._in_hand: dict[Key, Priority] = {}
        self._in_hand_count = dict.fromkeys(Priority, 0)
        self._dirty: dict[Key, Priority] = {}
        self._plans = Plans()
        self._timer: asyncio.TimerHandle | None = None
        self._failures: dict[Key, int] = {}
        self._live_in_a_row = 0
        self._turn = Turn(self._call_worker)
        self._is_held = False
        self._passes_through_hold = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._is_worker_called = False

    # --- what puts keys in ----------------------------------------------------------------------------------

    def add(self, key: Key, priority: Priority = Priority.LIVE) -> None:
        """Make the key ready; a worker that has it right now will get it once more."""
        if key in self._in_hand:
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
        self._plans.put(key, self._now() + delay_seconds, priority)
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

    # --- what workers do ------------------------------------------------------------------------------------

    async def get(self) -> Job:
        """Wait for a key and hand it to the caller, who must call `done` with it."""
        while (priority := self._choose()) is None:
            await self._wait_to_be_called()
        key, since = self._ready[priority].popitem(last=False)
        self._plans.drop(key)
        self._in_hand[key] = priority
        self._in_hand_count[priority] += 1
        self._live_in_a_row = self._live_in_a_row + 1 if priority is Priority.LIVE else 0
        self._passes_through_hold = max(self._passes_through_hold - 1, 0)
        self._turn.count(priority)
        if self._on_wait is not None:
            self._on_wait(priority, self._now() - since)
        self._call_worker()
        return Job(key, priority)

    def done(self, key: Key) -> None:
        """Take the key back from its worker."""
        priority = self._in_hand.pop(key, None)
        if priority is None:
            return
        self._in_hand_count[priority] -= 1
        wanted = self._dirty.pop(key, None)
        if wanted is not None:
            self.add(key, wanted)
        self._call_worker()

    def is_wanted_again(self, key: Key) -> bool:
        """Say whether another pass was asked for since the key, which is in hand, was given out."""
        return key in self._dirty or key in self._plans

    # --- what stops and starts all of it --------------------------------------------------------------------

    def hold(self) -> None:
        """Give nobody a key from now on; keys in hand end as usual, and everything else goes on waiting."""
        self._is_held = True
        self._passes_through_hold = 0

    def let_one_through(self) -> None:
        """Give one key out although the queue is held: the next one that is ready, now or later."""
        self._passes_through_hold = 1
        self._call_worker()

    def release(self) -> None:
        """Give out keys again."""
        self._is_held = False
        self._call_worker()

    def clear(self) -> None:
        """Forget everything that waits, and every failure; keys in hand end by themselves."""
        for keys in self._ready.values():
            keys.clear()
        self._dirty.clear()
        self._plans.clear()
        self._failures.clear()

    # --- what can be seen from outside ----------------------------------------------------------------------

    def depth(self, priority: Priority) -> int:
        """Return how many keys are ready at a priority."""
        return len(self._ready[priority])

    def oldest_age_seconds(self, priority: Priority) -> float:
        """Return how long the key that is ready for longest has waited; 0 where none is."""
        now = self._now()
        return now - min(self._ready[priority].values(), default=now)

    def planned(self) -> int:
        """Return how many keys wait for their time."""
        return len(self._plans)

    def is_planned(self, key: Key) -> bool:
        """Say whether the key waits for its time."""
        return key in self._plans

    def is_idle(self) -> bool:
        """Say whether nothing is being done or about to be; plans for later do not count."""
        return not self._in_hand and not any(self._ready.values())

    # --- how it works ---------------------------------------------------------------------------------------

    def _put_ready(self, key: Key, priority: Priority, since: float | None) -> None:
        self._ready[priority][key] = self._now() if since is None else since
        self._call_worker()

    def _choose(self) -> Priority | None:
        """Return what to give out next; None where nothing is ready, or nothing may be given out now."""
        if self._is_held and not self._passes_through_hold:
            return None
        may_resync = bool(self._ready[Priority.RESYNC]) and self._may_resync()
        if self._ready[Priority.LIVE] and not (may_resync and self._live_in_a_row >= LIVE_KEYS_IN_A_ROW):
            return None if self._turn.is_over(Priority.LIVE) else Priority.LIVE
        return Priority.RESYNC if may_resync else None

    def _may_resync(self) -> bool:
        if self._in_hand_count[Priority.RESYNC] >= self._most_resync_in_hand:
            return False
        is_live_waiting = self._in_hand_count[Priority.LIVE] or self._ready[Priority.LIVE]
        if is_live_waiting and self._turn.resync_keys:
            return False
        return not self._turn.is_over(Priority.RESYNC)

    def _call_worker(self) -> None:
        """Wake one waiting worker, if there is something for it.

        One at a time: who was called takes a key and calls the next, so there is always somebody on the way
        while something can be given out, and nobody comes in vain.
        """
        if self._is_worker_called or not self._waiters or self._choose() is None:
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                self._is_worker_called = True
                return

    async def _wait_to_be_called(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # This worker was called, and then stopped: another one must take the key.
                self._is_worker_called = False
                self._call_worker()
            raise
        self._is_worker_called = False

    def _promote_due(self) -> None:
        self._timer = None
        for key, priority in self._plans.pop_due(self._now()):
            self.add(key, priority)
        self._set_timer()

    def _set_timer(self) -> None:
        due = self._plans.next_due()
        if due is None:
            return
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._promote_due)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
