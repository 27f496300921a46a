"""TLS: certificates on demand for known hosts, none for others."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web
from frankenpanel_gateway.caddy_answers import caddy_app
from frankenpanel_gateway.internal_authority import InternalAuthority, make_authority
from frankenpanel_gateway.metrics import Metrics

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
CHAIN, KEY = make_authority(NOW)


@asynccontextmanager
async def answering(gateway, hosts):
    """Answer Caddy's questions with certificates of an authority that nobody but these tests knows."""
    authority = InternalAuthority(CHAIN, KEY)

    async def no_directory():
        return None

    app = caddy_app(
        lambda name: authority.pem(name, NOW) if name in hosts else None,
        lambda _: False,
        no_directory,
        Metrics(),
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", gateway.permission).start()
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
async def tls_gateway(gateway, store, shop, blog):
    """A gateway that has certificates for two hosts."""
    hosts = {"shop.example": shop.record(), "blog.example": blog.record()}
    for host, record in hosts.items():
        store.add(host, record)
    async with answering(gateway, hosts):
        yield gateway


async def fetch(gateway, sni: str, host: str) -> bytes:
    context = ssl.create_default_context(cadata=CHAIN.decode())
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", gateway.https, ssl=context, server_hostname=sni
    )
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


async def test_known_host_gets_a_certificate_in_its_name(tls_gateway):
    answer = await fetch(tls_gateway, "shop.example", "shop.example")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"X-Forwarded-Proto": "https"' in answer


async def test_unknown_host_gets_no_certificate(tls_gateway):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await fetch(tls_gateway, "other.example", "other.example")
    folder = tls_gateway.folder / "data" / "certificates"
    assert not list(folder.rglob("other.example*"))


async def test_a_connection_for_one_host_cannot_ask_for_another(tls_gateway):
    answer = await fetch(tls_gateway, "shop.example", "blog.example")
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert b'"site"' not in answer


async def test_nobody_is_let_in_while_there_is_nobody_to_ask(gateway, store, shop):
    store.add("shop.example", shop.record())
    async with answering(gateway, {"shop.example"}):
        await fetch(gateway, "shop.example", "shop.example")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await fetch(gateway, "shop.example", "shop.example")
