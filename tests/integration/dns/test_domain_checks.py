"""The whole look at a host: records in a real zone, a file on a real web server, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from coredns_process import NameServer
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.hosts import normalise_host
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.verification import challenge_records, verification_token
from frankenpanel_operator.dns.prober import AiohttpProber
from frankenpanel_operator.dns.resolver import DnspythonResolver
from frankenpanel_operator.findings import HostChecks, Proof
from frankenpanel_operator.reconcilers.domain_checks import DomainChecks
from frankenpanel_operator.reconcilers.host_looks import HostLooks

pytestmark = pytest.mark.integration

KEY = bytes(range(32))
EDGE = "edge.platform.test"
HERE = "edge.platform 60 IN A 127.0.0.1"


class StillClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def domain(host: str, method: str = "Auto", namespace: str = "demo") -> Domain:
    return Domain.parse(
        {
            "metadata": {"name": "d", "namespace": namespace, "uid": f"{namespace}-{host}", "generation": 1},
            "spec": {"host": host, "siteRef": {"name": "shop"}, "verification": {"method": method}},
        }
    )


def value_of(host: str, kind: str, namespace: str = "demo") -> str:
    """Return what a tenant reads in the status and sets."""
    records = challenge_records(host, verification_token(KEY, namespace, host), EDGE)
    return next(record.value for record in records if record.type == kind)


Checks = Callable[..., DomainChecks]


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def checks(name_server: NameServer, web_server: Any, clock: StillClock) -> Checks:
    """Return a function that makes checks which remember nothing."""

    def build(*addresses: str, lifetime: float = 60.0, allowed: str = "127.0.0.0/8") -> DomainChecks:
        resolver = DnspythonResolver(
            [name_server.address], try_seconds=lifetime / 2, lifetime_seconds=lifetime
        )
        prober = AiohttpProber([ip_network(allowed)], port=web_server.port, total_seconds=60)
        return DomainChecks(
            platform=Platform(
                "frankenpanel-system", gateway_addresses=addresses or (EDGE,), trusted_namespaces=()
            ),
            platform_key=KEY,
            looks=HostLooks(resolver=resolver, prober=prober, patience_seconds=120.0),
            clock=clock,
            spread=lambda seconds: seconds,
        )

    return build


def reasons(seen: HostChecks) -> tuple[str, str]:
    return str(seen.ownership.reason), str(seen.resolution.reason)


async def test_a_host_is_proven_by_a_text_record_and_leads_here_as_an_alias(
    name_server: NameServer, checks: Checks
) -> None:
    host = "shop.example.test"
    name_server.write(
        HERE,
        f"shop.example 60 IN CNAME {EDGE}.",
        f'_frankenpanel.shop.example 60 IN TXT "{value_of(host, "TXT")}"',
    )
    seen = await checks().look(domain(host), host, None)
    assert reasons(seen) == ("Verified", "Resolves")
    assert (seen.resolution.expected, seen.resolution.observed) == ((EDGE,), ("127.0.0.1",))
    assert seen.resolution.ttl_seconds == 60


async def test_a_host_is_proven_by_an_alias_whose_target_need_not_exist(
    name_server: NameServer, checks: Checks
) -> None:
    host = "shop.example.test"
    target = value_of(host, "CNAME")
    name_server.write(HERE, f"_frankenpanel.shop.example 60 IN CNAME {target}.")
    assert reasons(await checks().look(domain(host), host, None)) == ("Verified", "NotResolving")


async def test_a_host_is_proven_by_a_file_where_the_administrator_allows_its_network(
    name_server: NameServer, checks: Checks, web_server: Any
) -> None:
    host = "shop.example.test"
    name_server.write(HERE, "shop.example 60 IN A 127.0.0.1")
    web_server.serve(value_of(host, "HTTP"))
    assert reasons(await checks().look(domain(host), host, None)) == ("Verified", "Resolves")
    assert web_server.requests == [(host, "/.well-known/frankenpanel-verification")]


async def test_no_private_address_is_asked_for_a_file_unless_it_is_allowed(
    name_server: NameServer, checks: Checks, web_server: Any
) -> None:
    host = "shop.example.test"
    name_server.write(HERE, "shop.example 60 IN A 127.0.0.1")
    web_server.serve(value_of(host, "HTTP"))
    seen = await checks(allowed="192.0.2.0/24").look(domain(host), host, None)
    assert reasons(seen) == ("RecordNotFound", "Resolves")
    assert "no public address" in seen.ownership.message
    assert web_server.requests == []


async def test_a_file_counts_for_nothing_where_only_records_do(
    name_server: NameServer, checks: Checks, web_server: Any
) -> None:
    host = "shop.example.test"
    name_server.write(HERE, "shop.example 60 IN A 127.0.0.1")
    web_server.serve(value_of(host, "HTTP"))
    seen = await checks().look(domain(host), host, None, Proof.RECORD)
    assert not seen.ownership.is_proven
    assert [record.type for record in seen.ownership.records] == ["TXT", "CNAME"]
    assert web_server.requests == []


async def test_the_record_of_another_tenant_is_wrong_and_shown(
    name_server: NameServer, checks: Checks
) -> None:
    host = "shop.example.test"
    value = value_of(host, "TXT", "other")
    name_server.write(HERE, f'_frankenpanel.shop.example 60 IN TXT "{value}"')
    seen = await checks().look(domain(host), host, None)
    assert seen.ownership.reason == "RecordWrong"
    assert value[:80] in seen.ownership.message
    assert value_of(host, "TXT") in seen.ownership.message


async def test_a_record_of_every_name_below_is_not_taken_for_one_host(
    name_server: NameServer, checks: Checks
) -> None:
    """A zone that answers for everything proves nothing by that: the value is the host's own."""
    host = "shop.example.test"
    name_server.write(HERE, f"*.example 60 IN CNAME {EDGE}.", '*.shop.example 60 IN TXT "all of them"')
    seen = await checks().look(domain(host), host, None)
    assert reasons(seen) == ("RecordWrong", "Resolves")


