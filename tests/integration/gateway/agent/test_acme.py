"""Certificates of a real ACME authority, ordered by Caddy for the agents of one or two replicas."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from pebble_process import Pebble, binary, pebble

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not binary("pebble").exists(), reason="pebble is not compiled; make test-integration does"
    ),
]

LONG_SECONDS = 7776000
MANAGED = {"mode": "Managed", "mayOrder": True}


async def connect(gateway, host: str, context: ssl.SSLContext):
    return await asyncio.open_connection("127.0.0.1", gateway.https, ssl=context, server_hostname=host)


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()


async def shown(gateway, host: str) -> x509.Certificate | None:
    """Return the certificate that a visitor of the host is shown, whoever signed it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", gateway.https, ssl=context, server_hostname=host
        )
    except (ssl.SSLError, ConnectionError):
        return None
    content = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    await close(writer)
    return x509.load_der_x509_certificate(content)


async def is_trusted(gateway, host: str, authority: Pebble) -> bool:
    root = await asyncio.to_thread(authority.root)
    context = ssl.create_default_context(cadata=root.decode())
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", gateway.https, ssl=context, server_hostname=host
    )
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    await close(writer)
    return answer.startswith(b"HTTP/1.1 200 ")


def order_settings(gateway, authority: Pebble, name: str) -> dict[str, str]:
    settings = {
        "ACME_DIRECTORY": authority.directory,
        "ACME_EMAIL": "admin@platform.example",
        "ACME_CA_FILE": authority.ca_file,
        "CADDY_STORAGE": gateway.folder / "data",
        "CADDY_LOG_SOCKET": gateway.folder / "certificates.sock",
        "CADDY_HTTPS_PORT": gateway.https,
        "IDENTITY": name,
        "LEASE_SECONDS": 2,
        "ORDER_CHECK_SECONDS": 1,
    }
    return {f"FRANKENPANEL_GATEWAY_{key}": str(value) for key, value in settings.items()}


@pytest.fixture
def validity_seconds() -> int:
    return LONG_SECONDS


@pytest.fixture
def challenge_port(stopped_gateway) -> int:
    return stopped_gateway.http


@pytest.fixture
def authority(folder: Path, challenge_port: int, validity_seconds: int) -> Iterator[Pebble]:
    (folder / "authority").mkdir()
    with pebble(folder / "authority", challenge_port, validity_seconds) as running:
        yield running


@pytest.fixture
async def ordering(agent, authority, eventually):
    """A gateway and its agent that may order."""
    agent.environment |= order_settings(agent.gateway, authority, "first")
    agent.gateway.environment["SSL_CERT_FILE"] = str(authority.ca_file)
    await agent.start()
    await agent.gateway.start()
    await eventually(agent.gateway.is_ready)
    return agent


