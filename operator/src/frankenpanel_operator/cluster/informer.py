"""Keeps the cache in step with one kind: a complete list, then every change from that version on, for ever.

Where the API server offers it, the list comes through the watch itself, object by object, and ends with a
bookmark that says so; neither side ever holds the whole list in memory. Otherwise it comes in pages. Further
bookmarks move the version along while nothing happens, so that a reconnect seldom has to list again. A watch
that is silent for longer than the server's bookmark interval is dead and is replaced.
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
from frankenpanel_operator.cluster.cache import Listing, MemoryObjectCache
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.listing import read_pages
from frankenpanel_operator.cluster.resources import Resource
from frankenpanel_operator.errors import ClusterRefusedError, ClusterUnavailableError
from frankenpanel_operator.observed import Manifest

log = structlog.stdlib.get_logger(__name__)

# The server ends a watch after this; a fresh connection also heals what no error ever told us about.
WATCH_SECONDS = (300, 600)
# Events of one watch that are at hand are taken for so long before everybody else gets a turn.
TURN_SECONDS = 0.002
# A watch that ends sooner than this was refused rather than served: the next one waits.
_SHORT_WATCH_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 30.0
_END_OF_LIST = "k8s.io/initial-events-end"
_STREAMED_LIST = {
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "resourceVersion": "",
}


class _ListNotStreamedError(Exception):
    """The API server does not know how to send a list through a watch."""


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
        self._listing: Listing | None = None
        self._is_list_streamed = True
        self._failures = 0
        self._has_expired = False
        self._last_sign = time.monotonic()
        self._until_restart: asyncio.Timeout | None = None
        self._is_relist_asked = False

    def silence_seconds(self) -> float:
        """Return how long ago this informer last heard of the server, or at least tried to."""
        return time.monotonic() - self._last_sign

    def heard_version(self) -> int:
        """Return the version up to which everything was heard; 0 while a list is under way."""
        return int(self._version or 0)

    def is_interrupted(self) -> bool:
        """Say whether the last attempt to list or watch failed, so that the next one is under way."""
        return self._failures > 0

    def restart(self, *, relist: bool = False) -> None:
        """Leave the present watch for a new one, on a new connection; list again where that is asked for."""
        self._is_relist_asked |= relist
        if self._until_restart is not None:
            self._until_restart.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            self._last_sign = time.monotonic()
            try:
                await self._follow()
            except _ListNotStreamedError:
                log.info("the API server streams no lists, reading pages", kind=self.resource.kind)
                self._is_list_streamed = False
            except ExpiredError as error:
                log.info("watch expired, listing again", kind=self.resource.kind)
                self._version = None
                if self._has_expired:
                    # Nothing was heard since the last time: what is listed now may be too old again.
                    await self._pause(error)
                self._has_expired = True
            except (ClusterUnavailableError, ClusterRefusedError, NotFoundError) as error:
                await self._pause(error)

    async def _follow(self) -> None:
        """List where it is necessary, then watch until the server ends it or somebody asks for a restart."""
        if self._is_relist_asked:
            self._version, self._is_relist_asked = None, False
        try:
            async with asyncio.timeout(None) as self._until_restart:
                # After a failure by the plainest way: it works wherever anything works.
                if self._version is None and (self._failures or not self._is_list_streamed):
                    await self._read_pages()
                await self._watch()
        except TimeoutError:
            log.info("watch is replaced", kind=self.resource.kind)
        finally:
            self._until_restart = None

    async def _read_pages(self) -> None:
        metrics.WATCH_RELISTS.labels(self.resource.kind).inc()
        listing = self._cache.begin_listing(self.resource.kind)
        version = await read_pages(self._client, self.resource, self._selector, listing)
        self._synchronised(version)

    async def _watch(self) -> None:
        self._listing = None
        if self._version is None:
            metrics.WATCH_RELISTS.labels(self.resource.kind).inc()
            self._listing = self._cache.begin_listing(self.resource.kind)
        started = turn_began = time.monotonic()
        try:
            async with aclosing(self._client.watch(self.resource, self._params())) as events:
                async for event in events:
                    self._last_sign = now = time.monotonic()
                    self._take(event["type"], event["object"])
                    if now - turn_began > TURN_SECONDS:
                        await asyncio.sleep(0)
                        turn_began = time.monotonic()
        except ClusterRefusedError as error:
            if self._listing is not None:
                raise _ListNotStreamedError from error
            raise
        if time.monotonic() - started < _SHORT_WATCH_SECONDS:
            raise ClusterUnavailableError("the watch ended at once")

    def _params(self) -> dict[str, str]:
        low, high = WATCH_SECONDS
        params = {
            "resourceVersion": self._version or "",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(int(low + (high - low) * self._random())),
        }
        if self._listing is not None:
            params |= _STREAMED_LIST
        if self._selector:
            params["labelSelector"] = self._selector
        return params

    def _take(self, event_type: str, body: dict[str, Any]) -> None:
        match event_type:
            case "ADDED" | "MODIFIED":
                (self._listing.add if self._listing is not None else self._cache.put)(body)
            case "DELETED":
                self._cache.remove(body)
            case "BOOKMARK":
                self._take_bookmark(body)
            case _:
                raise error_for(int(body.get("code", 500)), body, subject=f"watch {self.resource.kind}")
        if self._listing is None:
            self._version = body["metadata"]["resourceVersion"]
            self._failures, self._has_expired = 0, False

    def _take_bookmark(self, body: Manifest) -> None:
        if self._listing is None:
            return
        if (body["metadata"].get("annotations") or {}).get(_END_OF_LIST) != "true":
            raise _ListNotStreamedError
        version: str = body["metadata"]["resourceVersion"]
        self._listing.finish(version)
        self._listing = None
        self._synchronised(version)

    def _synchronised(self, version: str) -> None:
        self._version = version
        self._failures = 0
        self._last_sign = time.monotonic()
        self.synced.set()

    async def _pause(self, error: Exception) -> None:
        self._failures += 1
        named = getattr(error, "retry_after_seconds", None) or 0.0
        doubled = min(_MAX_PAUSE_SECONDS, 0.1 * 2 ** min(self._failures, 16))
        pause = max(named, doubled * (0.5 + self._random() / 2))
        log.warning(
            "watch interrupted", kind=self.resource.kind, reason=str(error), pause_seconds=round(pause, 2)
        )
        await asyncio.sleep(pause)
