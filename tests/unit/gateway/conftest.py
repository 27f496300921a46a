"""A scripted API server: it exists to answer wrongly on request, which a real one does not."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import web
from hypothesis import settings

# How long one example takes says more about what else the machine does than about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

PATH = "/apis/frankenpanel.io/v1alpha1/domainclaims"


def claim(
    host: str,
    upstream: str | None = "10.96.3.4:8080",
    site: str = "demo.shop",
    tls: dict[str, Any] | None = None,
    **route: Any,
) -> dict[str, Any]:
    """Return a claim; further names are fields of its route."""
    spec: dict[str, Any] = {"host": host, "domainRef": {"namespace": "demo", "name": "shop", "uid": "1"}}
    if upstream is not None:
        route["upstream"] = upstream
    if route:
        spec["route"] = {"site": site, **route}
    if tls is not None:
        spec["tls"] = tls
    name = host if not host.startswith("*.") else f"{host.removeprefix('*.')}.wildcard"
    return {"metadata": {"name": name}, "spec": spec}


@pytest.fixture(name="claim")
def claim_fixture() -> Any:
    return claim


@dataclass
class ScriptedApi:
    """Lists and watches claims truly, until a fault is queued."""

    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: int = 100
    history: list[tuple[int, bytes]] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    list_faults: deque[int | bytes | None] = field(default_factory=deque)
    watch_faults: deque[int | bytes | None] = field(default_factory=deque)
    url: str = ""
    watches: list[tuple[web.Request, asyncio.Queue[bytes]]] = field(default_factory=list)

    async def set(self, body: dict[str, Any]) -> None:
        name = body["metadata"]["name"]
        kind = "MODIFIED" if name in self.claims else "ADDED"
        self.claims[name] = body
        await self._tell(kind, body)

    async def delete(self, name: str) -> None:
        await self._tell("DELETED", self.claims.pop(name))

    async def bookmark(self) -> None:
        await self._tell("BOOKMARK", {"metadata": {}})

    def send(self, line: bytes) -> None:
        """Send a line to all who watch now."""
        for _, queue in self.watches:
            queue.put_nowait(line)

    def drop_watches(self) -> None:
        for request, _ in self.watches:
            if request.transport is not None:
                request.transport.abort()
        self.watches.clear()

    def forget(self) -> None:
        """Lose the history, as after compaction: older versions are gone."""
        self.version += 50
        self.history.clear()

    @property
    def lists(self) -> list[dict[str, str]]:
        return [query for query in self.requests if "watch" not in query]

    async def _tell(self, kind: str, body: dict[str, Any]) -> None:
        self.version += 1
        stamped = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}
        line = orjson.dumps({"type": kind, "object": stamped})
        self.history.append((self.version, line))
        self.send(line)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(dict(request.query))
        self.authorizations.append(request.headers.get("Authorization", ""))
        is_watch = "watch" in request.query
        faults = self.watch_faults if is_watch else self.list_faults
        if faults and (fault := faults.popleft()) is not None:
            return web.Response(body=fault) if isinstance(fault, bytes) else web.Response(status=fault)
        return await (self._watch(request) if is_watch else self._list(request))

    async def _list(self, request: web.Request) -> web.Response:
        start, limit = int(request.query.get("continue", 0)), int(request.query["limit"])
        items = list(self.claims.values())
        metadata: dict[str, str] = {"resourceVersion": str(self.version)}
        if start + limit < len(items):
            metadata["continue"] = str(start + limit)
        return web.json_response({"metadata": metadata, "items": items[start : start + limit]})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        since = int(request.query["resourceVersion"])
        oldest = self.history[0][0] if self.history else self.version + 1
        if since < oldest - 1:
            return web.Response(status=410)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        for version, line in self.history:
            if version > since:
                queue.put_nowait(line)
        self.watches.append((request, queue))
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(int(request.query["timeoutSeconds"])):
                while True:
                    await response.write(await queue.get() + b"\n")
        return response


@pytest.fixture
async def api() -> AsyncIterator[ScriptedApi]:
    api = ScriptedApi()
    app = web.Application()
    app.router.add_get(PATH, api.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = "http://{}:{}".format(*runner.addresses[0][:2])
    yield api
    api.drop_watches()
    await runner.cleanup()
