"""Hosts that several namespaces want, on a real API server: one gets it and keeps it, whatever happens."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from frankenpanel_crds.reasons import DomainReason
from frankenpanel_operator import main
from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.findings import Proof
from frankenpanel_operator.handlers.runtime import Adapters, Runtime
from frankenpanel_operator.settings import Settings
from hanging_up import until_hung_up
from installation import Installation
from world_outside import WorldOutside

pytestmark = pytest.mark.integration
OURS = "/apis/frankenpanel.io/v1alpha1"
UNPROVEN_SECONDS, RELEASED_SECONDS = 1000.0, 5000.0


class MovableClock:
    """The machine's clock, moved."""

    ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclasses.dataclass
class Tenants:
    """Namespaces that want hosts, and what they see."""

    api: Any
    namespaces: list[str]
    hosts: str

    def ask(self, namespace: str, name: str, host: str, **spec: Any) -> None:
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Domain",
            "metadata": {"name": name},
            "spec": {"host": host, "siteRef": {"name": "shop"}, **spec},
        }
        answer = self.api.request("POST", f"{OURS}/namespaces/{namespace}/domains", body)
        assert answer.status == 201, answer.message

    def give_up(self, namespace: str, name: str) -> None:
        assert self.api.request("DELETE", f"{OURS}/namespaces/{namespace}/domains/{name}").status == 200

    def says(self, namespace: str, name: str) -> str:
        """Return status and reason of Claimed, or nothing."""
        body = self.api.request("GET", f"{OURS}/namespaces/{namespace}/domains/{name}").body
        status = body.get("status", {})
        conditions = status.get("conditions", []) if isinstance(status, dict) else []
        return "".join(f"{c['status']} {c['reason']}" for c in conditions if c["type"] == "Claimed")

    def claims(self) -> dict[str, Any]:
        items = self.api.request("GET", f"{OURS}/domainclaims").body["items"]
        return {
            item["metadata"]["name"]: item["spec"]
            for item in items
            if item["metadata"]["name"].endswith(self.hosts)
        }

    def holder(self, host: str) -> str:
        claim = self.claims().get(host)
        return "" if claim is None else str(claim["domainRef"]["namespace"])


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def tenants(installation: Any) -> Iterator[Tenants]:
    """Yield two namespaces, of which the second one is gone afterwards like the first."""
    api, other = installation.api, f"{installation.tenant}-other"
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}}
    assert api.request("POST", "/api/v1/namespaces", manifest).status == 201
    yield Tenants(api, [installation.tenant, other], f"{installation.tenant}.example.com")
    Installation(api, installation.platform, other, installation.database).evict()
    api.request("DELETE", f"/api/v1/namespaces/{other}")


@pytest.fixture
def outside(tenants: Tenants) -> WorldOutside:
    """Return a world in which the first tenant can show that any host is its own, and the second cannot."""
    return WorldOutside(tenants.namespaces[0], {tenants.namespaces[0]: Proof.RECORD}, next_look_seconds=0.05)


Operator = Callable[[], AbstractAsyncContextManager[Runtime]]


@pytest.fixture
def operator(
    connection: Connection, installation: Any, outside: WorldOutside, clock: MovableClock
) -> Operator:
    """Return a function that runs an operator with an empty memory for the length of a block."""
    settings = Settings(
        platform_namespace=installation.platform,
        metrics_port=0,
        embedded_mariadb=False,
        leader_election=False,
        resync_seconds=1,
        unproven_claim_seconds=UNPROVEN_SECONDS,
        released_claim_seconds=RELEASED_SECONDS,
    )

    def build(adapters: Adapters) -> dict[str, Any]:
        reconcilers = dict(main.build_reconcilers(settings, adapters))
        domain = reconcilers["Domain"].__self__  # type: ignore[attr-defined]
        expiry = reconcilers["DomainClaim"].__self__  # type: ignore[attr-defined]
        changed = dataclasses.replace(
            domain, checks=outside.checks, certificates=outside.certificates, clock=clock
        )
        reconcilers["Domain"] = changed.reconcile
        reconcilers["DomainClaim"] = dataclasses.replace(expiry, clock=clock).reconcile
        return reconcilers

    @asynccontextmanager
    async def running() -> AsyncIterator[Runtime]:
        runtime = Runtime(settings, connection, main.SystemClock(), build)
        await runtime.open()
        try:
            await runtime.start()
            yield runtime
        finally:
            await runtime.stop()
            await until_hung_up()

    return running


