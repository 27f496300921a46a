"""Everything of ours that runs beside kopf: started in order, stopped in reverse.

```text
watches ─► all synced ─► standby ─► leading: platform key ─► listener and every key at low priority ─► workers
                            ▲                                                                            │
                            └──────────────────────────── term over: queue emptied ◄─────────────────────┘
```

The cache gets its listener only once it is complete and this replica leads. Until then nothing is reconciled,
because a decision on half of the cluster would be a wrong one; and what exists at the beginning of a term
waits behind what changes afterwards. A standby keeps its cache up to date, so that it can lead at once.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from frankenpanel_crds import group
from frankenpanel_crds.labels import LABEL_MANAGED_BY, MANAGED_BY

from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.cache import Change, MemoryObjectCache
from frankenpanel_operator.cluster.canary import Canary
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.cluster.informer import Informer
from frankenpanel_operator.cluster.lease import Clocks, LeaseElector, LeaseTimes, SoleLeader
from frankenpanel_operator.cluster.lease_store import LeaseStore
from frankenpanel_operator.cluster.platform_secrets import PlatformKeyLostError
from frankenpanel_operator.cluster.resources import OUR_RESOURCES, WATCHED_RESOURCES
from frankenpanel_operator.cluster.transport import ClientLimits
from frankenpanel_operator.cluster.write_gate import WriteGate
from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.circuits import PROBE_BASE_SECONDS, PROBE_CAP_SECONDS, Circuits
from frankenpanel_operator.engine.dispatcher import Dispatcher, Limits, Reconcile
from frankenpanel_operator.engine.fingerprints import Fingerprints
from frankenpanel_operator.engine.in_flight import InFlight
from frankenpanel_operator.engine.leadership import Leadership
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import WorkQueue
from frankenpanel_operator.errors import KUBERNETES, FrankenPanelError
from frankenpanel_operator.handlers import gauges, probes
from frankenpanel_operator.handlers.adapters import (
    Adapters,
    BuildReconcilers,
    Foundation,
    build_adapters,
)
from frankenpanel_operator.handlers.inputs import inputs_of
from frankenpanel_operator.handlers.keys import all_keys, keys_for
from frankenpanel_operator.handlers.leader import Elector, LeaderCycle
from frankenpanel_operator.ports import Clock
from frankenpanel_operator.settings import Settings

__all__ = ["Adapters", "BuildReconcilers", "Runtime"]

log = structlog.stdlib.get_logger(__name__)

OWNED_SELECTOR = f"{LABEL_MANAGED_BY}={MANAGED_BY}"
_PREPARATION_RETRY_SECONDS = 1.0
_DRAIN_SECONDS = 1.0
_WATCH_CONNECTIONS = len((*OUR_RESOURCES, *WATCHED_RESOURCES))
_LEASE_CONNECTIONS = 2
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Runtime:
    """Owns the client, the cache, the watches, the queue and the workers of this process.

    Attributes:
        leading: set while this replica reconciles.

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
        self.leading = asyncio.Event()
        self.leadership = Leadership(_monotonic)
        self.queue = _build_queue(settings)
        self.circuits = Circuits(self.queue, Backoff(_random, PROBE_BASE_SECONDS, PROBE_CAP_SECONDS))
        limits = _client_limits(settings)
        self.gate = _build_gate(limits, self.circuits)
        self.client = KubernetesClient(connection, limits, fence=self.leadership.check, gate=self.gate)
        self.cache = MemoryObjectCache()
        self.informers = _build_informers(self.client, self.cache)
        self.canary = _build_canary(settings, self.client, self.cache, self.informers)
        self.health = probes.Health(
            self.informers, lambda: self._tasks, self._is_settled, self.canary.deaf_kinds
        )
        self._base = Foundation(settings, self.client, self.cache, self.leadership, clock)
        self._build_reconcilers = build_reconcilers
        self._elector = _build_elector(self._base)
        self._tasks: list[asyncio.Task[None]] = []
        self._endpoint: web.AppRunner | None = None

    async def open(self) -> None:
        """Open the sessions and the probes' endpoint; nothing is read yet."""
        await self.client.__aenter__()
        self._endpoint = await probes.serve(self.health, self.settings.metrics_port)
        gauges.publish_queue(self.queue)
        gauges.publish_cache(self.cache)
        gauges.publish_writes(self.gate.in_flight)

    async def start(self) -> None:
        """Start everything, and return once this replica leads or has seen another one lead.

        Raises:
            PlatformKeyLostError: a person must decide.
        """
        for informer in self.informers:
            self._spawn(informer.run(), f"watch-{informer.resource.plural}")
        for informer in self.informers:
            await informer.synced.wait()
        log.info("caches are complete", sites=self.cache.count(group.SITE.kind))
        self._spawn(self.canary.run(self.settings.canary_seconds), "canary")
        cycle = LeaderCycle(self._elector, self._lead, self._drain)
        await self._until_settled(self._spawn(cycle.run(), "leadership"))

    async def stop(self) -> None:
        """Stop everything; what a worker was doing is done again by the next leader."""
        for task in reversed(self._tasks):
            # The term ends first, so that another replica can lead while this one clears up.
            task.cancel()
            await asyncio.wait([task])
        if self._endpoint is not None:
            await self._endpoint.cleanup()
        await self.client.__aexit__(None, None, None)

    async def _until_settled(self, cycle: asyncio.Task[None]) -> None:
        signs = [asyncio.create_task(sign.wait()) for sign in (self.leading, self._elector.standing_by)]
        try:
            await asyncio.wait((cycle, *signs), return_when=asyncio.FIRST_COMPLETED)
            if cycle.done():
                await cycle
        finally:
            for sign in signs:
                sign.cancel()

    def _is_settled(self) -> bool:
        return self.leading.is_set() or self._elector.standing_by.is_set()

    async def _lead(self) -> None:
        """Reconcile until cancelled; everything that this opens is closed at its end."""
        async with AsyncExitStack() as resources:
            reconcilers = self._build_reconcilers(await self._prepare(resources))
            dispatcher = self._new_dispatcher(reconcilers)
            resources.callback(self._rest)
            # No await between these lines: what the listener does not hear of, the first round covers.
            self.cache.listen(self._on_change)
            self._queue_everything()
            async with asyncio.TaskGroup() as work:
                work.create_task(dispatcher.run(), name="workers")
                work.create_task(self._resync(), name="resync")
                self.leading.set()
                log.info("reconciling", term=self.leadership.term)

    def _rest(self) -> None:
        """Forget what was to be done; the next leader looks at everything anyway."""
        self.leading.clear()
        self.cache.listen(_ignore)
        self.circuits.clear()
        self.queue.clear()
        self.gate.open()

    async def _drain(self) -> None:
        """Let the writes under way end before the term is given back, and begin no other one."""
        await self.gate.drain(_DRAIN_SECONDS)

    async def _prepare(self, resources: AsyncExitStack) -> Adapters:
        while True:
            try:
                return await build_adapters(self._base, resources)
            except PlatformKeyLostError:
                raise
            except FrankenPanelError as error:
                log.warning("cannot lead yet", reason=str(error))
                await asyncio.sleep(_PREPARATION_RETRY_SECONDS)

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self.settings.resync_seconds)
            self._queue_everything()

    def _on_change(self, change: Change) -> None:
        for work in keys_for(change, self.cache):
            self.queue.add_after(work.key, work.delay_seconds, work.priority)

    def _queue_everything(self) -> None:
        for key in all_keys(self.cache):
            self.queue.add(key, Priority.RESYNC)

    def _new_dispatcher(self, reconcilers: Mapping[str, Reconcile]) -> Dispatcher:
        return Dispatcher(
            self.queue,
            reconcilers,
            _dispatcher_limits(self.settings),
            circuits=self.circuits,
            # A Secret is written again only in a pass, so passes must take place more often than that is due.
            fingerprints=Fingerprints(time.monotonic, self.settings.secret_rewrite_seconds / 2),
            inputs=partial(inputs_of, cache=self.cache),
        )

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report_end)
        self._tasks.append(task)
        return task


