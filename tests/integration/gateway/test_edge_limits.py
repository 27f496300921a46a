"""Slow clients, long streams, full sites, blocked visitors."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

pytestmark = pytest.mark.integration

# Those that are not to end what lasts; `read_timeout` is the one that ends all.
SHORT = {"read_header_timeout": "1s", "write_idle_timeout": "1s", "idle_timeout": "1s"}
LONGER_SECONDS = 1.3


@asynccontextmanager
async def site(handler) -> AsyncIterator[str]:
    """Run a site with one handler; return its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: shop.exa",
        b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 100\r\n\r\nslow",
        b"POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nslo",
        b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n",
    ],
    ids=["nothing", "half-a-head", "half-a-body", "half-a-chunk", "no-second-request"],
)
async def test_a_client_that_stops_is_cut(gateway, store, shop, beginning):
    store.add("shop.example", shop.record())
    await gateway.restart(**SHORT, read_timeout="2s")
    reader, writer = await gateway.connect()
    writer.write(beginning)
    async with asyncio.timeout(30):
        await reader.read()
    writer.close()
    assert (await gateway.get("shop.example"))[0] == 200


async def test_a_small_body_reaches_the_site_once_it_is_complete(gateway, store, shop, eventually):
    store.add("shop.example", shop.record())
    reader, writer = await gateway.connect()
    head = b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 10\r\nConnection: close\r\n\r\n"
    writer.write(head + b"half ")
    for _ in range(20):
        await gateway.get("shop.example")
    assert shop.received_requests == 20
    writer.write(b"whole")
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    assert b'"size": 10' in answer


async def test_a_large_body_is_passed_on_as_it_comes(gateway, store, shop, eventually):
    store.add("shop.example", shop.record())
    _, writer = await gateway.connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 70_000)

    async def has_begun():
        return shop.received_requests == 1

    await eventually(has_begun)
    writer.close()


async def test_a_client_that_never_stops_sending_headers_is_cut(gateway, store, shop):
    store.add("shop.example", shop.record())
    await gateway.restart(**SHORT)
    reader, writer = await gateway.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: shop.example\r\n")

    async def drip():
        while True:
            writer.write(b"X-A: b\r\n")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(30):
        await reader.read()
    dripping.cancel()
    writer.close()
    assert shop.received_requests == 0