Until = Callable[..., Awaitable[float]]


async def test_fifty_ask_for_one_host_at_once_and_one_has_it_for_good(
    tenants: Tenants, outside: WorldOutside, operator: Operator, until: Until
) -> None:
    outside.proven = dict.fromkeys(tenants.namespaces, Proof.ANY)
    base = tenants.hosts
    spellings = itertools.cycle(
        (f"bücher.{base}", f"BÜCHER.{base}.", f"xn--bcher-kva.{base.upper()}", f"Bu\u0308cher.{base}")
    )
    wanted = [(tenants.namespaces[number % 2], f"domain-{number}", next(spellings)) for number in range(50)]

    def verdicts() -> dict[tuple[str, str], str]:
        return {(namespace, name): tenants.says(namespace, name) for namespace, name, _ in wanted}

    async with operator():
        await asyncio.gather(*(asyncio.to_thread(tenants.ask, *one) for one in wanted))
        await until(lambda: all(verdicts().values()), "everybody is told")
    told = verdicts()
    (winner,) = [key for key, verdict in told.items() if verdict == "True Claimed"]
    assert sorted(set(told.values())) == ["False HostTaken", "True Claimed"]
    assert list(tenants.claims()) == [f"xn--bcher-kva.{base}"]
    async with operator() as runtime:
        await until(lambda: runtime.queue.is_idle(), "the successor has looked at all of them")
        assert verdicts() == told
    # While nobody runs, the winner gives up, and the finalizer keeps its host until somebody does.
    await asyncio.to_thread(tenants.give_up, *winner)
    async with operator():
        await until(
            lambda: sorted(verdicts().values())[-1] == "True Claimed" and not verdicts()[winner],
            "the next one has the host",
        )
    assert len(tenants.claims()) == 1


async def test_a_proof_takes_the_host_from_who_has_none(
    tenants: Tenants, operator: Operator, until: Until
) -> None:
    host, (owner, squatter) = f"shop.{tenants.hosts}", tenants.namespaces
    async with operator():
        tenants.ask(squatter, "theirs", host)
        await until(lambda: tenants.says(squatter, "theirs") == "True Claimed", "the squatter was first")
        assert "verifiedAt" not in tenants.claims()[host]
        tenants.ask(owner, "mine", host)
        await until(lambda: tenants.says(owner, "mine") == "True Claimed", "the owner has it")
        await until(lambda: tenants.says(squatter, "theirs") == "False HostTaken", "the other is told")
    assert tenants.holder(host) == owner


async def test_an_unproven_claim_expires_and_a_proof_brings_it_back(
    tenants: Tenants, outside: WorldOutside, operator: Operator, clock: MovableClock, until: Until
) -> None:
    host, squatter = f"shop.{tenants.hosts}", tenants.namespaces[1]
    async with operator():
        tenants.ask(squatter, "theirs", host)
        await until(lambda: tenants.says(squatter, "theirs") == "True Claimed", "it is reserved")
        clock.ahead += timedelta(seconds=UNPROVEN_SECONDS + 1)
        await until(lambda: tenants.says(squatter, "theirs") == "False ClaimExpired", "its time is over")
        await until(lambda: not tenants.claims(), "the host is free")
    async with operator() as runtime:
        await until(lambda: runtime.queue.is_idle(), "a successor looks")
        assert not tenants.claims(), "its time does not begin anew"
        outside.proven[squatter] = Proof.RECORD
        await until(lambda: tenants.says(squatter, "theirs") == "True Claimed", "it is proven")


