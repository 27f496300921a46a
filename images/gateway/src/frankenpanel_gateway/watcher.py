"""Follows the objects of one kind: list, watch, resume; through outages it keeps quiet and keeps trying."""

from __future__ import annotations

import random
import time
from asyncio import sleep
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import structlog

from frankenpanel_gateway.api_client import ApiAccess, ApiClient, ApiError, ExpiredError
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.object_event import ObjectEvent

_log = structlog.stdlib.get_logger(__name__)

_BACKOFF_FIRST_SECONDS = 0.25
# A watch that ends at once and empty is an answer of a server that cannot serve: counts as a failure.
_WATCH_SECONDS_MIN = 1.0
_STALL_SECONDS = 120.0
_CHANGES = {"ADDED", "MODIFIED", "DELETED"}


class Sink(Protocol):
    """Takes what the watch tells."""

    async def replace(self, pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> None:
        """Take a complete listing; an error of the iterator leaves all as it was."""

    async def apply(self, events: Sequence[ObjectEvent]) -> None:
        """Take changes since the last listing or changes, in order."""


@dataclass(frozen=True, slots=True)
class WatchTiming:
    """How long requests last and how long to wait after failures."""

    page_size: int = 500
    watch_seconds: int = 120
    backoff_max_seconds: float = 30.0


class Watcher:
    """Runs for ever; only errors of the sink end it, and they end the process.

    Args:
        access: where the API server is.
        path: of the kind, with its namespace where it has one.
        sink: takes the objects.
        timing: of requests.
        metrics: counts listings and failures.
    """

    def __init__(
        self, access: ApiAccess, path: str, sink: Sink, timing: WatchTiming, metrics: Metrics
    ) -> None:
        self._access = access
        self._path = path
        self._kind = path.rpartition("/")[2]
        self._sink = sink
        self._timing = timing
        self._metrics = metrics
        self._resource_version: str | None = None
        self._failures = 0
        self._is_reachable: bool | None = None
        self._last_step = time.monotonic()

    def is_alive(self) -> bool:
        """Say whether the loop moves; waiting for an API server that is gone is moving, too."""
        limit_seconds = 1.5 * self._timing.watch_seconds + self._timing.backoff_max_seconds + _STALL_SECONDS
        return time.monotonic() - self._last_step < limit_seconds

    async def run(self) -> None:
        """Bring listings and changes to the sink, through every failure of the API server."""
        while True:
            self._last_step = time.monotonic()
            try:
                async with ApiClient.connect(self._access) as client:
                    await self._follow(client)
            except ExpiredError as error:
                self._resource_version = None
                self._note_failure(error)
            except ApiError as error:
                # Whatever it is that the server refuses, a new listing is a sound place to go on from.
                self._resource_version = None
                self._note_failure(error)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._note_failure(error, is_reachable=False)
            await sleep(self._backoff_seconds())

    async def _follow(self, client: ApiClient) -> None:
        """List where there is no version to go on from, then watch again and again."""
        if self._resource_version is None:
            await self._sink.replace(self._list_pages(client))
            self._metrics.lists.labels(self._kind).inc()
        if self._resource_version is None:
            raise ApiError("the API server sent a listing without a version")
        while True:
            seconds = self._timing.watch_seconds
            seconds += random.randint(0, seconds // 2)  # noqa: S311 (spreads replicas, is no secret)
            started = time.monotonic()
            has_news = await self._watch(client, self._resource_version, seconds)
            if not has_news and time.monotonic() - started < min(seconds, _WATCH_SECONDS_MIN):
                raise ApiError("the watch ended at once")
            self._failures = 0

    async def _list_pages(self, client: ApiClient) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield all objects; after the last page the version is known."""
        page = await client.list_page(self._path, self._timing.page_size)
        self._note_answer()
        yield page.objects
        while page.continue_token:
            page = await client.list_page(self._path, self._timing.page_size, page.continue_token)
            self._note_answer()
            yield page.objects
        self._resource_version = page.resource_version or None

    async def _watch(self, client: ApiClient, resource_version: str, seconds: int) -> bool:
        """Take the events of one watch request; say whether there were any."""
        has_news = False
        async for batch in client.watch(self._path, resource_version, seconds):
            self._note_answer()
            changes = [self._read_event(event) for event in batch]
            if events := [change for change in changes if change is not None]:
                await self._sink.apply(events)
            # Only now: after a failure in between, the same events come again.
            self._resource_version = _version_of(batch[-1])
            self._failures = 0
            has_news = True
        self._note_answer()
        return has_news

    def _read_event(self, event: Mapping[str, Any]) -> ObjectEvent | None:
        kind, body = event.get("type"), event.get("object")
        if not isinstance(body, Mapping):
            raise ApiError("the API server sent an event without an object")
        if kind == "ERROR":
            code = body.get("code")
            raise (ExpiredError if code == 410 else ApiError)(f"the watch ended with code {code}")
        if kind not in _CHANGES:
            return None
        return ObjectEvent(body, is_deleted=kind == "DELETED")

    def _note_answer(self) -> None:
        self._last_step = time.monotonic()
        if self._is_reachable is not True:
            _log.info("API server answers", kind=self._kind)
        self._is_reachable = True
        self._metrics.api_reachable.set(1)

    def _note_failure(self, error: Exception, *, is_reachable: bool = True) -> None:
        self._failures += 1
        self._metrics.api_failures.inc()
        _log.debug("request failed", error=repr(error), failures=self._failures)
        if not is_reachable:
            if self._is_reachable is not False:
                _log.warning(
                    "API server is out of reach, what is on disk goes on", kind=self._kind, error=repr(error)
                )
            self._is_reachable = False
            self._metrics.api_reachable.set(0)
        elif self._failures > 1:
            _log.warning("API server refuses, what is on disk goes on", kind=self._kind, error=str(error))

    def _backoff_seconds(self) -> float:
        longest = self._timing.backoff_max_seconds
        delay = min(longest, _BACKOFF_FIRST_SECONDS * float(2 ** min(self._failures, 10)))
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 (spreads replicas, is no secret)


def _version_of(event: Mapping[str, Any]) -> str:
    version = (event["object"].get("metadata") or {}).get("resourceVersion")
    if not isinstance(version, str):
        raise ApiError("the API server sent an event without a version")
    return version
