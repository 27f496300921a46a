"""What Caddy asks in a handshake: is there a certificate for this name, and may one be ordered?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from frankenpanel_gateway.metrics import Metrics

PEM_TYPE = "application/x-pem-file"


def caddy_app(
    certificate: Callable[[str], bytes | None],
    may_order: Callable[[str], bool],
    directory: Callable[[], Awaitable[bytes | None]],
    metrics: Metrics,
) -> web.Application:
    """Build the server that Caddy asks.

    - `/certificate?server_name=`: chain and key, or 204 where there are none.
    - `/permission?domain=`: 200 where Caddy may order one now, else 403.
    - `/acme/directory`: that of the certificate authority, or 503.
    """

    async def answer_certificate(request: web.Request) -> web.Response:
        pem = certificate(_name(request, "server_name"))
        metrics.certificate_answers.labels("absent" if pem is None else "present").inc()
        if pem is None:
            return web.Response(status=204)
        return web.Response(body=pem, content_type=PEM_TYPE)

    async def answer_permission(request: web.Request) -> web.Response:
        is_allowed = may_order(_name(request, "domain"))
        metrics.permission_answers.labels("allowed" if is_allowed else "refused").inc()
        return web.Response(status=200 if is_allowed else 403)

    async def answer_directory(_: web.Request) -> web.Response:
        content = await directory()
        if content is None:
            return web.Response(status=503)
        return web.Response(body=content, content_type="application/json")

    app = web.Application()
    app.router.add_get("/certificate", answer_certificate)
    app.router.add_get("/permission", answer_permission)
    app.router.add_get("/acme/directory", answer_directory)
    return app


def _name(request: web.Request, field: str) -> str:
    return request.query.get(field, "").lower()
