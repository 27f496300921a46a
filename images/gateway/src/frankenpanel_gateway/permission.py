"""Caddy's question before it issues a certificate: may this name have one? Answered from memory."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from frankenpanel_gateway.metrics import Metrics


def permission_app(serves: Callable[[str], bool], metrics: Metrics) -> web.Application:
    """Build the server of `/permission?domain=`: 200 where the host is routed, 403 for all else."""

    async def answer(request: web.Request) -> web.Response:
        is_allowed = serves(request.query.get("domain", "").lower())
        metrics.permission_answers.labels("allowed" if is_allowed else "refused").inc()
        return web.Response(status=200 if is_allowed else 403)

    app = web.Application()
    app.router.add_get("/permission", answer)
    return app
