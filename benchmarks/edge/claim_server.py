"""As much of an API server as the agent needs, with any number of claims: listed in pages, then watched.

Run as a program: `python -m edge.claim_server PORT HOSTS UPSTREAM`. POST /change with watch events tells them
to all watchers of claims. Other kinds are there, and empty at first. Pages are made before the first request,
so that making them does not compete with the agent that reads them.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections import defaultdict
from typing import Any

import orjson
from aiohttp import web

from edge.population import claim, claim_event, host_name

PATH = "/apis/frankenpanel.io/v1alpha1/domainclaims"
PAGE_SIZE = 500
READY_PATH = "/readyz"


def claim_pages(count: int, upstream: str) -> list[bytes]:
    """Return the listing, page by page; a continue token is the number of the next page."""
    pages = []
    for number, start in enumerate(range(0, max(count, 1), PAGE_SIZE), start=1):
        end = min(start + PAGE_SIZE, count)
        metadata = {"resourceVersion": str(count)}
        if end < count:
            metadata["continue"] = str(number)
        items = [claim(host_name(n), upstream, n) for n in range(start, end)]
        pages.append(orjson.dumps({"metadata": metadata, "items": items}))
    return pages


class Server:
    """Lists the claims page by page and tells of changes; what is created of other kinds is kept and told."""

    def __init__(self, pages: list[bytes], first_version: int) -> None:
        self._pages = pages
        self._versions = itertools.count(first_version)
        self._watchers: defaultdict[str, set[asyncio.Queue[bytes]]] = defaultdict(set)
        self._objects: dict[str, dict[str, Any]] = {}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/change", self.change)
        app.router.add_get("/{path:.*}", self.read)
        app.router.add_route("*", "/{path:.*}", self.write)
        return app

    async def read(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await self._watch(request)
        if request.path == PATH:
            return _json(self._pages[int(request.query.get("continue", 0))])
        if request.path in self._objects:
            return _json(orjson.dumps(self._objects[request.path]))
        if "limit" not in request.query and request.path != READY_PATH:
            return web.Response(status=404)
        below = [body for path, body in self._objects.items() if path.rpartition("/")[0] == request.path]
        return _json(orjson.dumps({"metadata": {"resourceVersion": "1"}, "items": below}))

    async def write(self, request: web.Request) -> web.Response:
        """Keep an object that is created or changed; merge patches replace what they name at the top."""
        sent = orjson.loads(await request.read() or b"{}")
        path, kind = request.path, "MODIFIED"
        if request.method == "POST":
            path, kind = f"{path}/{sent['metadata']['name']}", "ADDED"
        metadata = {**sent.get("metadata", {}), "resourceVersion": str(next(self._versions))}
        body = self._objects[path] = {**self._objects.get(path, {}), **sent, "metadata": metadata}
        self._tell(path.rpartition("/")[0], orjson.dumps({"type": kind, "object": body}) + b"\n")
        return _json(orjson.dumps(body))

    async def change(self, request: web.Request) -> web.Response:
        """Tell of events of claims: [["ADDED", host, upstream], ...]."""
        told = orjson.loads(await request.read())
        events = [claim_event(kind, host, upstream, next(self._versions)) for kind, host, upstream in told]
        self._tell(PATH, b"".join(orjson.dumps(event) + b"\n" for event in events))
        return web.Response(status=200 if self._watchers[PATH] else 503)

    def _tell(self, path: str, lines: bytes) -> None:
        for queue in self._watchers[path]:
            queue.put_nowait(lines)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response, queue = web.StreamResponse(), asyncio.Queue[bytes]()
        await response.prepare(request)
        self._watchers[request.path].add(queue)
        try:
            while True:
                await response.write(await queue.get())
        finally:
            self._watchers[request.path].discard(queue)


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


if __name__ == "__main__":
    port, hosts = int(sys.argv[1]), int(sys.argv[2])
    server = Server(claim_pages(hosts, sys.argv[3]), hosts + 1)
    web.run_app(server.app(), host="127.0.0.1", port=port, print=None)