async def test_a_wildcard_is_proven_at_the_name_above_it(name_server: NameServer, checks: Checks) -> None:
    host = "*.example.test"
    name_server.write(
        HERE, "*.example 60 IN A 127.0.0.1", f'_frankenpanel.example 60 IN TXT "{value_of(host, "TXT")}"'
    )
    assert reasons(await checks().look(domain(host), host, None)) == ("Verified", "Resolves")


async def test_a_name_of_another_script_is_proven_in_its_ascii_form(
    name_server: NameServer, checks: Checks
) -> None:
    host = normalise_host("Bücher.test")
    name_server.write(
        HERE,
        "xn--bcher-kva 60 IN A 127.0.0.1",
        f'_frankenpanel.xn--bcher-kva 60 IN TXT "{value_of(host, "TXT")}"',
    )
    assert reasons(await checks().look(domain("Bücher.test"), host, None)) == ("Verified", "Resolves")


async def test_one_strange_address_among_ours_is_told(name_server: NameServer, checks: Checks) -> None:
    host = "shop.example.test"
    name_server.write("shop.example 60 IN A 203.0.113.20", "shop.example 60 IN AAAA 2001:db8::666")
    seen = await checks("203.0.113.20").look(domain(host, "TXT"), host, None)
    assert seen.resolution.reason == "PointsElsewhere"
    assert "of which 2001:db8::666 is not this platform" in seen.resolution.message


async def test_a_tenant_sets_the_record_and_is_believed_at_the_next_look(
    name_server: NameServer, checks: Checks, clock: StillClock
) -> None:
    host = "shop.example.test"
    # Nothing is remembered by anybody, so that only our own pause counts.
    name_server.write("edge.platform 0 IN A 127.0.0.1", "shop.example 0 IN A 127.0.0.1")
    looking = checks()
    seen = await looking.look(domain(host, "TXT"), host, None)
    assert seen.ownership.reason == "RecordNotFound"
    (record,) = seen.ownership.records
    owner = record.name.removesuffix(".test")
    name_server.write(HERE, "shop.example 0 IN A 127.0.0.1", f'{owner} 0 IN TXT "{record.value}"')
    assert not (await looking.look(domain(host, "TXT"), host, None)).ownership.is_proven
    clock.time += timedelta(seconds=(seen.next_look_seconds or 0) + 1)
    # What the resolver remembers of "nothing" goes by the real clock.
    looking.looks.resolver = checks().looks.resolver
    assert (await looking.look(domain(host, "TXT"), host, None)).ownership.is_proven


async def test_name_servers_that_are_down_are_reported_and_recovered_from(
    name_server: NameServer, checks: Checks, clock: StillClock
) -> None:
    host = "shop.example.test"
    name_server.write(HERE, f'_frankenpanel.shop.example 60 IN TXT "{value_of(host, "TXT")}"')
    looking = checks(lifetime=0.4)
    name_server.stop()
    try:
        seen = await looking.look(domain(host), host, None)
    finally:
        name_server.start()
    assert reasons(seen) == ("DNSUnreachable", "DNSUnreachable")
    assert seen.next_look_seconds == 10
    clock.time += timedelta(seconds=11)
    looking.looks.resolver = checks().looks.resolver
    assert (await looking.look(domain(host), host, None)).ownership.is_proven
