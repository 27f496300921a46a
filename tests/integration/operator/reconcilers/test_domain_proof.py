"""Proving hosts: a tenant who sets what the status says, a real name server, a real API server."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from coredns_process import NameServer, running_name_server
from installation import Installation
from noted_operator import NotedOperator

pytestmark = pytest.mark.integration

OURS = "/apis/frankenpanel.io/v1alpha1"
GATEWAY = "203.0.113.20"
# Answers are remembered by nobody, and the pause between two looks is ten seconds at first.
PATIENCE_SECONDS = 120.0

Operator = Callable[..., AbstractAsyncContextManager[NotedOperator]]
Until = Callable[..., Awaitable[float]]


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    with (
        tempfile.TemporaryDirectory(prefix="fp-coredns-") as folder,
        running_name_server(Path(folder)) as server,
    ):
        yield server


class Tenant:
    """Somebody with one Domain in a namespace of their own."""

    def __init__(self, installation: Installation, namespace: str, host: str) -> None:
        self._api, self.namespace, self.host = installation.api, namespace, host
        self._path = f"{OURS}/namespaces/{namespace}/domains"

    def create(self, **spec: Any) -> None:
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Domain",
            "metadata": {"name": "www"},
            "spec": {"host": self.host, "siteRef": {"name": "shop"}, "tls": {"mode": "None"}, **spec},
        }
        answer = self._api.request("POST", self._path, body)
        assert answer.status == 201, answer.message

    def edit(self, spec: dict[str, Any]) -> None:
        answer = self._api.request(
            "PATCH", f"{self._path}/www", {"spec": spec}, content_type="application/merge-patch+json"
        )
        assert answer.status == 200, answer.message

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self._api.request("GET", f"{self._path}/www").body.get("status", {})
        return status

    def condition(self, type_: str) -> str:
        found = (item for item in self.status().get("conditions", []) if item["type"] == type_)
        return next((f"{item['status']} {item['reason']}" for item in found), "")

    def record(self) -> str:
        """Return the TXT record that the status asks for, as a line of the zone."""
        records = self.status()["verification"]["records"]
        record = next(item for item in records if item["type"] == "TXT")
        return f'{record["name"].removesuffix(".test")} 0 IN TXT "{record["value"]}"'

    def claim(self) -> dict[str, Any]:
        spec: dict[str, Any] = self._api.request("GET", f"{OURS}/domainclaims/{self.host}").body.get(
            "spec", {}
        )
        return spec


@pytest.fixture
def tenant(installation: Installation) -> Tenant:
    return Tenant(installation, installation.tenant, f"www.{installation.tenant}.test")


def settings_for(server: NameServer) -> dict[str, Any]:
    return {
        "trusted_namespaces": "",
        "gateway_addresses": GATEWAY,
        "dns_resolvers": f"127.0.0.1:{server.port}",
    }


async def test_a_tenant_sets_the_record_and_points_the_host_here(
    operator: Operator, tenant: Tenant, name_server: NameServer, until: Until
) -> None:
    owner = tenant.host.removesuffix(".test")
    async with operator(**settings_for(name_server)):
        tenant.create()
        await until(
            lambda: tenant.condition("OwnershipVerified") == "False RecordNotFound", "it is told to prove it"
        )
        assert "verifiedAt" not in tenant.claim()
        record = tenant.record()
        name_server.write(record, f"{owner} 0 IN A 198.51.100.9")
        await until(
            lambda: tenant.condition("OwnershipVerified") == "True Verified",
            "the record is believed",
            PATIENCE_SECONDS,
        )
        await until(
            lambda: tenant.condition("DNSResolves") == "False PointsElsewhere",
            "the wrong address is seen",
            PATIENCE_SECONDS,
        )
        assert tenant.status()["dns"]["observed"] == ["198.51.100.9"]
        assert tenant.status()["dns"]["expected"] == [GATEWAY]
        assert tenant.claim()["verifiedAt"]
        name_server.write(f"{owner} 0 IN A {GATEWAY}")
        await until(
            lambda: tenant.condition("DNSResolves") == "True Resolves", "it leads here", PATIENCE_SECONDS
        )
        assert tenant.condition("OwnershipVerified") == "True Verified", "also without its record"


async def test_a_proven_host_stays_what_it_was_while_its_name_servers_are_down(
    operator: Operator, tenant: Tenant, name_server: NameServer, until: Until
) -> None:
    owner = tenant.host.removesuffix(".test")
    name_server.write(f"{owner} 0 IN A {GATEWAY}")
    async with operator(**settings_for(name_server)):
        tenant.create()
        await until(lambda: tenant.condition("DNSResolves") == "True Resolves", "it leads here")
        name_server.write(f"{owner} 0 IN A {GATEWAY}", tenant.record())
        await until(
            lambda: tenant.condition("OwnershipVerified") == "True Verified", "it is proven", PATIENCE_SECONDS
        )
    name_server.stop()
    async with operator(**settings_for(name_server)):
        tenant.edit({"httpsRedirect": "Never"})
        await until(
            lambda: tenant.condition("DNSResolves") == "True DNSUnreachable",
            "silence is reported and changes nothing",
            PATIENCE_SECONDS,
        )
        assert tenant.condition("OwnershipVerified") == "True Verified"
        assert tenant.claim()["verifiedAt"]
        name_server.start()
        await until(
            lambda: tenant.condition("DNSResolves") == "True Resolves",
            "it recovers by itself",
            PATIENCE_SECONDS,
        )


async def test_whoever_proves_a_host_gets_it_from_whoever_only_wants_it(
    operator: Operator,
    tenant: Tenant,
    installation: Installation,
    platform_namespace: str,
    name_server: NameServer,
    until: Until,
) -> None:
    owner = Tenant(installation, platform_namespace, tenant.host)
    async with operator(**settings_for(name_server)):
        tenant.create()
        await until(lambda: tenant.condition("Claimed") == "True Claimed", "the squatter has the claim")
        owner.create()
        await until(lambda: bool(owner.status().get("verification")), "the owner is told what to set")
        name_server.write(owner.record())
        await until(
            lambda: owner.condition("OwnershipVerified") == "True Verified",
            "the owner has proven it",
            PATIENCE_SECONDS,
        )
        await until(
            lambda: owner.claim().get("domainRef", {}).get("namespace") == owner.namespace,
            "the claim has passed to the owner",
            PATIENCE_SECONDS,
        )
        await until(lambda: tenant.condition("Claimed") == "False HostTaken", "the squatter has it no more")
