"""The loop of every worker: take a key, reconcile it, decide once what its error means.

This is the only place where an error becomes a retry. Reconcilers raise the errors of `errors` and never
wait; adapters never retry.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import structlog

from frankenpanel_operator import metrics
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.engine.priority import CURRENT_PRIORITY
from frankenpanel_operator.engine.work_queue import WorkQueue
from frankenpanel_operator.errors import ClusterRefusedError, ConflictError, SpecError, TransientError

log = structlog.stdlib.get_logger(__name__)

Reconcile = Callable[[Key], Awaitable[Outcome]]


class Verdict(StrEnum):
    """What a reconcile's end means; also the `outcome` label of the metrics."""

    DONE = "done"
    CONFLICT = "conflict"
    TRANSIENT = "transient"
    REFUSED = "refused"
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
    """Runs the workers that empty a queue into one reconciler per kind."""

    def __init__(self, queue: WorkQueue, reconcilers: Mapping[str, Reconcile], limits: Limits) -> None:
        self._queue = queue
        self._reconcilers = reconcilers
        self._limits = limits

    async def run(self) -> None:
        """Work until cancelled; a worker that dies takes the others with it, so that nobody misses it."""
        async with asyncio.TaskGroup() as workers:
            for number in range(self._limits.workers):
                workers.create_task(self._work(), name=f"worker-{number}")

    async def _work(self) -> None:
        while True:
            job = await self._queue.get()
            CURRENT_PRIORITY.set(job.priority)
            try:
                await self._process(job.key)
            finally:
                self._queue.done(job.key)

    async def _process(self, key: Key) -> None:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._limits.reconcile_timeout_seconds):
                outcome = await self._reconcilers[key.kind](key)
        except Exception as error:  # noqa: BLE001  the worker's root: whatever it is, the next key must be served
            verdict = self._plan_next_try(key, error)
        else:
            verdict = Verdict.DONE
            self._queue.forget(key)
            if outcome.requeue_after_seconds is not None:
                self._queue.add_after(key, outcome.requeue_after_seconds)
        metrics.RECONCILE_SECONDS.labels(key.kind, verdict).observe(time.perf_counter() - started)

    def _plan_next_try(self, key: Key, error: Exception) -> Verdict:
        verdict = classify(error)
        logger = log.bind(key=str(key), verdict=verdict)
        match verdict:
            case Verdict.CONFLICT:
                delay = self._retry_conflict(key)
                logger.debug("somebody else wrote first", delay_seconds=delay)
            case Verdict.TRANSIENT:
                at_least = getattr(error, "retry_after_seconds", None) or 0.0
                delay = self._queue.retry(key, at_least_seconds=at_least)
                logger.warning("reconcile will be retried", reason=_describe(error), delay_seconds=delay)
            case Verdict.REFUSED:
                delay = self._queue.retry_slowly(key, self._limits.refused_retry_seconds)
                logger.warning("reconcile needs a person", reason=_describe(error), delay_seconds=delay)
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


def _describe(error: Exception) -> str:
    return str(error) or type(error).__name__
