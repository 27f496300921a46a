"""Certificates of Secrets and of the platform's own authority, from the API server to a handshake."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import ssl
import stat
from datetime import UTC, datetime

import pytest
from frankenpanel_gateway.internal_authority import InternalAuthority, make_authority
from frankenpanel_gateway.pem_certificate import split_pem

pytestmark = pytest.mark.integration


async def visit(gateway, host: str, authority: bytes) -> bytes | None:
    """Come by https as a visitor who trusts one authority; None: no certificate."""
    context = ssl.create_default_context(cadata=authority.decode())
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", gateway.https, ssl=context, server_hostname=host
        )
    except (ssl.SSLError, ConnectionError):
        return None
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


async def until_served(eventually, gateway, host, authority):
    async def is_served():
        answer = await visit(gateway, host, authority)
        return answer is not None and answer.startswith(b"HTTP/1.1 200 ")

    await eventually(is_served)


async def until_refused(eventually, gateway, host, authority):
    async def is_refused():
        return await visit(gateway, host, authority) is None

    await eventually(is_refused)


@pytest.fixture
def secrets_path(namespace):
    return f"/api/v1/namespaces/{namespace}/secrets"


@pytest.fixture
def put_secret(kubernetes_api, namespace, secrets_path):
    def put(name: str, pem: bytes) -> None:
        chain, key = split_pem(pem)
        data = {"tls.crt": base64.b64encode(chain).decode(), "tls.key": base64.b64encode(key).decode()}
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": name, "namespace": namespace},
            "data": data,
        }
        answer = kubernetes_api.apply(f"{secrets_path}/{name}", manifest)
        assert answer.status in {200, 201}, answer.message

    return put


@pytest.fixture
def internal_authority(kubernetes_api, secrets_path, eventually):
    """Return the certificate of the authority that the agent made for the platform."""

    async def read() -> bytes:
        found: list[bytes] = []

        async def is_there():
            answer = kubernetes_api.request("GET", f"{secrets_path}/frankenpanel-internal-ca")
            if answer.status == 200:
                found.append(base64.b64decode(answer.body["data"]["tls.crt"]))
            return answer.status == 200

        await eventually(is_there)
        return found[0]

    return read


@pytest.fixture
async def running(agent, eventually):
    await agent.start()
    await agent.gateway.start()
    await eventually(agent.gateway.is_ready)
    return agent


def signed_by(authority: tuple[bytes, bytes], host: str) -> bytes:
    return InternalAuthority(*authority).pem(host, datetime.now(UTC))


async def test_a_tenants_own_certificate_is_shown_exchanged_and_withdrawn(
    running, claims, shop, put_secret, eventually
):
    gateway = running.gateway
    first, second = (make_authority(datetime.now(UTC)) for _ in range(2))
    host = claims.host("own")
    put_secret("own-a", signed_by(first, host))
    claims.put("own", shop.address, tls={"mode": "Secret", "secretName": "own-a"})
    await until_served(eventually, gateway, host, first[0])

    put_secret("own-a", signed_by(second, host))
    await until_served(eventually, gateway, host, second[0])
    claims.put("own", shop.address, tls={"mode": "None"})
    await until_refused(eventually, gateway, host, second[0])


async def test_an_internal_host_is_shown_a_certificate_of_the_platforms_own_authority(
    running, claims, shop, internal_authority, eventually
):
    host = claims.put("local", shop.address, tls={"mode": "Internal"})
    await until_served(eventually, running.gateway, host, await internal_authority())


async def test_a_managed_host_without_a_certificate_is_refused(running, claims, shop, internal_authority):
    host = claims.put("managed", shop.address, tls={"mode": "Managed", "mayOrder": True})
    assert await visit(running.gateway, host, await internal_authority()) is None


async def test_the_authority_stays_the_same_over_restarts_and_for_every_replica(
    running, claims, shop, internal_authority, eventually
):
    before = await internal_authority()
    running.stop(signal.SIGTERM)
    await running.start()
    host = claims.put("local", shop.address, tls={"mode": "Internal"})
    await until_served(eventually, running.gateway, host, before)
    assert await internal_authority() == before


async def test_killed_with_the_api_server_gone_all_is_served_again_from_disk(
    running, relay, claims, shop, put_secret, internal_authority, eventually
):
    gateway = running.gateway
    authority = make_authority(datetime.now(UTC))
    own = claims.host("own")
    put_secret("own-a", signed_by(authority, own))
    claims.put("own", shop.address, tls={"mode": "Secret", "secretName": "own-a"})
    local = claims.put("local", shop.address, tls={"mode": "Internal"})
    internal = await internal_authority()
    await until_served(eventually, gateway, own, authority[0])
    await until_served(eventually, gateway, local, internal)

    async def is_written():
        snapshot = gateway.folder / "certificates" / "claims.json"
        return snapshot.exists() and {own, local} <= json.loads(snapshot.read_bytes()).keys()

    await eventually(is_written)
    await relay.cut()
    running.stop(signal.SIGKILL)
    gateway.stop()
    await running.start()
    await gateway.start()
    seconds = await eventually_both(eventually, gateway, (own, authority[0]), (local, internal))
    print(f"both served {seconds:.2f} s after the start")  # noqa: T201 (a figure for people)


async def eventually_both(eventually, gateway, *visits):
    async def are_served():
        answers = [await visit(gateway, host, authority) for host, authority in visits]
        return all(answer is not None and answer.startswith(b"HTTP/1.1 200 ") for answer in answers)

    return await eventually(are_served)


async def test_keys_on_disk_are_for_the_agent_alone(running, claims, shop, put_secret, internal_authority):
    await internal_authority()
    folder = running.gateway.folder / "certificates"
    put_secret("own-a", signed_by(make_authority(datetime.now(UTC)), claims.host("own")))
    modes = {
        stat.S_IMODE(os.stat(os.path.join(root, name)).st_mode)
        for root, _, names in os.walk(folder)
        for name in names
    }
    assert modes <= {0o600}
    assert "PRIVATE KEY" not in running.log
