"""As much of an API server as the agent needs, with any number of claims: listed in pages, then watched.

Run as a program: `python -m edge.claim_server PORT HOSTS UPSTREAM`. POST /change with watch events tells them
to all watchers of claims. Other kinds are there and empty. Pages are made before the first request, so that
making them does not compete with the agent that reads them.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from edge.population import claim, claim_event, host_name

PATH = "/apis/frankenpanel.io/v1alpha1/domainclaims"
PAGE_SIZE = 500
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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


def claim_app(pages: list[bytes], first_version: int) -> web.Application:
    watchers: set[asyncio.Queue[bytes]] = set()
    versions = itertools.count(first_version)

    async def answer(request: web.Request) -> web.StreamResponse:
        is_claims = request.path == PATH
        if "watch" in request.query:
            return await watch(request, asyncio.Queue(), is_claims=is_claims)
        page = int(request.query.get("continue", 0))
        nothing = orjson.dumps({"metadata": {"resourceVersion": "1"}, "items": []})
        return web.Response(body=pages[page] if is_claims else nothing, content_type="application/json")

    async def watch(
        request: web.Request, queue: asyncio.Queue[bytes], *, is_claims: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if is_claims:
            watchers.add(queue)
        try:
            while True:
                await response.write(await queue.get())
        finally:
            watchers.discard(queue)

    async def change(request: web.Request) -> web.Response:
        told = orjson.loads(await request.read())
        events = [claim_event(kind, host, upstream, next(versions)) for kind, host, upstream in told]
        lines = b"".join(orjson.dumps(event) + b"\n" for event in events)
        for queue in watchers:
            queue.put_nowait(lines)
        return web.Response(status=200 if watchers else 503)

    app = web.Application()
    app.router.add_post("/change", change)
    app.router.add_get("/{path:.*}", answer)
    return app


if __name__ == "__main__":
    port, hosts = int(sys.argv[1]), int(sys.argv[2])
    web.run_app(
        claim_app(claim_pages(hosts, sys.argv[3]), hosts + 1), host="127.0.0.1", port=port, print=None
    )
