"""TLS: certificates on demand for known hosts, none for others."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from aiohttp import web
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.permission import permission_app

pytestmark = pytest.mark.integration


@pytest.fixture
async def tls_gateway(gateway, store, shop, blog):
    """A gateway whose permission endpoint knows two hosts."""
    hosts = {"shop.example": shop.record(), "blog.example": blog.record()}
    for host, record in hosts.items():
        store.add(host, record)
    runner = web.AppRunner(permission_app(hosts.__contains__, Metrics()), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", gateway.permission).start()
    yield gateway
    await runner.cleanup()


async def fetch(gateway, sni: str, host: str) -> bytes:
    root = gateway.folder / "data" / "pki" / "authorities" / "local" / "root.crt"
    context = ssl.create_default_context(cafile=root)
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


async def test_without_the_agent_an_issued_certificate_goes_on(gateway, store, shop):
    store.add("shop.example", shop.record())
    runner = web.AppRunner(permission_app({"shop.example"}.__contains__, Metrics()), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", gateway.permission).start()
    await fetch(gateway, "shop.example", "shop.example")
    await runner.cleanup()

    answer = await fetch(gateway, "shop.example", "shop.example")
    assert answer.startswith(b"HTTP/1.1 200 ")
