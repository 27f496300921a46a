"""What a claim can say about its host, from a real API server through the agent to a real Caddy."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.integration


async def until(eventually, gateway, host, status, location=None):
    async def is_so():
        found, headers = await gateway.ask(host, "/a?b=c")
        return (found, headers.get("location")) == (status, location)

    await eventually(is_so)


@pytest.fixture
async def running(agent, eventually):
    await agent.start()
    await agent.gateway.start()
    await eventually(agent.gateway.is_ready)
    return agent.gateway


async def test_a_claim_redirects_by_each_of_its_fields(running, claims, shop, eventually):
    host = claims.host("old")
    redirect = {"to": "https://www.example.com", "code": 308}
    claims.claim(host, "old", route={"site": "demo.old", "redirect": redirect})
    await until(eventually, running, host, 308, "https://www.example.com/a?b=c")
    redirect = {"to": "https://b.example/news?c=d", "code": 302, "keepPath": False}
    claims.claim(host, "old", route={"site": "demo.old", "redirect": redirect})
    await until(eventually, running, host, 302, "https://b.example/news?c=d")
    claims.claim(host, "old", route={"site": "demo.old", "redirect": redirect, "httpsRedirect": True})
    await until(eventually, running, host, 308, f"https://{host}/a?b=c")
    claims.claim(host, "old", route={"site": "demo.old", "upstream": shop.address})
    await until(eventually, running, host, 200)


async def test_a_wildcard_claim_serves_what_has_no_claim_of_its_own(running, claims, shop, eventually):
    parent = claims.host("shop")
    claims.claim(f"*.{parent}", "all", route={"site": "demo.all", "upstream": shop.address})
    await until(eventually, running, f"any.{parent}", 200)
    assert (await running.get(parent))[0] == 404
    redirect = {"to": "https://www.example.com"}
    claims.claim(f"own.{parent}", "own", route={"site": "demo.own", "redirect": redirect})
    await until(eventually, running, f"own.{parent}", 301, "https://www.example.com/a?b=c")
    await until(eventually, running, f"any.{parent}", 200)


async def test_a_released_claim_is_not_served(running, claims, shop, eventually):
    host = claims.put("gone", shop.address)
    await until(eventually, running, host, 200)
    claims.put("gone", shop.address, releasedAt="2026-01-01T00:00:00Z")
    await until(eventually, running, host, 404)


async def test_the_block_list_is_followed_and_survives_the_agent(
    running, agent, claims, shop, eventually, folder
):
    host = claims.put("shop", shop.address)
    await until(eventually, running, host, 200)
    (folder / "networks").write_text("203.0.113.7\n127.0.0.0/24\n")
    await until(eventually, running, host, 403)
    agent.stop()
    assert (await running.get(host))[0] == 403
    (folder / "networks").write_text("203.0.113.7\n")
    await agent.start()
    await until(eventually, running, host, 200)
