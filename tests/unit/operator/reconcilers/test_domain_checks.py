from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.reasons import DomainReason
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.verification import challenge_records, verification_token
from frankenpanel_operator.findings import (
    DnsAnswer,
    DnsOutcome,
    HostChecks,
    HttpAnswer,
    HttpOutcome,
    Proof,
)
from frankenpanel_operator.reconcilers.domain_checks import DomainChecks
from frankenpanel_operator.reconcilers.host_looks import HostLooks

KEY = bytes(range(32))
HOST = "shop.example.com"
NOTHING = DnsAnswer(DnsOutcome.NO_SUCH_NAME)
UNREACHABLE = DnsAnswer(DnsOutcome.UNREACHABLE)
TXT = challenge_records(HOST, verification_token(KEY, "demo", HOST), None)[0]


@dataclass
class Zone:
    """What name servers say; everything that is not in it does not exist."""

    addresses_of: dict[str, DnsAnswer] = field(default_factory=dict)
    texts_of: dict[str, DnsAnswer] = field(default_factory=dict)
    is_reachable: bool = True
    count: int = 0

    async def addresses(self, name: str) -> DnsAnswer:
        return self._answer(self.addresses_of, name)

    async def texts(self, name: str) -> DnsAnswer:
        return self._answer(self.texts_of, name)

    async def alias(self, name: str) -> DnsAnswer:
        return self._answer({}, name)

    def _answer(self, records: Mapping[str, DnsAnswer], name: str) -> DnsAnswer:
        self.count += 1
        return records.get(name, NOTHING) if self.is_reachable else UNREACHABLE


class NoWebServer:
    async def body(self, host: str, path: str, addresses: Sequence[str]) -> HttpAnswer:
        return HttpAnswer(HttpOutcome.FAILED)


@dataclass
class Clock:
    time: datetime

    def now(self) -> datetime:
        return self.time


