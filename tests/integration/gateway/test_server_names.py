"""https: a connection is for the one host that it was opened for."""

from __future__ import annotations

import asyncio
import ssl

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def served(store, shop, blog, certificates):
    store.add("shop.example", shop.record())
    store.add("*.shop.example", shop.record())
    store.add("blog.example", blog.record())
    certificates |= {"shop.example", "a.shop.example", "blog.example"}


async def status(gateway, sni, host):
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = await gateway.raw(request.encode(), sni=sni)
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("host", ["shop.example", "SHOP.Example", "shop.example:8443"])
async def test_spellings_of_the_same_host_are_answered(gateway, host):
    assert await status(gateway, "shop.example", host) == 200


async def test_names_below_a_wildcard_are_answered(gateway):
    assert await status(gateway, "a.shop.example", "a.shop.example") == 200


@pytest.mark.parametrize(
    "host", ["blog.example", "a.shop.example", "unknown.example", "shop.example.", "127.0.0.1"]
)
async def test_another_host_is_misdirected(gateway, blog, host):
    assert await status(gateway, "shop.example", host) == 421
    assert blog.received_requests == 0


async def test_a_later_request_of_the_connection_is_misdirected_too(gateway, blog):
    first = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
    second = b"GET / HTTP/1.1\r\nHost: blog.example\r\nConnection: close\r\n\r\n"
    answer = await gateway.raw(first + second, sni="shop.example")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 421 " in answer
    assert blog.received_requests == 0


@pytest.mark.parametrize("sni", ["unknown.example", "b.shop.example", "shop.example.blog.example", "x"])
async def test_an_unknown_name_ends_the_handshake(gateway, sni):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await gateway.raw(b"", sni=sni)


async def test_no_name_ends_the_handshake(gateway):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await gateway.raw(b"", sni="127.0.0.1")  # Python sends no name for an address


async def test_http_on_the_port_of_https_is_refused(gateway):
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.https)
    writer.write(b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ", 2)[1] == b"400"
