"""Lets the metrics ask the parts of this process for their state when they are scraped."""

from __future__ import annotations

import math
from functools import partial

from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.resources import OUR_RESOURCES, WATCHED_RESOURCES
from frankenpanel_operator.cluster.write_gate import Concurrency
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import WorkQueue
from frankenpanel_operator.observed import ObjectRef
from frankenpanel_operator.reconcilers.certificate_memory import CertificateMemory, CertificateState


def publish_queue(queue: WorkQueue) -> None:
    """Publish how much waits in the queue."""
    for priority in Priority:
        metrics.QUEUE_DEPTH.labels(priority.name.lower()).set_function(partial(queue.depth, priority))
        age = metrics.QUEUE_AGE_SECONDS.labels(priority.name.lower())
        age.set_function(partial(queue.oldest_age_seconds, priority))
    metrics.QUEUE_DEPTH.labels("planned").set_function(queue.planned)


def publish_cache(cache: MemoryObjectCache) -> None:
    """Publish how much is in memory."""
    for resource in (*OUR_RESOURCES, *WATCHED_RESOURCES):
        metrics.CACHED_OBJECTS.labels(resource.kind).set_function(partial(cache.count, resource.kind))
        metrics.CACHE_BYTES.labels(resource.kind).set_function(partial(cache.bytes, resource.kind))


def publish_writes(in_flight: Concurrency) -> None:
    """Publish how many writes are under way, and how many may be."""
    metrics.WRITES_IN_FLIGHT.set_function(lambda: in_flight.count)
    metrics.WRITE_LIMIT.set_function(lambda: in_flight.limit)


def publish_certificates(memory: CertificateMemory, cache: MemoryObjectCache) -> None:
    """Publish how many certificates there are in each state, and when the first one ends."""

    def exists(domain: ObjectRef) -> bool:
        return cache.stamp(domain) > 0

    def earliest_end() -> float:
        memory.retain(exists)
        end = memory.earliest_end()
        return math.inf if end is None else end.timestamp()

    metrics.EARLIEST_CERTIFICATE_END.set_function(earliest_end)
    for state in CertificateState:
        metrics.CERTIFICATES.labels(state.value).set_function(partial(memory.count, state))