def _build_queue(settings: Settings) -> WorkQueue:
    backoff = Backoff(_random, settings.backoff_base_seconds, settings.backoff_cap_seconds)

    def on_wait(priority: Priority, seconds: float) -> None:
        metrics.QUEUE_WAIT_SECONDS.labels(priority.name.lower()).observe(seconds)

    # A change must not wait until one of the passes that nobody waits for has ended.
    kept_free = settings.workers // 4
    return WorkQueue(backoff, on_wait, most_resync_in_hand=settings.workers - kept_free)


def _build_gate(limits: ClientLimits, circuits: Circuits) -> WriteGate:
    in_flight = InFlight(time.monotonic, most=limits.request_connections)
    return WriteGate(in_flight, on_written=partial(circuits.healthy, KUBERNETES))


def _build_informers(client: KubernetesClient, cache: MemoryObjectCache) -> list[Informer]:
    selectors = {**dict.fromkeys(OUR_RESOURCES, ""), **dict.fromkeys(WATCHED_RESOURCES, OWNED_SELECTOR)}
    return [
        Informer(client, resource, cache, selector=selector, random=_random)
        for resource, selector in selectors.items()
    ]


def _build_canary(
    settings: Settings, client: KubernetesClient, cache: MemoryObjectCache, informers: Sequence[Informer]
) -> Canary:
    namespace, identity = settings.platform_namespace, secrets.token_hex(4)
    return Canary(client, cache, informers, namespace=namespace, identity=identity)


def _build_elector(base: Foundation) -> Elector:
    settings = base.settings
    if not settings.leader_election:
        return SoleLeader(base.leadership)
    return LeaseElector(
        LeaseStore(base.client.transport, settings.platform_namespace),
        base.leadership,
        settings.identity or f"{socket.gethostname()}-{secrets.token_hex(3)}",
        LeaseTimes(settings.lease_seconds, settings.lease_renew_seconds, settings.lease_retry_seconds),
        Clocks(base.clock, _monotonic),
    )


def _client_limits(settings: Settings) -> ClientLimits:
    return ClientLimits(
        watch_connections=_WATCH_CONNECTIONS,
        request_connections=settings.api_connections - _WATCH_CONNECTIONS - _LEASE_CONNECTIONS,
        lease_connections=_LEASE_CONNECTIONS,
        request_timeout_seconds=settings.api_timeout_seconds,
        lease_timeout_seconds=settings.lease_renew_seconds,
    )


def _dispatcher_limits(settings: Settings) -> Limits:
    return Limits(settings.workers, settings.reconcile_timeout_seconds, settings.refused_retry_seconds)


def _monotonic() -> float:
    """Read a clock that never jumps, and that goes on while the machine sleeps: a Lease does not wait."""
    return time.clock_gettime(_BOOT_CLOCK)


def _random() -> float:
    """Draw a number for jitter, which needs to be unequal and not unpredictable."""
    return random.random()  # noqa: S311


def _report_end(task: asyncio.Task[None]) -> None:
    """Log the end of what never ends; the liveness probe does the rest."""
    if not task.cancelled():
        log.critical("a part of the operator ended", task=task.get_name(), exc_info=task.exception())


def _ignore(change: Change) -> None:
    """Listen to nothing."""
