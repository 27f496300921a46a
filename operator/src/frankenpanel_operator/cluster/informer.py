"""Keeps the cache in step with one kind: a complete list, then a watch from that version on, for ever.

The list comes in pages; the watch asks for bookmarks, which move the version along while nothing happens, so
that a reconnect seldom has to list again. A watch that is silent for longer than the server's bookmark
interval is dead and is replaced.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import structlog

from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.api_errors import ExpiredError, NotFoundError, error_for
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.resources import Resource
from frankenpanel_operator.errors import ClusterRefusedError, ClusterUnavailableError
from frankenpanel_operator.observed import Manifest

log = structlog.stdlib.get_logger(__name__)

PAGE_SIZE = 500
# The server ends a watch after this; a fresh connection also heals what no error ever told us about.
WATCH_SECONDS = (300, 600)
# A watch that ends sooner than this was refused rather than served: the next one waits.
_SHORT_WATCH_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 30.0


async def list_all(
    client: KubernetesClient, resource: Resource, selector: str = ""
) -> tuple[list[Manifest], str]:
    """Read every object of a kind, page by page; return them and the version of the list.

    Raises:
        ExpiredError: the list took so long that its later pages are gone; begin again.
    """
    params = {"limit": str(PAGE_SIZE)}
    if selector:
        params["labelSelector"] = selector
    objects: list[Manifest] = []
    while True:
        page = await client.list_page(resource, params)
        for body in page.get("items") or ():
            # The items of a list do not repeat what the list says for all of them.
            body["apiVersion"], body["kind"] = resource.api_version, resource.kind
            body["metadata"].pop("managedFields", None)
            objects.append(body)
        following = page["metadata"].get("continue")
        if not following:
            return objects, page["metadata"]["resourceVersion"]
        params["continue"] = following


class Informer:
    """Feeds one kind's objects, as far as the selector matches, into the cache.

    Attributes:
        synced: set once the first complete list is in the cache.
    """

    def __init__(
        self,
        client: KubernetesClient,
        resource: Resource,
        cache: MemoryObjectCache,
        *,
        selector: str,
        random: Callable[[], float],
    ) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self._client = client
        self._cache = cache
        self._selector = selector
        self._random = random
        self._version: str | None = None
        self._failures = 0
        self._last_sign = time.monotonic()

    def silence_seconds(self) -> float:
        """Return how long ago this informer last heard of the server, or at least tried to."""
        return time.monotonic() - self._last_sign

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            self._last_sign = time.monotonic()
            try:
                if self._version is None:
                    await self._list()
                await self._watch(self._version)
            except ExpiredError:
                log.info("watch expired, listing again", kind=self.resource.kind)
                self._version = None
            except (ClusterUnavailableError, ClusterRefusedError, NotFoundError) as error:
                await self._pause(error)

    async def _list(self) -> None:
        metrics.WATCH_RELISTS.labels(self.resource.kind).inc()
        objects, version = await list_all(self._client, self.resource, self._selector)
        self._cache.replace(self.resource.kind, objects, version)
        self._version = version
        self._last_sign = time.monotonic()
        self.synced.set()

    async def _watch(self, since: str | None) -> None:
        low, high = WATCH_SECONDS
        params = {
            "resourceVersion": since or "",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(int(low + (high - low) * self._random())),
        }
        if self._selector:
            params["labelSelector"] = self._selector
        started = time.monotonic()
        async with aclosing(self._client.watch(self.resource, params)) as events:
            async for event in events:
                self._last_sign = time.monotonic()
                self._failures = 0
                self._take(event["type"], event["object"])
        if time.monotonic() - started < _SHORT_WATCH_SECONDS:
            raise ClusterUnavailableError("the watch ended at once")

    def _take(self, event_type: str, body: dict[str, Any]) -> None:
        match event_type:
            case "ADDED" | "MODIFIED":
                self._cache.put(body)
            case "DELETED":
                self._cache.remove(body)
            case "BOOKMARK":
                pass
            case _:
                raise error_for(int(body.get("code", 500)), body, subject=f"watch {self.resource.kind}")
        self._version = body["metadata"]["resourceVersion"]

    async def _pause(self, error: Exception) -> None:
        self._failures += 1
        named = getattr(error, "retry_after_seconds", None) or 0.0
        doubled = min(_MAX_PAUSE_SECONDS, 0.1 * 2 ** min(self._failures, 16))
        pause = max(named, doubled * (0.5 + self._random() / 2))
        log.warning(
            "watch interrupted", kind=self.resource.kind, reason=str(error), pause_seconds=round(pause, 2)
        )
        await asyncio.sleep(pause)
