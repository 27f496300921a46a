"""Everything of ours that runs beside kopf: started in order, stopped in reverse.

```text
watches ─► all synced ─► platform key ─► listener and every key at low priority ─► workers
```

The cache gets its listener only once it is complete. Until then nothing is reconciled, because a decision on
half of the cluster would be a wrong one; and what exists at start-up waits behind what changes afterwards.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from frankenpanel_crds import group
from frankenpanel_crds.labels import FINALIZER_DATA, LABEL_MANAGED_BY, MANAGED_BY

from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.applier import KubernetesApplier
from frankenpanel_operator.cluster.blind_writes import BlindWrites
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.client import ClientLimits, KubernetesClient
from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.cluster.events import KubernetesEventRecorder
from frankenpanel_operator.cluster.informer import Informer
from frankenpanel_operator.cluster.platform_secrets import PlatformSecrets
from frankenpanel_operator.cluster.resources import OUR_RESOURCES, WATCHED_RESOURCES, Resource
from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.dispatcher import Dispatcher, Limits, Reconcile
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import WorkQueue
from frankenpanel_operator.handlers import probes
from frankenpanel_operator.handlers.keys import all_keys, keys_for
from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.ports import Clock
from frankenpanel_operator.settings import Settings

log = structlog.stdlib.get_logger(__name__)

OWNED_SELECTOR = f"{LABEL_MANAGED_BY}={MANAGED_BY}"


@dataclass(frozen=True, slots=True)
class Adapters:
    """What reconcilers are built from; `resources` they open are closed after the last worker has ended."""

    resources: AsyncExitStack
    cache: MemoryObjectCache
    applier: KubernetesApplier
    events: KubernetesEventRecorder
    secrets: PlatformSecrets
    clock: Clock
    platform_key: bytes


BuildReconcilers = Callable[[Adapters], Mapping[str, Reconcile]]


class Runtime:
    """Owns the client, the cache, the watches, the queue and the workers of this process.

    Args:
        settings: the operator's settings.
        connection: how to reach the API server.
        clock: the time of day.
        build_reconcilers: makes one reconciler per kind, once their adapters exist.
    """

    def __init__(
        self, settings: Settings, connection: Connection, clock: Clock, build_reconcilers: BuildReconcilers
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._build_reconcilers = build_reconcilers
        limits = ClientLimits(settings.api_connections, settings.api_timeout_seconds)
        self.client = KubernetesClient(connection, limits)
        self.cache = MemoryObjectCache()
        self.queue = _build_queue(settings)
        self.informers = [
            *(self._informer(resource, "") for resource in OUR_RESOURCES),
            *(self._informer(resource, OWNED_SELECTOR) for resource in WATCHED_RESOURCES),
        ]
        self.health = probes.Health(self.informers, lambda: self._tasks, lambda: self._is_working)
        self._is_working = False
        self._tasks: list[asyncio.Task[None]] = []
        self._endpoint: web.AppRunner | None = None
        self._resources = AsyncExitStack()

    async def open(self) -> None:
        """Open the session and the probes' endpoint; nothing is read yet."""
        await self.client.__aenter__()
        self._endpoint = await probes.serve(self.health, self.settings.metrics_port)
        self._publish_gauges()

    async def start(self) -> None:
        """Start everything, and return once objects are being reconciled; may be called again after an error.

        Raises:
            PlatformKeyLostError: a person must decide.
            FrankenPanelError: try again.
        """
        if not self._tasks:
            for informer in self.informers:
                self._spawn(informer.run(), f"watch-{informer.resource.plural}")
        for informer in self.informers:
            await informer.synced.wait()
        reconcilers = self._build_reconcilers(await self._build_adapters())
        # No await between these lines: what the listener does not hear of, the first round covers.
        self.cache.listen(self._on_change)
        self._queue_everything()
        limits = Limits(
            self.settings.workers,
            self.settings.reconcile_timeout_seconds,
            self.settings.refused_retry_seconds,
        )
        self._spawn(Dispatcher(self.queue, reconcilers, limits).run(), "workers")
        self._spawn(self._resync(), "resync")
        self._is_working = True
        log.info("caches are complete, reconciling", sites=self.cache.count(group.SITE.kind))

    async def stop(self) -> None:
        """Stop everything; what a worker was doing is done again after the next start."""
        self.cache.listen(_ignore)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._resources.aclose()
        if self._endpoint is not None:
            await self._endpoint.cleanup()
        await self.client.__aexit__(None, None, None)

    async def _build_adapters(self) -> Adapters:
        platform = PlatformSecrets(self.client, self.settings.platform_namespace, secrets.token_bytes)
        has_data = any(
            FINALIZER_DATA in (site["metadata"].get("finalizers") or ())
            for site in self.cache.list(group.SITE.kind)
        )
        may_generate = self.settings.allow_new_platform_key or not has_data
        key = await platform.ensure_platform_key(may_generate=may_generate)
        if self.settings.embedded_mariadb:
            await platform.ensure_mariadb_account()
        blind_writes = BlindWrites(time.monotonic, self.settings.secret_rewrite_seconds)
        return Adapters(
            resources=self._resources,
            cache=self.cache,
            applier=KubernetesApplier(self.client, self.cache, blind_writes),
            events=KubernetesEventRecorder(self.client, self.clock),
            secrets=platform,
            clock=self.clock,
            platform_key=key,
        )

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self.settings.resync_seconds)
            self._queue_everything()

    def _on_change(self, old: Manifest | None, new: Manifest | None) -> None:
        for key, priority in keys_for(old, new, self.cache):
            self.queue.add(key, priority)

    def _queue_everything(self) -> None:
        for key in all_keys(self.cache):
            self.queue.add(key, Priority.RESYNC)

    def _informer(self, resource: Resource, selector: str) -> Informer:
        return Informer(self.client, resource, self.cache, selector=selector, random=_random)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report_end)
        self._tasks.append(task)

    def _publish_gauges(self) -> None:
        for priority in Priority:
            depth = metrics.QUEUE_DEPTH.labels(priority.name.lower())
            depth.set_function(partial(self.queue.depth, priority))
        metrics.QUEUE_DEPTH.labels("planned").set_function(self.queue.planned)
        for resource in (*OUR_RESOURCES, *WATCHED_RESOURCES):
            gauge = metrics.CACHED_OBJECTS.labels(resource.kind)
            gauge.set_function(partial(self.cache.count, resource.kind))


def _build_queue(settings: Settings) -> WorkQueue:
    backoff = Backoff(_random, settings.backoff_base_seconds, settings.backoff_cap_seconds)

    def on_wait(priority: Priority, seconds: float) -> None:
        metrics.QUEUE_WAIT_SECONDS.labels(priority.name.lower()).observe(seconds)

    # A change must not wait until one of the passes that nobody waits for has ended.
    kept_free = settings.workers // 4
    return WorkQueue(backoff, on_wait, most_resync_in_hand=settings.workers - kept_free)


def _random() -> float:
    """Draw a number for jitter, which needs to be unequal and not unpredictable."""
    return random.random()  # noqa: S311


def _report_end(task: asyncio.Task[None]) -> None:
    """Log the end of what never ends; the liveness probe does the rest."""
    if not task.cancelled():
        log.critical("a part of the operator ended", task=task.get_name(), exc_info=task.exception())


def _ignore(old: Manifest | None, new: Manifest | None) -> None:
    """Listen to nothing."""
