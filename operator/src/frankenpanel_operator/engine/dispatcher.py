"""The loop of every worker: take a key, reconcile it, decide once what its error means.

```text
get ─► same inputs as after the last good pass? ──yes──► unchanged
           │ no
           ▼
       reconcile ─► done ──────────► failures forgotten, inputs remembered, another pass when it asks for one
           │
           └─► error ─► conflict     somebody wrote first: at once
                        transient    after a backoff of its own, or parked until what it needs answers again
                        refused      only an edit should heal it: slowly
                        fenced       this replica does not lead any more: not our business now
                        unexpected   a defect of ours: logged whole, after a backoff
```

This is the only place where an error becomes a retry. Reconcilers raise the errors of `errors` and never
wait; adapters never retry.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import structlog

from frankenpanel_operator import metrics
from frankenpanel_operator.engine.circuits import Circuits
from frankenpanel_operator.engine.fingerprints import Fingerprints
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.engine.priority import CURRENT_PRIORITY
from frankenpanel_operator.engine.work_queue import WorkQueue
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    ConflictError,
    LeadershipLostError,
    SpecError,
    TransientError,
)

log = structlog.stdlib.get_logger(__name__)

Reconcile = Callable[[Key], Awaitable[Outcome]]
Inputs = Callable[[Key], Hashable | None]
"""Returns a fingerprint of all that a reconcile of the key reads; None where its pass must never be spared.

Two of them may be equal only where nothing at all was changed in between, not even there and back. And
whatever changes one puts the key into the queue, in the same step in which the change can be seen.
"""


class Verdict(StrEnum):
    """What a reconcile's end means; also the `outcome` label of the metrics."""

    DONE = "done"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    TRANSIENT = "transient"
    REFUSED = "refused"
    FENCED = "fenced"
    UNEXPECTED = "unexpected"


