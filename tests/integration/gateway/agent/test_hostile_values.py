"""A thousand hostile values in one tenant's objects: through schema, operator, agent and Caddy.

What the schema refuses is brought past it as well, as an older schema might have let it through. Meanwhile
another tenant's site is visited all the time. Caddy has two secrets in reach that nobody must ever see.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from frankenpanel_crds.domain import Domain, normalise_host
from frankenpanel_crds.domainclaim import ClaimTls
from frankenpanel_operator.desired.claim import Content, build_domain_claim
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.refused_hosts import refusal_of
from frankenpanel_operator.desired.route import Destination, compile_route
from frankenpanel_operator.desired.service import PORT_NAME
from hostile_values import Canary, hostile_values
from hostile_visits import answers_to, hostile_requests, visiting
from listed_claims import listing

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

SITE = "demo.mine"
PLATFORM = Platform(namespace="frankenpanel-system", reserved_hosts=("panel.example",))
# What Caddy writes past its own log, while nobody listens to a part of it.
CADDY_ABOUT_ITS_LOG = "[ERROR] net log writer failed to connect"
RECORD = re.compile(r"[pr][01],[a-z0-9-]+\.[a-z0-9-]+,[^{}\s]+")


@pytest.fixture
def canary(folder: Path) -> Canary:
    token = secrets.token_hex(8)
    return Canary(
        "FRANKENPANEL_CANARY", folder / "canary.txt", (f"canary-env-{token}", f"canary-file-{token}")
    )


@pytest.fixture
def values(canary: Canary) -> list[str]:
    return hostile_values(canary)


def configuration(gateway: Any) -> str:
    """Return what Caddy says its configuration is."""
    connection = HTTPConnection("localhost", timeout=20)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(gateway.folder / "admin.sock"))
    try:
        connection.request("GET", "/config/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def domain_bodies(value: str, namespace: str) -> Iterator[dict[str, Any]]:
    """Yield Domains that have the value in each of their texts."""
    good = {"host": "mine.example", "siteRef": {"name": "mine"}, "tls": {"mode": "None"}}
    for spec in (
        {"host": value},
        {"role": "Redirect", "redirect": {"to": value, "keepPath": False}},
        {"siteRef": {"name": value}},
        {"tls": {"mode": "Secret", "secretRef": {"name": value}}},
    ):
        yield {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Domain",
            "metadata": {"name": "hostile", "namespace": namespace, "uid": "1"},
            "spec": {**good, **spec},
        }


def built_claim(body: dict[str, Any], upstream: str) -> dict[str, Any] | None:
    """Return the claim that the operator would write for a proven Domain, None where it refuses to."""
    address, port = upstream.split(":")
    service = {"spec": {"clusterIP": address, "ports": [{"name": PORT_NAME, "port": int(port)}]}}
    try:
        domain = Domain.parse(body)
        host = normalise_host(domain.spec.host)
        destination = Destination(service, "https://www.mine.example", lambda _: "")
        compiled = compile_route(domain, host, destination, None)
        if refusal_of(host, PLATFORM) or compiled.refusal:
            return None
        tls = ClaimTls(mode=domain.spec.tls.mode)
        return build_domain_claim(domain, host, Content(datetime.now(UTC), tls, compiled.route))
    except ValueError:
        return None


def through_schema_and_operator(
    api: Any, namespace: str, values: list[str], upstream: str
) -> tuple[int, list[dict[str, Any]]]:
    """Ask the API server about every Domain; return how many it takes, and the claims built of all."""
    path = f"/apis/frankenpanel.io/v1alpha1/namespaces/{namespace}/domains?dryRun=All&fieldValidation=Strict"
    taken, claims = 0, {}
    for value in values:
        for body in domain_bodies(value, namespace):
            answer = api.request("POST", path, body)
            assert answer.status in {201, 400, 422}, answer.message
            taken += answer.status == 201
            claim = built_claim(answer.body if answer.status == 201 else body, upstream)
            if claim is not None:
                claims[json.dumps(claim["spec"], sort_keys=True)] = claim
    return taken, list(claims.values())


def raw_claims(values: list[str], upstream: str, victim: str) -> Iterator[dict[str, Any]]:
    """Yield claims that no schema and no operator has seen, one for each place of each value."""
    places = (
        lambda value: {"host": value},
        lambda value: {"route": {"site": value, "upstream": upstream}},
        lambda value: {"route": {"site": SITE, "upstream": value}},
        lambda value: {"route": {"site": SITE, "redirect": {"to": value, "keepPath": False}}},
        lambda value: {"route": {"site": SITE, "redirect": {"to": value}}},
        lambda value: {"route": {"site": SITE, "redirect": {"to": "https://x.example", "code": value}}},
        lambda value: {"route": {"site": SITE, "upstream": upstream, "hsts": value}},
        lambda value: {"tls": {"mode": "Secret", "secretName": value}},
        lambda value: {"tls": {"mode": value}},
        # A claim whose name is not its host would go around the lock that gives a host one owner.
        lambda value: {"host": victim, "name": value},
    )
    for number, value in enumerate(values):
        for place, spec_of in enumerate(places):
            host = f"h{number}-{place}.hostile.example"
            spec = {"host": host, "route": {"site": SITE, "upstream": upstream}, **spec_of(value)}
            name = spec.pop("name", spec["host"])
            yield {
                "metadata": {"name": name, "resourceVersion": "1"},
                "spec": {"domainRef": {"namespace": "demo", "name": "mine", "uid": "1"}, **spec},
            }


def good_claim(host: str, upstream: str) -> dict[str, Any]:
    spec = {"host": host, "route": {"site": SITE, "upstream": upstream}}
    return {"metadata": {"name": host, "resourceVersion": "1"}, "spec": spec}


def spellings(victim: str, upstream: str) -> Iterator[dict[str, Any]]:
    """Yield claims on names that are nearly the other tenant's host."""
    for name in (
        victim.upper(),
        f"{victim}.",
        f".{victim}",
        f"{victim}\x00",
        f"{victim}\n",
        f"{victim} ",
        f"./{victim}",
        f"x/../{victim}",
        victim.replace(".", "\u3002"),
    ):
        yield good_claim(name, upstream)