class Bench:
    """The checks of an installation whose clock stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.zone, self.clock = Zone(), Clock(now)
        self.platform = Platform(
            "frankenpanel-system", gateway_addresses=("203.0.113.20",), trusted_namespaces=()
        )
        self.checks = self.restart()

    def restart(self, **changes: Any) -> DomainChecks:
        """Make checks that remember nothing."""
        looks = HostLooks(resolver=self.zone, prober=NoWebServer(), patience_seconds=30.0)
        values = {
            "platform": self.platform,
            "platform_key": KEY,
            "looks": looks,
            "clock": self.clock,
            "spread": lambda seconds: seconds,
        }
        self.checks = DomainChecks(**{**values, **changes})
        return self.checks

    def lead(self, *addresses: str, host: str = HOST, ttl: int = 300) -> None:
        self.zone.addresses_of[host] = DnsAnswer(DnsOutcome.FOUND, addresses, (), ttl)

    def prove(self) -> None:
        self.zone.texts_of[TXT.name] = DnsAnswer(DnsOutcome.FOUND, (TXT.value,), (), 300)


@pytest.fixture
def bench(now: datetime) -> Bench:
    return Bench(now)


@pytest.fixture
def domain(make_domain: Callable[..., Domain], now: datetime) -> Domain:
    return make_domain(HOST, metadata={"creationTimestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}"})


def claim_of(namespace: str = "demo", verified_at: str | None = "2026-07-30T00:00:00Z") -> dict[str, Any]:
    spec: dict[str, Any] = {"host": HOST, "domainRef": {"namespace": namespace, "name": "x", "uid": "u"}}
    if verified_at:
        spec["verifiedAt"] = verified_at
    return {"metadata": {"name": HOST}, "spec": spec}


def reasons(checks: HostChecks) -> tuple[str, str]:
    return str(checks.ownership.reason), str(checks.resolution.reason)


async def test_nothing_is_asked_where_everybody_is_trusted_and_no_address_is_known(
    bench: Bench, domain: Domain
) -> None:
    checks = bench.restart(platform=Platform("frankenpanel-system"))
    seen = await checks.look(domain, HOST, None)
    assert reasons(seen) == ("Trusted", "NotChecked")
    assert (seen.ownership.is_proven, seen.resolution.is_here) == (True, True)
    assert (seen.next_look_seconds, bench.zone.count) == (None, 0)


@pytest.mark.parametrize(
    ("trusted", "namespace", "is_trusted"),
    [(("*",), "demo", True), (("demo", "x"), "demo", True), (("other",), "demo", False), ((), "demo", False)],
)
async def test_only_the_namespaces_that_an_administrator_names_are_trusted(
    bench: Bench, domain: Domain, trusted: tuple[str, ...], namespace: str, is_trusted: bool
) -> None:
    checks = bench.restart(platform=Platform("frankenpanel-system", trusted_namespaces=trusted))
    seen = await checks.look(domain, HOST, None)
    assert seen.ownership.is_proven is is_trusted
    assert (seen.ownership.reason is DomainReason.TRUSTED) is is_trusted


async def test_trust_does_not_reach_below_what_others_have_proven(bench: Bench, domain: Domain) -> None:
    checks = bench.restart(platform=Platform("frankenpanel-system"))
    seen = await checks.look(domain, HOST, None, Proof.RECORD)
    assert not seen.ownership.is_proven
    assert [record.type for record in seen.ownership.records] == ["TXT"]
    bench.prove()
    bench.clock.time += timedelta(hours=1)
    seen = await checks.look(domain, HOST, None, Proof.RECORD)
    assert reasons(seen) == ("Verified", "NotChecked")


async def test_what_is_inherited_has_not_to_be_shown(bench: Bench, domain: Domain) -> None:
    bench.lead("203.0.113.20")
    seen = await bench.checks.look(domain, HOST, None, Proof.NOTHING)
    assert (reasons(seen), seen.ownership.records) == (("Verified", "Resolves"), ())


async def test_a_host_without_records_is_told_what_to_set(bench: Bench, domain: Domain) -> None:
    seen = await bench.checks.look(domain, HOST, None)
    assert reasons(seen) == ("RecordNotFound", "NotResolving")
    assert TXT in seen.ownership.records
    assert seen.next_look_seconds == 10


async def test_a_host_with_its_record_is_proven(bench: Bench, domain: Domain) -> None:
    bench.prove()
    bench.lead("203.0.113.20")
    seen = await bench.checks.look(domain, HOST, None)
    assert reasons(seen) == ("Verified", "Resolves")
    assert seen.next_look_seconds == bench.checks.recheck_seconds


async def test_another_namespaces_record_proves_nothing(
    bench: Bench, make_domain: Callable[..., Domain]
) -> None:
    bench.prove()
    thief = make_domain(HOST, metadata={"namespace": "thief", "uid": "uid-of-thief"})
    seen = await bench.checks.look(thief, HOST, None)
    assert seen.ownership.reason is DomainReason.RECORD_WRONG


async def test_a_proof_counts_until_the_claim_ends(bench: Bench, domain: Domain) -> None:
    bench.lead("203.0.113.20")
    seen = await bench.checks.look(domain, HOST, claim_of())
    assert reasons(seen) == ("Verified", "Resolves")
    assert bench.zone.count == 1, "only for its addresses"


@pytest.mark.parametrize(
    "claim", [claim_of("other"), claim_of(verified_at=None)], ids=["of another namespace", "unproven"]
)
async def test_a_claim_is_no_proof_for_anybody_else(
    bench: Bench, domain: Domain, claim: dict[str, Any]
) -> None:
    assert not (await bench.checks.look(domain, HOST, claim)).ownership.is_proven


async def test_a_pass_within_the_pause_asks_nobody(bench: Bench, domain: Domain) -> None:
    first = await bench.checks.look(domain, HOST, None)
    count = bench.zone.count
    bench.clock.time += timedelta(seconds=4)
    second = await bench.checks.look(domain, HOST, None)
    assert (bench.zone.count, second.next_look_seconds) == (count, 6)
    assert (second.ownership, second.resolution) == (first.ownership, first.resolution)
    bench.clock.time += timedelta(seconds=6)
    await bench.checks.look(domain, HOST, None)
    assert bench.zone.count > count


async def test_an_edit_is_worth_a_look_at_once(bench: Bench, make_domain: Callable[..., Domain]) -> None:
    await bench.checks.look(make_domain(HOST), HOST, None)
    bench.prove()
    edited = make_domain(HOST, metadata={"generation": 2})
    assert (await bench.checks.look(edited, HOST, None)).ownership.is_proven


async def test_pauses_grow_with_the_age_of_the_claim(bench: Bench, domain: Domain) -> None:
    claim = claim_of(verified_at=None)
    claim["metadata"]["creationTimestamp"] = f"{bench.clock.time - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
    assert (await bench.checks.look(domain, HOST, claim)).next_look_seconds == 3600


def told(domain: Domain, seen: HostChecks) -> Domain:
    """Return the Domain as its status tells what was seen."""
    resolution = seen.resolution
    condition = {
        "type": "DNSResolves",
        "status": str(resolution.is_here),
        "reason": str(resolution.reason),
        "message": resolution.message,
    }
    dns = {
        "expected": list(resolution.expected),
        "observed": list(resolution.observed),
        "ttlSeconds": resolution.ttl_seconds,
    }
    body = domain.to_manifest()
    return Domain.parse({**body, "status": {"conditions": [condition], "dns": dns}})


async def test_a_host_that_led_here_still_does_while_its_name_servers_are_silent(
    bench: Bench, domain: Domain
) -> None:
    bench.lead("203.0.113.20")
    domain = told(domain, await bench.checks.look(domain, HOST, claim_of()))
    bench.zone.is_reachable = False
    bench.restart()
    seen = await bench.checks.look(domain, HOST, claim_of())
    assert (seen.resolution.is_here, seen.resolution.reason) == (True, DomainReason.DNS_UNREACHABLE)
    assert seen.resolution.observed == ("203.0.113.20",)
    again = await bench.restart().look(told(domain, seen), HOST, claim_of())
    assert again.resolution == seen.resolution
    assert again.next_look_seconds == 10


async def test_a_host_that_was_never_seen_waits_for_its_name_servers(bench: Bench, domain: Domain) -> None:
    bench.zone.is_reachable = False
    seen = await bench.checks.look(domain, HOST, None)
    assert reasons(seen) == ("DNSUnreachable", "DNSUnreachable")
    assert not seen.resolution.is_here


async def test_what_is_known_does_not_outlive_another_destination(bench: Bench, domain: Domain) -> None:
    bench.lead("203.0.113.20")
    domain = told(domain, await bench.checks.look(domain, HOST, claim_of()))
    bench.zone.is_reachable = False
    moved = Platform("frankenpanel-system", gateway_addresses=("203.0.113.99",))
    seen = await bench.restart(platform=moved).look(domain, HOST, claim_of())
    assert (seen.resolution.is_here, seen.resolution.reason) == (False, DomainReason.DNS_UNREACHABLE)


async def test_a_ttl_that_counts_down_changes_nothing(bench: Bench, domain: Domain) -> None:
    bench.lead("203.0.113.20", ttl=300)
    first = await bench.checks.look(domain, HOST, claim_of())
    bench.lead("203.0.113.20", ttl=17)
    second = await bench.restart().look(told(domain, first), HOST, claim_of())
    assert second.resolution == first.resolution


async def test_domains_that_went_are_forgotten(bench: Bench, make_domain: Callable[..., Domain]) -> None:
    bench.checks._sweep_at = 10
    for number in range(9):
        host = f"h{number}.example.com"
        await bench.checks.look(make_domain(host), host, None)
    bench.clock.time += timedelta(days=1)
    await bench.checks.look(make_domain(HOST), HOST, None)
    assert len(bench.checks._known) == 1