def classify(error: Exception) -> Verdict:
    """Say what an error means for the next try."""
    match error:
        case ConflictError():
            return Verdict.CONFLICT
        case TransientError() | TimeoutError():
            return Verdict.TRANSIENT
        case SpecError() | ClusterRefusedError():
            return Verdict.REFUSED
        case LeadershipLostError():
            return Verdict.FENCED
        case _:
            return Verdict.UNEXPECTED


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and how long.

    Attributes:
        workers: reconciles in flight.
        reconcile_timeout_seconds: after this a reconcile is abandoned, so that a hung dependency cannot
            keep a worker for ever.
        refused_retry_seconds: when to look again at what only an edit should heal; covers the edits that
            no watch shows us, such as a quota or a role.
    """

    workers: int = 8
    reconcile_timeout_seconds: float = 120.0
    refused_retry_seconds: float = 300.0


class Dispatcher:
    """Runs the workers that empty a queue into one reconciler per kind.

    Args:
        queue: where the keys come from, and where they go for another try.
        reconcilers: by kind.
        limits: see there.
        circuits: told of every failure of a dependency, and of every answer.
        fingerprints: what is known of passes that may be spared.
        inputs: what is compared with it.
    """

    def __init__(
        self,
        queue: WorkQueue,
        reconcilers: Mapping[str, Reconcile],
        limits: Limits,
        *,
        circuits: Circuits,
        fingerprints: Fingerprints,
        inputs: Inputs,
    ) -> None:
        self._queue = queue
        self._reconcilers = reconcilers
        self._limits = limits
        self._circuits = circuits
        self._fingerprints = fingerprints
        self._inputs = inputs

    async def run(self) -> None:
        """Work until cancelled; a worker that dies takes the others with it, so that nobody misses it."""
        async with asyncio.TaskGroup() as workers:
            for number in range(self._limits.workers):
                workers.create_task(self._work(), name=f"worker-{number}")

    async def _work(self) -> None:
        while True:
            job = await self._queue.get()
            CURRENT_PRIORITY.set(job.priority)
            self._circuits.began(job.key)
            started = time.perf_counter()
            try:
                verdict = await self._process(job.key)
            finally:
                self._circuits.ended(job.key)
                self._queue.done(job.key)
            metrics.RECONCILE_SECONDS.labels(job.key.kind, verdict).observe(time.perf_counter() - started)

    async def _process(self, key: Key) -> Verdict:
        try:
            return await self._look_at(key)
        except Exception as error:  # noqa: BLE001  the worker's root: whatever it is, the next key must be served
            return self._plan_next_try(key, error)

    async def _look_at(self, key: Key) -> Verdict:
        # No await since the key was given out: what changes from now on finds it in hand, and marks it.
        before = self._inputs(key)
        if before is not None and self._fingerprints.is_same(key, before):
            # Being given out dropped the key's plan, and a pass that is spared makes none.
            self._plan_look(key, self._fingerprints.due_seconds(key))
            return Verdict.UNCHANGED
        self._fingerprints.forget(key)
        async with asyncio.timeout(self._limits.reconcile_timeout_seconds):
            outcome = await self._reconcilers[key.kind](key)
        self._conclude(key, outcome, before)
        return Verdict.DONE

    def _conclude(self, key: Key, outcome: Outcome, before: Hashable | None) -> None:
        self._queue.forget(key)
        for dependency in outcome.healthy:
            self._circuits.healthy(dependency)
        for dependency in outcome.down:
            self._circuits.down(dependency)
        self._remember(key, before, outcome.requeue_after_seconds)
        self._plan_look(key, outcome.requeue_after_seconds)

    def _plan_look(self, key: Key, seconds: float | None) -> None:
        if seconds is not None:
            self._queue.add_after(key, seconds)

    def _remember(self, key: Key, before: Hashable | None, due_seconds: float | None) -> None:
        """Remember the inputs of a pass that ended well, unless it may not have seen all of them.

        A pass changes its own inputs when it writes, so those after it count. Whatever a foreign hand changed
        meanwhile has asked for another pass, which must take place: the changed inputs were seen here, and
        perhaps not by the pass.
        """
        after = self._inputs(key)
        if after is None:
            return
        if after == before or not self._queue.is_wanted_again(key):
            self._fingerprints.remember(key, after, due_seconds)

    def _plan_next_try(self, key: Key, error: Exception) -> Verdict:
        verdict = classify(error)
        logger = log.bind(key=str(key), verdict=verdict)
        match verdict:
            case Verdict.CONFLICT:
                delay = self._retry_conflict(key)
                logger.debug("somebody else wrote first", delay_seconds=delay)
            case Verdict.TRANSIENT:
                self._retry_or_park(key, error)
            case Verdict.REFUSED:
                delay = self._queue.retry_slowly(key, self._limits.refused_retry_seconds)
                logger.warning("reconcile needs a person", reason=_describe(error), delay_seconds=delay)
            case Verdict.FENCED:
                # Whoever leads now has this key in its own queue.
                logger.debug("reconcile broken off, another replica leads")
            case _:
                delay = self._queue.retry(key)
                logger.error("reconcile failed unexpectedly", exc_info=error, delay_seconds=delay)
        return verdict

    def _retry_conflict(self, key: Key) -> float:
        """Retry at once, but only the first time: the cache may need a moment to learn of the other write."""
        if self._queue.failures(key):
            return self._queue.retry(key)
        self._queue.count_failure(key)
        self._queue.add(key)
        return 0.0

    def _retry_or_park(self, key: Key, error: Exception) -> None:
        dependency = error.dependency if isinstance(error, TransientError) else None
        at_least = (error.retry_after_seconds if isinstance(error, TransientError) else None) or 0.0
        if dependency is not None and self._circuits.failed(dependency, key, at_least):
            # The outage has a line of its own; one for each that waits would drown it.
            log.debug("reconcile waits", key=str(key), reason=_describe(error), dependency=dependency)
            return
        delay = self._queue.retry(key, at_least_seconds=at_least)
        log.warning("reconcile will be retried", key=str(key), reason=_describe(error), delay_seconds=delay)


def _describe(error: Exception) -> str:
    return str(error) or type(error).__name__