def records(gateway: Any) -> dict[str, str]:
    """Return the record of every exact host in the tree."""
    hosts = gateway.routes / "current" / "hosts"
    return {folder.name.lstrip("."): next(folder.iterdir()).name for folder in hosts.iterdir()}


def is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def assert_logs_are_sound(paths: list[Path], canary: Canary) -> None:
    for path in paths:
        text = path.read_text()
        assert not [secret for secret in canary.secrets if secret in text], path.name
        # Not splitlines: to Python, a line ends at more characters than to those who read logs.
        for line in text.removesuffix("\n").split("\n"):
            assert is_object(line) or line.startswith(CADDY_ABOUT_ITS_LOG), f"{path.name}: {line[:300]}"


async def test_hostile_values_of_one_tenant_reach_neither_secrets_nor_neighbours(
    agent, claims, kubernetes_api, namespace, shop, blog, canary, values, eventually, caplog
):
    # The sites of this test are told as much nonsense as everybody else, and would say so.
    caplog.set_level(logging.CRITICAL, "aiohttp.server")
    gateway = agent.gateway
    gateway.environment |= canary.write()
    victim, mine = claims.put("victim", blog.address), claims.put("mine", shop.address)
    await agent.start()
    await gateway.start()
    await eventually(gateway.is_ready)
    before = configuration(gateway)
    told: list[bytes] = []

    async with visiting(gateway.http, victim, "blog") as neighbour:
        taken, built = await asyncio.to_thread(
            through_schema_and_operator, kubernetes_api, namespace, values, shop.address
        )
        for claim in built:
            answer = await asyncio.to_thread(kubernetes_api.apply, claim_path(claims, claim), claim)
            if answer.status in {200, 201}:
                claims.names.add(claim["metadata"]["name"])
        await until_routed(gateway, claims.put("marker", shop.address), eventually)
        told += await answers_to(gateway.http, hostile_requests(values, mine))
        told += await visit_all(gateway)

        agent.stop(signal.SIGTERM)
        kept = [kubernetes_api.request("GET", f"{claims.path}/{host}").body for host in (victim, mine)]
        hostile = [*raw_claims(values, shop.address, victim), *spellings(victim, shop.address), *built]
        async with listing([*hostile, *kept, good_claim("later.example", shop.address)]) as url:
            agent.environment["FRANKENPANEL_GATEWAY_API_SERVER"] = url
            await agent.start()
            await until_routed(gateway, "later.example", eventually)
            told += await visit_all(gateway)
            agent.stop(signal.SIGTERM)
    numbers = f"{len(values)} values, {taken} Domains taken, {len(built)} claims built, {len(told)} answers"
    print(numbers)  # noqa: T201  (whether the corpus still gets that far is a thing to look at)

    assert neighbour.failures == []
    assert neighbour.visits > 100
    assert configuration(gateway) == before
    everything = b"\n".join(told)
    assert not [secret for secret in canary.secrets if secret.encode() in everything]
    assert b"root:x:0" not in everything
    # As text within the address of a redirect it is harmless; as a header of its own it would not be.
    assert b"\nX-Injected" not in b"\n".join(answer.partition(b"\r\n\r\n")[0] for answer in told)
    found = records(gateway)
    assert found[victim].split(",")[1:] == ["demo.victim", blog.address]
    assert [record for record in found.values() if not RECORD.fullmatch(record)] == []
    assert_logs_are_sound([gateway.log_path, agent.log_path], canary)


def claim_path(claims: Any, claim: dict[str, Any]) -> str:
    return f"{claims.path}/{claim['metadata']['name']}"


async def until_routed(gateway: Any, host: str, eventually: Any) -> None:
    async def is_routed() -> bool:
        return (await gateway.get(host))[0] == 200

    await eventually(is_routed, within_seconds=60)


async def visit_all(gateway: Any) -> list[bytes]:
    """Visit every host in the tree once, with a placeholder in the path."""
    requests = [
        f"GET /{{env.FRANKENPANEL_CANARY}} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        for host in records(gateway)
    ]
    return await answers_to(gateway.http, requests)
