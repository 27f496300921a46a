"""Tells a deaf watch from a quiet one.

A watch whose connection stands and which brings nothing looks like one in whose kind nothing happens. So the
operator writes a small object of its own now and then, and expects the watch to bring it; and of every other
kind it expects that the watch gets as far as the newest of our own writes. A watch that does not, while
writes succeed, is replaced and lists again; if even that does not help, liveness fails.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import structlog
from frankenpanel_crds.labels import LABEL_MANAGED_BY, LABEL_PART_OF, MANAGED_BY, PART_OF

from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.api_errors import NotFoundError
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.client import KubernetesClient, PatchType
from frankenpanel_operator.cluster.resources import Resource, resource_of
from frankenpanel_operator.errors import FrankenPanelError
from frankenpanel_operator.observed import Manifest

log = structlog.stdlib.get_logger(__name__)

CANARY_NAME = "frankenpanel-operator-canary"
"""One object for all replicas: whoever writes to it, a watch has to get as far as its own replica's write."""

CANARY_KIND = "ConfigMap"
# An echo takes milliseconds, and a complete list of a large cluster some seconds.
PATIENCE_SECONDS = 15.0
_POLL_SECONDS = 0.1
_GOODBYE_SECONDS = 2.0
_DELETE_OPTIONS = {"apiVersion": "v1", "kind": "DeleteOptions"}


class Watch(Protocol):
    """What is asked of an informer."""

    resource: Resource

    def heard_version(self) -> int:
        """Return the version up to which everything was heard."""

    def is_interrupted(self) -> bool:
        """Say whether it knows by itself that it does not hear, and tries again."""

    def restart(self, *, relist: bool = False) -> None:
        """Begin anew on another connection."""


class Canary:
    """Proves at intervals that the watches hear.

    Args:
        client: writes the object; not fenced, since a standby has to hear as well.
        cache: knows our newest writes.
        watches: the watches to be proven; one of them is that of ConfigMaps.
        namespace: the platform's namespace.
        identity: makes this replica's writes differ from another's, so that each is a change.
    """

    def __init__(
        self,
        client: KubernetesClient,
        cache: MemoryObjectCache,
        watches: Sequence[Watch],
        *,
        namespace: str,
        identity: str,
    ) -> None:
        self._client = client
        self._cache = cache
        self._watches = watches
        self._namespace = namespace
        self._identity = identity
        self._beats = 0
        self._last_heard = time.monotonic()
        self._deaf_kinds: tuple[str, ...] = ()
        metrics.CANARY_AGE_SECONDS.set_function(lambda: time.monotonic() - self._last_heard)

    def deaf_kinds(self) -> tuple[str, ...]:
        """Name the kinds whose watches were deaf even after they had been replaced."""
        return self._deaf_kinds

    async def run(self, interval_seconds: float) -> None:
        """Prove at intervals until cancelled; then take the object away."""
        try:
            while True:
                await asyncio.sleep(interval_seconds)
                await self.prove(PATIENCE_SECONDS)
        finally:
            if self._beats:
                await self._take_away()

    async def prove(self, patience_seconds: float) -> None:
        """Write once and wait for the watches; replace those that stay behind, and wait once more."""
        expected = {kind: self._cache.newest_own_write(kind) for kind in self._kinds()}
        try:
            expected[CANARY_KIND] = max(expected[CANARY_KIND], await self._write())
        except FrankenPanelError as error:
            # Where nothing can be written nothing can be heard, and that is known without a canary.
            log.debug("canary not written", reason=str(error))
            return
        deaf = await self._behind(expected, patience_seconds)
        if deaf:
            log.warning("watches are deaf and are replaced", kinds=[watch.resource.kind for watch in deaf])
            for watch in self._watches:
                watch.restart(relist=watch in deaf)
            deaf = await self._behind(expected, patience_seconds)
        self._deaf_kinds = tuple(watch.resource.kind for watch in deaf)
        if not deaf:
            self._last_heard = time.monotonic()

    async def _take_away(self) -> None:
        with suppress(FrankenPanelError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._client.delete(resource_of(CANARY_KIND), self._target, _DELETE_OPTIONS)

    @property
    def _target(self) -> tuple[str, str]:
        return self._namespace, CANARY_NAME

    def _kinds(self) -> set[str]:
        return {watch.resource.kind for watch in self._watches} | {CANARY_KIND}

    async def _behind(self, expected: dict[str, int], patience_seconds: float) -> list[Watch]:
        """Return the watches that have not come as far as expected when the patience ends."""
        deadline = time.monotonic() + patience_seconds
        while True:
            behind = [
                watch
                for watch in self._watches
                if watch.heard_version() < expected[watch.resource.kind] and not watch.is_interrupted()
            ]
            if not behind or time.monotonic() >= deadline:
                return behind
            await asyncio.sleep(_POLL_SECONDS)

    async def _write(self) -> int:
        """Change the object, or make it where it is missing; return the version to be heard of."""
        self._beats += 1
        data = {"beat": f"{self._identity} {self._beats}"}
        resource = resource_of(CANARY_KIND)
        try:
            stored = await self._client.patch(resource, self._target, {"data": data}, PatchType.MERGE)
        except NotFoundError:
            stored = await self._client.create(resource, self._namespace, self._manifest(data))
        return int(stored["metadata"]["resourceVersion"])

    def _manifest(self, data: dict[str, str]) -> Manifest:
        labels = {LABEL_PART_OF: PART_OF, LABEL_MANAGED_BY: MANAGED_BY}
        metadata = {"name": CANARY_NAME, "namespace": self._namespace, "labels": labels}
        return {"apiVersion": "v1", "kind": CANARY_KIND, "metadata": metadata, "data": data}
