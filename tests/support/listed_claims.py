"""Claims as an API server without our schema would list them: whatever they hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

_CLAIMS = "/domainclaims"


@asynccontextmanager
async def listing(claims: Sequence[dict[str, Any]]) -> AsyncIterator[str]:
    """Serve the claims, in one page and never changed; other kinds are there and empty. Yield the URL."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            response = web.StreamResponse()
            await response.prepare(request)
            await asyncio.Event().wait()
        items = list(claims) if request.path.endswith(_CLAIMS) else []
        body = orjson.dumps({"metadata": {"resourceVersion": "1"}, "items": items})
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
