"""What lies on disk is enough to serve again: Caddy and agent killed, the API server gone, no operator."""

from __future__ import annotations

import asyncio
import time

import pytest

pytestmark = pytest.mark.integration

HOSTS = 20


async def test_killed_without_an_api_server_both_serve_again_from_disk(
    agent, relay, claims, shop, eventually
):
    gateway = agent.gateway
    hosts = [claims.put(f"site{number}", shop.address) for number in range(HOSTS)]
    await agent.start()
    await gateway.start()
    await eventually(gateway.is_ready)
    await relay.cut()
    agent.stop()
    gateway.stop()

    started = time.monotonic()
    starting = [asyncio.create_task(agent.start()), asyncio.create_task(gateway.start())]
    await eventually(lambda: serves(gateway, hosts[0]), within_seconds=60)
    print(f"first answer {time.monotonic() - started:.2f} s after the start")  # noqa: T201  (the goal is 5 s)
    await asyncio.gather(*starting)

    assert all([await serves(gateway, host) for host in hosts])
    assert await agent.is_ready()
    assert await agent.permits(hosts[0])


async def serves(gateway, host: str) -> bool:
    try:
        return (await gateway.get(host))[0] == 200
    except OSError:
        return False
