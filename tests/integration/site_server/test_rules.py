"""What visitors get from a server with each of the rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

pytestmark = pytest.mark.integration

STAFF = {"basicAuth": {"secretRef": {"name": "staff"}}}


def login(*given: str) -> dict[str, str]:
    name, password = given or ("alice", "secret")
    return {"Authorization": aiohttp.encode_basic_auth(name, password)}


@pytest.fixture
def ruled(server, eventually):
    """Return a function that puts rules into force."""
    count = 0

    async def put(access=None, http=None):
        nonlocal count
        count += 1
        marks = [{"name": "X-Mark", "value": str(count)}, *(http or {}).get("headers", ())]
        server.write(access, {**(http or {}), "headers": marks})
        server.take_up()

        async def is_in_force():
            return (await server.ask("/", visitor="192.0.2.255")).headers.get("X-Mark") == str(count)

        await eventually(is_in_force)
        return server

    return put


async def test_without_rules_everybody_is_served(server):
    assert await server.status() == 200


async def test_addresses_decide_who_is_let_in(ruled):
    server = await ruled({"allow": ["203.0.113.0/24", "2001:db8::/32"], "deny": ["203.0.113.7"]})
    found = {
        visitor: await server.status(visitor=visitor)
        for visitor in ("203.0.113.8", "203.0.113.7", "198.51.100.1", "2001:db8::1", "2001:db9::1")
    }
    assert list(found.values()) == [200, 403, 403, 200, 403]


async def test_the_probe_passes_on_the_health_path_alone(ruled):
    server = await ruled({"allow": ["203.0.113.0/24"], **STAFF}, {"rateLimit": {"requests": 1}})

    async def probe(path, method="GET", **headers):
        async with aiohttp.request(method, server.url(path), headers=headers) as response:
            return response.status

    assert [await probe("/healthz") for _ in range(3)] == [200] * 3
    assert await probe("/") == 403
    assert await probe("/healthz", "POST") == 403
    assert await probe("/healthz", **{"X-Forwarded-For": "203.0.113.8"}) == 401


async def test_only_a_user_with_the_right_password_gets_in(ruled):
    server = await ruled(STAFF)
    refused = await server.ask()
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="restricted"'
    assert await server.status(headers=login()) == 200
    assert await server.status(headers=login("alice", "Secret")) == 401
    assert await server.status(headers=login("nobody", "")) == 401


async def test_guesses_at_passwords_are_limited_like_other_requests(ruled):
    server = await ruled(STAFF, {"rateLimit": {"requests": 2, "windowSeconds": 3600}})
    assert [await server.status(headers=login("alice", "guess")) for _ in range(3)] == [401, 401, 429]


async def test_without_a_valid_user_nobody_gets_in(server, ruled):
    (server.folder / "accounts").write_text("nobody $2y$10$" + "." * 53 + "\n")
    await ruled(STAFF)
    for name in ("alice", "nobody"):
        assert await server.status(headers=login(name, "secret")) == 401


async def test_who_asks_too_often_is_told_when_to_come_back(ruled):
    server = await ruled(http={"rateLimit": {"requests": 3, "windowSeconds": 3600}})
    assert [await server.status() for _ in range(5)] == [200, 200, 200, 429, 429]
    assert int((await server.ask()).headers["Retry-After"]) > 0
    assert await server.status(visitor="198.51.100.2") == 200


async def test_what_a_visitor_has_used_up_stays_so_when_other_rules_change(ruled):
    limit = {"rateLimit": {"requests": 2, "windowSeconds": 3600}}
    server = await ruled(http=limit)
    assert [await server.status() for _ in range(3)] == [200, 200, 429]
    await ruled({"deny": ["192.0.2.1"]}, limit)
    assert await server.status() == 429


async def chunks(size: int) -> AsyncIterator[bytes]:
    yield b"x" * size


async def test_bodies_are_as_large_as_allowed(ruled):
    server = await ruled(http={"maxBodySize": "1Ki"})
    for method in ("POST", "PUT", "PATCH"):
        assert await server.status(method=method, data=b"x" * 1024) == 200
        assert await server.status(method=method, data=b"x" * 1025) == 413
        assert await server.status(method=method, data=chunks(10)) == 411
    assert await server.status(method="DELETE", data=chunks(1025)) == 413
    assert await server.status() == 200


async def test_the_tenants_headers_are_on_every_answer(ruled):
    server = await ruled(
        {"deny": ["203.0.113.7"], "noindex": True, **STAFF},
        {"headers": [{"name": "X-Frame-Options", "value": 'geo=(self "https://a.example")'}]},
    )
    for answer in (
        await server.ask(headers=login()),
        await server.ask("/style.css", headers=login()),
        await server.ask(),
        await server.ask(visitor="203.0.113.7"),
        await server.ask("/.git/config"),
    ):
        assert answer.headers.getall("X-Frame-Options") == ['geo=(self "https://a.example")']
        assert answer.headers.getall("X-Robots-Tag") == ["noindex, nofollow"]


async def test_only_files_may_be_kept(ruled):
    server = await ruled(http={"staticCacheSeconds": 60})
    assert (await server.ask("/style.css")).headers["Cache-Control"] == "public, max-age=60"
    for path in ("/", "/no-such.css", "/index.php/style.css", "/style.css/x.php"):
        assert "Cache-Control" not in (await server.ask(path)).headers


async def test_two_visitors_do_not_use_up_each_others_requests_at_the_same_time(ruled):
    server = await ruled(http={"rateLimit": {"requests": 5, "windowSeconds": 3600}})
    visitors = ["198.51.100.1", "198.51.100.2"] * 8
    found = await asyncio.gather(*(server.status(visitor=visitor) for visitor in visitors))
    for visitor in set(visitors):
        own = [status for status, name in zip(found, visitors, strict=True) if name == visitor]
        assert sorted(own) == [200] * 5 + [429] * 3