async def test_a_host_cools_down_after_its_domain(
    tenants: Tenants, outside: WorldOutside, operator: Operator, clock: MovableClock, until: Until
) -> None:
    host, (owner, other) = f"shop.{tenants.hosts}", tenants.namespaces
    outside.leads_here = DomainReason.RESOLVES
    outside.proven[other] = Proof.ANY
    async with operator():
        tenants.ask(owner, "mine", host)
        await until(lambda: tenants.says(owner, "mine") == "True Claimed", "the owner has it")
        tenants.give_up(owner, "mine")
        await until(lambda: "releasedAt" in tenants.claims()[host], "the claim is released")
        tenants.ask(other, "theirs", host)
        await until(lambda: tenants.says(other, "theirs") == "False HostCoolingDown", "it is told")
        clock.ahead += timedelta(seconds=RELEASED_SECONDS + 1)
    async with operator():
        await until(lambda: tenants.says(other, "theirs") == "True Claimed", "its time is over")
    assert tenants.holder(host) == other


async def test_the_same_namespace_has_a_released_host_back_at_once(
    tenants: Tenants, outside: WorldOutside, operator: Operator, until: Until
) -> None:
    host, owner = f"shop.{tenants.hosts}", tenants.namespaces[0]
    outside.leads_here = DomainReason.RESOLVES
    async with operator():
        tenants.ask(owner, "mine", host)
        await until(lambda: tenants.says(owner, "mine") == "True Claimed", "the owner has it")
        tenants.give_up(owner, "mine")
        await until(lambda: "releasedAt" in tenants.claims()[host], "the claim is released")
        tenants.ask(owner, "again", host)
        await until(lambda: tenants.says(owner, "again") == "True Claimed", "it is back")
    assert "releasedAt" not in tenants.claims()[host]


async def test_below_another_s_host_trust_is_not_enough(
    tenants: Tenants, outside: WorldOutside, operator: Operator, until: Until
) -> None:
    (owner, other), above, below = tenants.namespaces, f"*.{tenants.hosts}", f"shop.{tenants.hosts}"
    outside.proven[other] = Proof.ANY
    async with operator():
        tenants.ask(owner, "mine", above, role="Alias", tls={"mode": "None"})
        await until(lambda: tenants.says(owner, "mine") == "True Claimed", "the wildcard is the owner's")
        tenants.ask(other, "theirs", below)
        await until(lambda: tenants.says(other, "theirs") == "False ParentTaken", "trust does not count")
        tenants.ask(owner, "own", f"own.{tenants.hosts}")
        await until(lambda: tenants.says(owner, "own") == "True Claimed", "it is below one's own")
        tenants.give_up(owner, "mine")
        await until(lambda: tenants.says(other, "theirs") == "True Claimed", "nobody is above it any more")


async def test_the_other_form_and_a_circle_of_redirects(
    tenants: Tenants, operator: Operator, until: Until
) -> None:
    owner, host = tenants.namespaces[0], f"shop.{tenants.hosts}"

    def reason(name: str, type_: str) -> str:
        path = f"{OURS}/namespaces/{owner}/domains/{name}"
        conditions = tenants.api.request("GET", path).body.get("status", {}).get("conditions", [])
        return "".join(item["reason"] for item in conditions if item["type"] == type_)

    def set_spec(name: str, **spec: Any) -> None:
        path = f"{OURS}/namespaces/{owner}/domains/{name}"
        merge = "application/merge-patch+json"
        answer = tenants.api.request("PATCH", path, {"spec": spec}, content_type=merge)
        assert answer.status == 200, answer.message

    site = {"source": {"preset": {"name": "nothing"}}}
    body = {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "Site",
        "metadata": {"name": "shop"},
        "spec": site,
    }
    assert tenants.api.request("POST", f"{OURS}/namespaces/{owner}/sites", body).status == 201
    async with operator():
        tenants.ask(owner, "mine", host, www="Redirect")
        await until(lambda: "redirect" in tenants.claims().get(f"www.{host}", {}).get("route", {}), "a pair")
        route = tenants.claims()[f"www.{host}"]["route"]
        assert route["redirect"] == {"to": f"http://{host}", "code": 301, "keepPath": True}
        back = {"to": f"https://www.{host}"}
        set_spec("mine", role="Redirect", redirect=back)
        await until(lambda: reason("mine", "RouteProgrammed") == "RedirectLoop", "a circle is told")
        await until(lambda: reason("mine-www", "RouteProgrammed") == "RedirectLoop", "to both")
        set_spec("mine", www="Ignore")
        await until(lambda: f"www.{host}" not in tenants.claims(), "the pair is gone")
        await until(lambda: reason("mine", "RouteProgrammed") == "Routed", "and with it the circle")
