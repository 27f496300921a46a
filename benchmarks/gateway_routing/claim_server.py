"""As much of an API server as the agent needs, with any number of claims: listed in pages, then watched.

Run as a program: `claim_server.py PORT HOSTS UPSTREAM`. POST /change with a claim tells it to all watchers.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from typing import Any

from aiohttp import web

PATH = "/apis/frankenpanel.io/v1alpha1/domainclaims"


def host_name(number: int) -> str:
    return f"www.site{number}.customer{number % 97}.example"


def claim(host: str, upstream: str, version: int) -> dict[str, Any]:
    """Return a claim about as large as a real one with its managed fields."""
    return {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "DomainClaim",
        "metadata": {
            "name": host,
            "uid": f"6f1c9a52-0000-4000-8000-{version:012d}",
            "resourceVersion": str(version),
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [{"manager": "frankenpanel-operator", "fieldsV1": {"f:spec": {"x": "y" * 400}}}],
        },
        "spec": {
            "host": host,
            "domainRef": {"namespace": "demo", "name": host, "uid": "6f1c9a52-0000-4000-8000-000000000000"},
            "route": {"site": "demo.shop", "upstream": upstream},
        },
    }


def claim_app(count: int, upstream: str) -> web.Application:
    watchers: set[asyncio.Queue[bytes]] = set()
    versions = itertools.count(count + 1)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (watch(request) if "watch" in request.query else page(request))

    async def page(request: web.Request) -> web.Response:
        start, limit = int(request.query.get("continue", 0)), int(request.query["limit"])
        items = [claim(host_name(n), upstream, n) for n in range(start, min(start + limit, count))]
        metadata = {"resourceVersion": str(count)}
        if start + limit < count:
            metadata["continue"] = str(start + limit)
        return web.json_response({"metadata": metadata, "items": items})

    async def watch(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        watchers.add(queue)
        while True:
            await response.write(await queue.get())

    async def change(request: web.Request) -> web.Response:
        told = await request.json()
        body = claim(told["host"], told["upstream"], next(versions))
        for queue in watchers:
            queue.put_nowait(json.dumps({"type": told["type"], "object": body}).encode() + b"\n")
        return web.Response(status=200 if watchers else 503)

    app = web.Application()
    app.router.add_get(PATH, answer)
    app.router.add_post("/change", change)
    return app


if __name__ == "__main__":
    web.run_app(claim_app(int(sys.argv[2]), sys.argv[3]), host="127.0.0.1", port=int(sys.argv[1]), print=None)
