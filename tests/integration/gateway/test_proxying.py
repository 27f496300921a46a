"""What a site receives and returns through the gateway."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def routed(store, shop):
    store.add("shop.example", shop.record())


async def test_forwarding_headers_of_clients_are_replaced_by_ours(gateway):
    spoofed = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=6.6.6.6;proto=https",
        "X-Real-IP": "6.6.6.6",
        "X-Client-IP": "6.6.6.6",
        "True-Client-IP": "6.6.6.6",
        "CF-Connecting-IP": "6.6.6.6",
        "X-Original-URL": "/wp-admin",
        "X-Rewrite-URL": "/wp-admin",
        "Proxy": "http://6.6.6.6",
        "X_Forwarded_For": "6.6.6.6",
        "X_Forwarded_Proto": "https",
    }
    _, body = await gateway.get("shop.example", headers=spoofed)
    received = json.loads(body)["headers"]

    assert "6.6.6.6" not in body
    assert "evil" not in body
    assert "wp-admin" not in body
    assert received["X-Forwarded-For"] == "127.0.0.1"
    assert received["X-Forwarded-Proto"] == "http"
    assert received["X-Forwarded-Host"] == "shop.example"


async def test_a_client_cannot_have_our_headers_dropped_as_hop_by_hop(gateway):
    _, body = await gateway.get(
        "shop.example", headers={"Connection": "close, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host"}
    )
    received = json.loads(body)["headers"]
    assert received["X-Forwarded-For"] == "127.0.0.1"
    assert received["X-Forwarded-Proto"] == "http"
    assert received["X-Forwarded-Host"] == "shop.example"


async def test_cookies_and_authorization_pass(gateway):
    sent = {"Cookie": "a=b", "Authorization": "Basic eDp5"}
    received = json.loads((await gateway.get("shop.example", headers=sent))[1])["headers"]
    assert sent.items() <= received.items()


async def test_placeholders_in_a_request_stay_text(gateway, monkeypatch):
    path = "/%7Benv.PATH%7D?x={env.PATH}"
    _, body = await gateway.get("shop.example", path, headers={"X-Note": "{env.PATH}{file./etc/passwd}"})
    answer = json.loads(body)
    assert answer["headers"]["X-Note"] == "{env.PATH}{file./etc/passwd}"
    assert "/usr/" not in body


async def test_upstream_changes_under_load_without_a_failed_request(gateway, store, shop, blog):
    seen: set[str] = set()
    failures: list[object] = []
    done = asyncio.Event()

    async def visit() -> None:
        async with aiohttp.ClientSession(headers={"Host": "shop.example"}) as session:
            while not done.is_set():
                try:
                    async with session.get(f"http://127.0.0.1:{gateway.http}/") as response:
                        body = await response.text()
                        if response.status != 200:
                            failures.append((response.status, body))
                        else:
                            seen.add(json.loads(body)["site"])
                except aiohttp.ClientError as error:
                    failures.append(error)

    visitors = [asyncio.create_task(visit()) for _ in range(8)]
    records = [shop.record(), blog.record()]
    for turn in range(300):
        before, after = records[turn % 2], records[(turn + 1) % 2]
        await asyncio.to_thread(store.change, "shop.example", before, after)
        if turn % 50 == 0:
            await asyncio.to_thread(store.replace_all, {"shop.example": after, "other.example": before})
    await asyncio.to_thread(store.drop_superseded)
    done.set()
    await asyncio.gather(*visitors)

    assert failures == []
    assert seen == {"shop", "blog"}


async def test_websocket_passes(gateway):
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"http://127.0.0.1:{gateway.http}/chat", headers={"Host": "shop.example"}
        ) as channel,
    ):
        await channel.send_str("hello")
        assert await channel.receive_str(timeout=5) == "shop:hello"


async def test_large_upload_passes(gateway, shop):
    size_bytes = 64 * 2**20

    async def body():
        for _ in range(64):
            yield b"x" * 2**20

    async with aiohttp.request(
        "POST", f"http://127.0.0.1:{gateway.http}/upload", headers={"Host": "shop.example"}, data=body()
    ) as response:
        assert (await response.json())["size"] == size_bytes
    assert shop.received_bytes == size_bytes


async def test_upload_above_the_limit_is_refused(gateway, shop):
    gateway.stop()
    gateway.max_body_bytes = 1000
    await gateway.start()

    head = "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 2000\r\nConnection: close\r\n\r\n"
    answer = await gateway.raw(head.encode() + b"x" * 2000)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert shop.received_bytes <= 1000


async def test_oversized_request_headers_are_refused(gateway):
    answer = await gateway.raw(
        b"GET / HTTP/1.1\r\nHost: shop.example\r\nX-Big: " + b"x" * 64_000 + b"\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_site_that_is_down_gets_our_page(gateway, store, shop):
    store.change("shop.example", shop.record(), "p0,demo.shop,127.0.0.1:1")
    status, body = await gateway.get("shop.example")
    assert status == 502
    assert "temporarily unavailable" in body
    assert "127.0.0.1" not in body


async def test_access_log_names_the_site_and_keeps_no_secrets(gateway, eventually):
    await gateway.get(
        "shop.example",
        "/reset?key=canary-query",
        headers={"Cookie": "session=canary-cookie", "Authorization": "Bearer canary-token"},
    )
    await gateway.get("no.example", "/nothing")

    async def logged() -> bool:
        return len(gateway.access_log()) == 2

    await eventually(logged)
    ours, other = gateway.access_log()
    assert (ours["site"], ours["status"], ours["request"]["host"]) == ("demo.shop", 200, "shop.example")
    assert ours["request"]["uri"] == "/reset?"
    assert ours["request"]["client_ip"] == "127.0.0.1"
    assert "site" not in other
    assert other["status"] == 404
    assert "canary" not in gateway.log_path.read_text()


CANARIES = {"Cookie": "session=canary-cookie", "X-Api-Key": "canary-header"}


async def test_why_a_site_did_not_answer_is_logged_without_secrets(gateway, store, shop, eventually):
    store.change("shop.example", shop.record(), "p0,demo.shop,127.0.0.1:1")
    await gateway.get("shop.example", "/reset?key=canary-query", headers=CANARIES)

    async def logged() -> bool:
        return len(gateway.access_log()) == 1

    await eventually(logged)
    (line,) = gateway.access_log()
    assert (line["site"], line["status"]) == ("demo.shop", 502)
    assert "connection refused" in line["error"]
    assert "canary" not in gateway.log_path.read_text()


async def test_an_answer_that_breaks_off_is_logged_without_secrets(gateway, store, shop, eventually):
    async def break_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(break_off, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        store.change("shop.example", shop.record(), f"p0,demo.shop,127.0.0.1:{port}")
        with pytest.raises(aiohttp.ClientPayloadError):
            await gateway.get("shop.example", "/reset?key=canary-query", headers=CANARIES)

    async def logged() -> bool:
        return "incomplete response" in gateway.log_path.read_text() and bool(gateway.access_log())

    await eventually(logged)
    assert [line["site"] for line in gateway.access_log()] == ["demo.shop"]
    assert "canary" not in gateway.log_path.read_text()
