"""The benchmark's own client: plain requests over a bounded number of connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import orjson
from cluster import Cluster

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
CONNECTIONS = 16
Item = TypeVar("Item")


class RefusedError(RuntimeError):
    """The API server answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message[:300]}")
        self.status = status


class Api:
    """Requests of one user; use as an asynchronous context manager."""

    def __init__(self, cluster: Cluster, user: str, connections: int = CONNECTIONS) -> None:
        self._cluster, self._user, self._connections = cluster, user, connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            base_url=self._cluster.server,
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=self._cluster.tls()),
            headers={
                "Authorization": f"Bearer {self._cluster.tokens[self._user]}",
                "User-Agent": "frankenpanel-benchmark",
            },
            timeout=aiohttp.ClientTimeout(total=120),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("the client is used outside of its context")
        data = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": content_type}
        async with self._session.request(method, path, data=data, headers=headers) as response:
            content = await response.read()
            if response.status >= 300:
                raise RefusedError(response.status, content.decode(errors="replace"))
            answer: dict[str, Any] = orjson.loads(content)
            return answer

    async def text(self, path: str) -> str:
        if self._session is None:
            raise RuntimeError("the client is used outside of its context")
        async with self._session.get(path) as response:
            return await response.text()

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self.request("POST", path, body)

    async def merge(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self.request("PATCH", path, body, MERGE_PATCH)


async def in_parallel(
    items: Iterable[Item], work: Callable[[Item], Awaitable[Any]], workers: int = CONNECTIONS
) -> None:
    """Work through items, `workers` at a time; the first error ends all."""
    waiting = iter(items)

    async def one_after_the_other() -> None:
        for item in waiting:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(one_after_the_other())