async def test_a_client_that_never_reads_is_cut(gateway, store, eventually):
    ended = asyncio.Event()

    async def flood(request):
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        finally:
            ended.set()

    async with site(flood) as address:
        store.add("shop.example", f"p0,demo.shop,{address}")
        await gateway.restart(**SHORT)
        with socket.create_connection(("127.0.0.1", gateway.http)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            async with asyncio.timeout(60):
                await ended.wait()


async def test_events_come_one_by_one_and_outlast_every_limit(gateway, store):
    """The site sends the next event only once the one before has arrived: nothing is held back on the way."""
    go_on = asyncio.Queue()

    async def events(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(3):
            await go_on.get()
            await response.write(f"data: {number}\n\n".encode())
        return response

    async with site(events) as address:
        store.add("shop.example", f"p0,demo.shop,{address}")
        await gateway.restart(**SHORT)
        async with aiohttp.request(
            "GET", f"http://127.0.0.1:{gateway.http}/", headers={"Host": "shop.example"}
        ) as response:
            assert response.status == 200
            for number in range(3):
                await asyncio.sleep(LONGER_SECONDS)
                go_on.put_nowait(None)
                assert await response.content.readuntil(b"\n\n") == f"data: {number}\n\n".encode()
            assert await response.content.read() == b""


async def test_an_answer_of_unknown_length_is_not_held_back(gateway, store):
    go_on = asyncio.Event()

    async def halves(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await go_on.wait()
        await response.write(b"second")
        return response

    async with site(halves) as address:
        store.add("shop.example", f"p0,demo.shop,{address}")
        async with aiohttp.request(
            "GET", f"http://127.0.0.1:{gateway.http}/", headers={"Host": "shop.example"}
        ) as response:
            assert await response.content.readexactly(5) == b"first"
            go_on.set()
            assert await response.content.read() == b"second"


async def test_a_quiet_websocket_outlasts_every_limit(gateway, store, shop):
    store.add("shop.example", shop.record())
    await gateway.restart(**SHORT)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"http://127.0.0.1:{gateway.http}/chat", headers={"Host": "shop.example"}
        ) as channel,
    ):
        for number in range(3):
            await asyncio.sleep(LONGER_SECONDS)
            await channel.send_str(f"hello {number}")
            assert await channel.receive_str(timeout=10) == f"shop:hello {number}"


async def test_an_upload_that_pauses_passes(gateway, store, shop):
    store.add("shop.example", shop.record())
    await gateway.restart(**SHORT)

    async def body():
        for _ in range(3):
            yield b"x" * 1000
            await asyncio.sleep(LONGER_SECONDS)

    url = f"http://127.0.0.1:{gateway.http}/"
    async with aiohttp.request("POST", url, headers={"Host": "shop.example"}, data=body()) as response:
        assert (await response.json())["size"] == 3000


async def test_a_chunked_upload_above_the_limit_is_refused(gateway, store, shop):
    store.add("shop.example", shop.record())
    gateway.max_body_bytes = 1000
    await gateway.restart()
    head = b"POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answer = await gateway.raw(head + b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert shop.received_bytes <= 1000


async def test_a_full_site_keeps_its_visitors_waiting_and_nobody_elses(gateway, store, shop, eventually):
    inside: list[str] = []
    release = asyncio.Event()

    async def slow(request):
        inside.append(request.path)
        await release.wait()
        return web.Response(text="done")

    gateway.environment["FRANKENPANEL_MAX_CONNECTIONS_PER_SITE"] = "2"
    await gateway.restart()
    async with site(slow) as address:
        store.add("full.example", f"p0,demo.full,{address}")
        store.add("shop.example", shop.record())
        visits = [asyncio.create_task(gateway.get("full.example", f"/{number}")) for number in range(5)]

        async def is_full():
            return len(inside) == 2

        await eventually(is_full)
        for _ in range(20):
            assert (await gateway.get("shop.example"))[0] == 200
        assert len(inside) == 2
        release.set()
        assert await asyncio.gather(*visits) == [(200, "done")] * 5
    assert len(inside) == 5


@pytest.mark.parametrize("name", ["127.0.0.1", "127.0.0.0/24", "127.0.0.0/16"])
async def test_blocked_visitors_reach_no_site(gateway, store, block_store, shop, name):
    store.add("shop.example", shop.record())
    block_store.replace_all({"127.0.0.2", "127.0.1.0/24", "127.1.0.0/16"})
    assert (await gateway.get("shop.example"))[0] == 200
    block_store.replace_all({name})
    for host in ("shop.example", "unknown.example"):
        status, body = await gateway.get(host, headers={"X-Forwarded-For": "203.0.113.7"})
        assert status == 403
        assert "Access from your address is refused" in body
    assert shop.received_requests == 1
    block_store.replace_all(set())
    assert (await gateway.get("shop.example"))[0] == 200


@pytest.mark.parametrize("name", ["::1", "::/64", "::/48"])
async def test_blocked_visitors_by_ipv6_reach_no_site(gateway, store, block_store, shop, name):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 on its loopback interface")
    store.add("shop.example", shop.record())
    await gateway.restart(listen=[f"127.0.0.1:{gateway.http}", f"[::1]:{gateway.http}"])
    block_store.replace_all({name})
    url = f"http://[::1]:{gateway.http}/"
    async with aiohttp.request("GET", url, headers={"Host": "shop.example"}) as response:
        assert response.status == 403
    assert (await gateway.get("shop.example"))[0] == 200


async def test_a_trusted_proxy_says_who_the_visitor_is(gateway, store, block_store, shop):
    store.add("shop.example", shop.record())
    gateway.environment["FRANKENPANEL_TRUSTED_PROXIES"] = "127.0.0.0/8"
    await gateway.restart()

    async def visit(forwarded):
        status, body = await gateway.get("shop.example", headers={"X-Forwarded-For": forwarded})
        return json.loads(body)["headers"]["X-Forwarded-For"] if status == 200 else status

    assert await visit("203.0.113.7") == "203.0.113.7"
    assert await visit("6.6.6.6, 203.0.113.7, 127.0.0.9") == "203.0.113.7"
    assert await visit("2001:db8::7") == "2001:db8::7"
    assert await visit("nonsense") == "127.0.0.1"
    for name in ("203.0.113.7", "203.0.113.0/24", "203.0.0.0/16"):
        block_store.replace_all({name})
        assert await visit("203.0.113.7") == 403
        assert await visit("198.51.100.7") == "198.51.100.7"
        assert await visit("203.0.113.7, 198.51.100.7") == "198.51.100.7"
