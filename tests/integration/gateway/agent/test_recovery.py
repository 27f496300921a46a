"""What lies on disk is enough to serve again: Caddy and agent killed, the API server gone, no operator."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

HOSTS = 20


async def test_killed_without_an_api_server_both_serve_again_from_disk(
    agent, relay, claims, shop, eventually
):
    gateway = agent.gateway
    internal = {"tls": {"mode": "Internal"}}
    hosts = [claims.put(f"site{number}", shop.address, **internal) for number in range(HOSTS)]
    await agent.start()
    await gateway.start()
    await eventually(gateway.is_ready)
    await eventually(lambda: serves_https(gateway, hosts[0]))
    # What a claim says about its certificate is written together with what comes within the next second.
    await eventually(lambda: is_kept(agent, hosts))
    await relay.cut()
    agent.stop()
    gateway.stop()

    started = time.monotonic()
    starting = [asyncio.create_task(agent.start()), asyncio.create_task(gateway.start())]
    await eventually(lambda: serves(gateway, hosts[0]), within_seconds=60)
    http_seconds = time.monotonic() - started
    await eventually(lambda: serves_https(gateway, hosts[0]), within_seconds=60)
    https_seconds = time.monotonic() - started
    print(f"after the start: http {http_seconds:.2f} s, https {https_seconds:.2f} s")  # noqa: T201  (goal: 5 s)
    await asyncio.gather(*starting)

    assert all([await serves(gateway, host) and await serves_https(gateway, host) for host in hosts])
    assert await agent.is_ready()


async def is_kept(agent, hosts: list[str]) -> bool:
    kept = kept_text(Path(agent.environment["FRANKENPANEL_GATEWAY_CERTIFICATES_ROOT"]))
    return all(host in kept for host in hosts)


def kept_text(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.iterdir() if file.is_file())


async def serves(gateway, host: str) -> bool:
    try:
        return (await gateway.get(host))[0] == 200
    except OSError:
        return False


async def serves_https(gateway, host: str) -> bool:
    """Say whether the host has its certificate and its site answers; who signed it is no matter here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", gateway.https, ssl=context, server_hostname=host
        )
    except OSError:
        return False
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer.startswith(b"HTTP/1.1 200 ")
