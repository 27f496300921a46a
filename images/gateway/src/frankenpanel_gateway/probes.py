"""What the kubelet and Prometheus ask."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from frankenpanel_gateway.metrics import Metrics


def probes_app(
    is_alive: Callable[[], bool], is_ready: Callable[[], bool], metrics: Metrics
) -> web.Application:
    """Build the server of `/livez`, `/readyz` and `/metrics`.

    Alive means that the watch loop moves, with or without an API server: a restart would not bring that
    back. Ready means that there is a complete tree, however old.
    """

    async def livez(_: web.Request) -> web.Response:
        return _probe(is_alive(), "watching", "the watch loop does not move")

    async def readyz(_: web.Request) -> web.Response:
        return _probe(is_ready(), "ready", "no complete routing tree yet")

    async def expose(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", expose)
    return app


def _probe(is_good: bool, good: str, bad: str) -> web.Response:
    return web.Response(status=200 if is_good else 503, text=(good if is_good else bad) + "\n")