@pytest.fixture
async def second(ordering, agent, authority, eventually):
    """A second replica: its own Caddy, agent and folders."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-"))
    gateway = type(agent.gateway)(folder, environment=dict(agent.gateway.environment))
    environment = {
        **agent.environment,
        **order_settings(gateway, authority, "second"),
        "FRANKENPANEL_GATEWAY_ROUTES_ROOT": str(gateway.routes),
        "FRANKENPANEL_GATEWAY_CERTIFICATES_ROOT": str(folder / "certificates"),
        "FRANKENPANEL_GATEWAY_PERMISSION_PORT": str(gateway.permission),
        "FRANKENPANEL_GATEWAY_PROBES_PORT": str(gateway.probes),
    }
    other = replace(agent, gateway=gateway, environment=environment, process=None)
    await other.start()
    await gateway.start()
    await eventually(gateway.is_ready)
    yield other
    if other.process is not None:
        other.stop()
    gateway.stop()
    shutil.rmtree(folder)


async def until_shown(eventually, gateway, host, accept=lambda _: True) -> x509.Certificate:
    found: list[x509.Certificate] = []

    async def is_shown():
        certificate = await shown(gateway, host)
        if (
            certificate is not None
            and "Pebble" in certificate.issuer.rfc4514_string()
            and accept(certificate)
        ):
            found.append(certificate)
        return bool(found)

    await eventually(is_shown, within_seconds=60)
    return found[0]


@pytest.fixture
def status_of(kubernetes_api, claims):
    def status(host: str) -> dict[str, Any]:
        body = kubernetes_api.request("GET", f"{claims.path}/{host}").body
        certificate: dict[str, Any] = body.get("status", {}).get("certificate", {})
        return certificate

    return status


async def until_reported(eventually, status_of, host, field):
    async def is_reported():
        return field in status_of(host)

    await eventually(is_reported, within_seconds=60)
    return status_of(host)


async def test_a_host_that_may_order_gets_a_certificate_before_anybody_comes(
    ordering, claims, shop, authority, status_of, eventually
):
    host = claims.put("shop", shop.address, tls=MANAGED)
    status = await until_reported(eventually, status_of, host, "notAfter")
    assert await is_trusted(ordering.gateway, host, authority)
    assert "Pebble" in status["issuer"]
    certificate = await shown(ordering.gateway, host)
    assert certificate is not None
    assert datetime.fromisoformat(status["notAfter"]) == certificate.not_valid_after_utc
    assert not {"lastError", "retryAfter"} & status.keys()
    assert authority.issued() == 1


async def test_a_host_that_may_not_order_yet_gets_none_until_it_may(
    ordering, claims, shop, authority, eventually
):
    first = claims.put("early", shop.address, tls={"mode": "Managed"})
    other = claims.put("other", shop.address, tls=MANAGED)
    await until_shown(eventually, ordering.gateway, other)
    assert await shown(ordering.gateway, first) is None
    assert authority.issued() == 1
    claims.put("early", shop.address, tls=MANAGED)
    await until_shown(eventually, ordering.gateway, first)


async def test_visitors_cannot_bring_about_an_order(ordering, claims, shop, authority, eventually):
    host = claims.put("early", shop.address, tls={"mode": "Managed"})
    for name in (host, "unknown.example", "unknown." + host):
        assert await shown(ordering.gateway, name) is None
    assert authority.issued() == 0
    assert authority.refused() == 0


class TestShortLived:
    @pytest.fixture
    def validity_seconds(self) -> int:
        return 12

    async def test_a_certificate_is_renewed_before_it_ends(
        self, ordering, claims, shop, authority, status_of, eventually
    ):
        host = claims.put("shop", shop.address, tls=MANAGED)
        first = await until_shown(eventually, ordering.gateway, host)
        later = await until_shown(
            eventually, ordering.gateway, host, lambda item: item.serial_number != first.serial_number
        )
        assert later.not_valid_after_utc > first.not_valid_after_utc

        async def is_reported():
            return datetime.fromisoformat(status_of(host)["notAfter"]) > first.not_valid_after_utc

        await eventually(is_reported, within_seconds=60)


class TestUnanswered:
    @pytest.fixture
    def challenge_port(self) -> int:
        """Return one where nobody listens."""
        return 9

    async def test_a_challenge_that_cannot_be_met_is_told_and_waited_out(
        self, ordering, claims, shop, authority, status_of, eventually
    ):
        host = claims.put("shop", shop.address, tls=MANAGED)
        status = await until_reported(eventually, status_of, host, "lastError")
        assert "retryAfter" in status
        assert "notAfter" not in status
        assert "connection" in status["lastError"]
        claims.put("shop", shop.address, tls={**MANAGED, "mayOrder": False})
        claims.put("shop", shop.address, tls=MANAGED)
        unrelated = claims.put("other", shop.address, tls=MANAGED)
        await until_reported(eventually, status_of, unrelated, "lastError")
        assert status_of(host) == status
        assert ordering.log.count('"message": "no certificate"') == 2
        assert "PRIVATE KEY" not in ordering.log


async def test_replicas_share_what_one_of_them_ordered(ordering, second, claims, shop, authority, eventually):
    host = claims.put("shop", shop.address, tls=MANAGED)
    certificates = [await until_shown(eventually, replica.gateway, host) for replica in (ordering, second)]
    assert certificates[0] == certificates[1]
    assert authority.issued() == 1


async def test_when_the_agent_that_orders_is_gone_another_goes_on_and_any_caddy_answers_the_challenge(
    ordering, second, claims, shop, authority, eventually
):
    first = claims.put("first", shop.address, tls=MANAGED)
    await until_shown(eventually, second.gateway, first)
    ordering.stop(signal.SIGKILL)
    host = claims.put("later", shop.address, tls=MANAGED)
    await until_shown(eventually, second.gateway, host)
    assert authority.issued() == 2


async def test_killed_with_api_server_and_authority_gone_it_is_served_again_from_disk(
    ordering, relay, claims, shop, eventually
):
    host = claims.put("shop", shop.address, tls=MANAGED)
    before = await until_shown(eventually, ordering.gateway, host)
    snapshot = ordering.gateway.folder / "certificates" / "claims.json"

    async def is_written():
        return snapshot.exists() and host in snapshot.read_text()

    await eventually(is_written)
    await relay.cut()
    ordering.stop(signal.SIGKILL)
    ordering.gateway.stop()
    await ordering.start()
    await ordering.gateway.start()
    assert await until_shown(eventually, ordering.gateway, host) == before
