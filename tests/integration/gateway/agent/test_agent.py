"""The agent as a process, between a real API server and a real Caddy."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import aiohttp
import pytest
from frankenpanel_gateway.tree import folder_name

pytestmark = pytest.mark.integration


def served(gateway, host):
    folder = gateway.routes / "current" / "hosts" / folder_name(host)
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


async def site_of(gateway, host):
    status, body = await gateway.get(host)
    return json.loads(body)["site"] if status == 200 else status


async def until_site(eventually, gateway, host, site, **options):
    async def is_there():
        return await site_of(gateway, host) == site

    return await eventually(is_there, **options)


async def test_a_claim_becomes_a_route_changes_and_goes(agent, claims, shop, blog, eventually):
    gateway = agent.gateway
    early = claims.put("early", shop.address)
    await agent.start()
    await gateway.start()
    await eventually(gateway.is_ready)
    assert await site_of(gateway, early) == "shop"

    late = claims.put("late", None)
    assert await site_of(gateway, late) == 404
    claims.put("late", shop.address)
    await until_site(eventually, gateway, late, "shop", within_seconds=2)
    claims.put("late", blog.address)
    await until_site(eventually, gateway, late, "blog", within_seconds=2)
    claims.delete("late")
    await until_site(eventually, gateway, late, 404, within_seconds=2)
    claims.put("early", None)
    await until_site(eventually, gateway, early, 404, within_seconds=2)


async def test_more_claims_than_one_page_are_all_routed(agent, claims, shop, eventually):
    hosts = [claims.put(f"site{number}", shop.address) for number in range(20)]
    await agent.start()
    await eventually(agent.is_ready)
    assert [len(served(agent.gateway, host)) for host in hosts] == [1] * 20


async def test_an_upstream_outside_of_the_admitted_networks_is_not_routed(agent, claims, eventually):
    bad = claims.put("bad", "169.254.169.254:80")
    await agent.start()
    await eventually(agent.is_ready)

    async def says_why():
        return "claim refused" in agent.log

    await eventually(says_why)
    assert served(agent.gateway, bad) == []
    assert "169.254" not in agent.log


async def test_the_last_tree_is_served_while_the_api_server_is_gone(
    agent, relay, claims, shop, blog, eventually
):
    gateway = agent.gateway
    kept, moved, gone = (claims.put(label, shop.address) for label in ("kept", "moved", "gone"))
    await agent.start()
    await gateway.start()
    await eventually(gateway.is_ready)

    await relay.cut()
    agent.stop(signal.SIGKILL)
    gateway.stop()
    claims.put("moved", blog.address)
    claims.delete("gone")
    added = claims.put("added", blog.address)
    await agent.start()
    await gateway.start()

    assert await agent.is_ready()
    assert [await site_of(gateway, host) for host in (kept, moved, gone)] == ["shop"] * 3

    async def says_outage():
        return "API server is out of reach" in agent.log

    await eventually(says_outage)
    assert await agent.is_alive()

    await relay.open()
    await until_site(eventually, gateway, added, "blog")
    assert [await site_of(gateway, host) for host in (kept, moved, gone)] == ["shop", "blog", 404]


async def test_a_short_outage_is_made_up_for_without_a_restart(agent, relay, claims, shop, eventually):
    await agent.start()
    await eventually(agent.is_ready)
    await relay.cut()
    host = claims.put("meanwhile", shop.address)
    await relay.open()

    async def is_served():
        return served(agent.gateway, host) != []

    await eventually(is_served)


async def test_without_api_server_and_tree_nothing_is_ready_and_nothing_restarts(agent, relay, eventually):
    await relay.cut()
    await agent.start()
    await agent.gateway.start()
    assert not await agent.is_ready()
    assert not await agent.gateway.is_ready()
    assert await agent.is_alive()
    assert (await agent.gateway.get("shop.example"))[0] == 503

    await relay.open()
    await eventually(agent.gateway.is_ready)


async def test_killed_again_and_again_amid_changes_no_visitor_notices(agent, claims, shop, blog, eventually):
    gateway = agent.gateway
    host = claims.put("steady", shop.address)
    await agent.start()
    await gateway.start()
    await eventually(gateway.is_ready)
    failures: list[object] = []
    done = asyncio.Event()

    async def visit():
        async with aiohttp.ClientSession(headers={"Host": host}) as session:
            while not done.is_set():
                async with session.get(f"http://127.0.0.1:{gateway.http}/") as response:
                    if response.status != 200:
                        failures.append((response.status, await response.text()))

    visitor = asyncio.create_task(visit())
    for turn in range(4):
        for number in range(10):
            site = blog if (turn + number) % 2 else shop
            await asyncio.to_thread(claims.put, "steady", site.address)
            await asyncio.to_thread(claims.put, f"other{number}", site.address)
        agent.stop(signal.SIGKILL)
        await asyncio.to_thread(claims.delete, f"other{turn}")
        await agent.start()
    done.set()
    await visitor

    claims.put("last", blog.address)
    await until_site(eventually, gateway, claims.host("last"), "blog")
    assert failures == []
    for number in range(10):
        last = blog if (3 + number) % 2 else shop
        expected = [] if number == 3 else [f"p0,demo.other{number},{last.address}"]
        assert served(gateway, claims.host(f"other{number}")) == expected


async def test_sigterm_ends_the_agent_at_once_and_leaves_the_tree(agent, claims, shop, eventually):
    host = claims.put("kept", shop.address)
    await agent.start()
    await eventually(agent.is_ready)
    assert agent.stop(signal.SIGTERM) == 0
    assert len(served(agent.gateway, host)) == 1


async def test_every_log_line_is_json_and_none_holds_the_token(agent, eventually):
    await agent.start()
    await eventually(agent.is_ready)
    lines = [json.loads(line) for line in agent.log.splitlines()]
    assert {"tree opened", "tree rebuilt"} <= {line["message"] for line in lines}
    assert agent.environment["FRANKENPANEL_GATEWAY_API_TOKEN_FILE"]
    assert (agent.gateway.folder / "token").read_text() not in agent.log
