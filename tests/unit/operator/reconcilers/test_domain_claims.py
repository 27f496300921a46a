"""Who gets a host, who keeps it, and for how long: two namespaces and the world outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from frankenpanel_crds.reasons import DomainReason
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.findings import Proof
from frankenpanel_operator.observed import ObjectRef

HOST = "shop.example.com"
THEIRS = "elsewhere"
UNPROVEN_SECONDS, RELEASED_SECONDS = 1000, 5000


@pytest.fixture
def add(world: Any, add_domain: Any) -> Callable[..., None]:
    """Return a function that creates a Domain for a host, named after its namespace unless told."""

    def create(namespace: str, host: str = HOST, name: str = "", **changes: Any) -> None:
        created = f"{world.clock.time:%Y-%m-%dT%H:%M:%SZ}"
        name, uid = name or namespace, f"uid-{namespace}-{name}-{world.clock.time}"
        metadata = {"name": name, "namespace": namespace, "uid": uid}
        add_domain(host, metadata={**metadata, "creationTimestamp": created}, **changes)

    return create


@pytest.fixture
def look(world: Any) -> Callable[..., Any]:
    """Return a coroutine function that reconciles the Domain of a namespace and tells what it says."""

    async def tell(namespace: str) -> str:
        await world.reconcile("Domain", namespace, namespace)
        ready = world.reasons("Domain", namespace, namespace)["Claimed"]
        return str(ready)

    return tell


def delete(world: Any, namespace: str) -> None:
    ref = ObjectRef("Domain", namespace, namespace)
    metadata = world.cluster.read(ref)["metadata"]
    moment = f"{world.clock.time:%Y-%m-%dT%H:%M:%SZ}"
    world.cluster.edit(ref, metadata={**metadata, "deletionTimestamp": moment})


def claim(world: Any, name: str = HOST) -> Any:
    body = world.cache.get(ObjectRef("DomainClaim", "", name))
    return None if body is None else body["spec"]


def holder(world: Any, name: str = HOST) -> str | None:
    spec = claim(world, name)
    return None if spec is None else str(spec["domainRef"]["namespace"])


async def test_an_unproven_host_is_reserved_and_served_to_nobody(world: Any, add: Any, look: Any) -> None:
    add(THEIRS)
    assert await look(THEIRS) == "True Claimed"
    assert sorted(claim(world)) == ["domainRef", "host"]
    assert world.reasons("Domain", THEIRS, THEIRS)["Ready"] == "False SiteNotFound"
    assert world.status("Domain", THEIRS, THEIRS).get("url") is None


async def test_whoever_proves_a_host_takes_it_from_who_does_not(world: Any, add: Any, look: Any) -> None:
    add(THEIRS)
    await look(THEIRS)
    before = len(world.cluster.writes)
    add("demo")
    assert await look("demo") == "True Claimed"
    assert [write.verb for write in world.cluster.writes[before:]] == [
        "finalizer",
        "delete",
        "create",
        "status",
    ]
    assert holder(world) == "demo"
    assert await look(THEIRS) == "False HostTaken"
    assert "demo" not in str(world.status("Domain", THEIRS, THEIRS))
    world.outside.proven[THEIRS] = Proof.RECORD
    assert await look(THEIRS) == "False HostTaken", "a proven host does not pass on"


async def test_who_has_shown_nothing_takes_nothing(world: Any, add: Any, look: Any) -> None:
    add(THEIRS)
    await look(THEIRS)
    world.outside.proven.clear()
    add("demo")
    assert await look("demo") == "False HostTaken"
    message = world.status("Domain", "demo", "demo")["conditions"][0]["message"]
    assert "status.verification" in message
    assert THEIRS not in message
    assert holder(world) == THEIRS


async def test_a_proof_is_dated_once(world: Any, add: Any, look: Any) -> None:
    add("demo")
    await look("demo")
    first = claim(world)["verifiedAt"]
    world.clock.time += timedelta(days=3)
    assert await look("demo") == "True Claimed"
    assert claim(world)["verifiedAt"] == first
    world.outside.proven.clear()
    await look("demo")
    assert "verifiedAt" not in claim(world), "it is lost again, and with it the route"


async def test_an_unproven_claim_ends_in_time_and_only_a_proof_brings_it_back(
    world: Any, add: Any, look: Any
) -> None:
    add(THEIRS)
    outcome = await world.reconcile("Domain", THEIRS, THEIRS)
    assert outcome.requeue_after_seconds == UNPROVEN_SECONDS
    world.clock.time += timedelta(seconds=UNPROVEN_SECONDS)
    assert await look(THEIRS) == "False ClaimExpired"
    assert claim(world) is None
    assert await look(THEIRS) == "False ClaimExpired"
    assert claim(world) is None
    world.outside.proven[THEIRS] = Proof.RECORD
    assert await look(THEIRS) == "True Claimed"


async def test_a_death_before_the_claim_is_given_up_does_not_begin_its_time_anew(
    world: Any, add: Any, look: Any
) -> None:
    add(THEIRS)
    await look(THEIRS)
    world.clock.time += timedelta(seconds=UNPROVEN_SECONDS)
    world.cluster.refusals["delete", "DomainClaim"] = RuntimeError("the process ends")
    with pytest.raises(RuntimeError):
        await look(THEIRS)
    world.cluster.refusals.clear()
    await look(THEIRS)
    assert claim(world) is None


async def test_a_proof_that_is_lost_leaves_as_much_time_as_there_was_at_first(
    world: Any, add: Any, look: Any
) -> None:
    add("demo")
    await look("demo")
    world.clock.time += timedelta(days=400)
    world.outside.proven.clear()
    assert await look("demo") == "True Claimed"
    world.clock.time += timedelta(seconds=UNPROVEN_SECONDS - 1)
    assert await look("demo") == "True Claimed"
    world.clock.time += timedelta(seconds=1)
    assert await look("demo") == "False ClaimExpired"


async def test_the_next_one_gets_its_own_time(world: Any, add: Any, look: Any) -> None:
    add(THEIRS)
    await look(THEIRS)
    world.clock.time += timedelta(seconds=UNPROVEN_SECONDS)
    await look(THEIRS)
    world.outside.proven.clear()
    add("demo")
    assert await look("demo") == "True Claimed"
    world.clock.time += timedelta(seconds=UNPROVEN_SECONDS - 1)
    assert await look("demo") == "True Claimed"


class TestCoolingDown:
    @pytest.fixture
    async def released(self, world: Any, add: Any, look: Any) -> None:
        """Let another namespace prove the host, have it lead here, and delete its Domain."""
        world.outside.leads_here = DomainReason.RESOLVES
        world.outside.proven[THEIRS] = Proof.RECORD
        add(THEIRS)
        await look(THEIRS)
        delete(world, THEIRS)
        await world.reconcile("Domain", THEIRS, THEIRS)
        assert world.cache.get(ObjectRef("Domain", THEIRS, THEIRS)) is None
        assert [ref.namespace for ref in world.outside.forgotten] == [THEIRS]

    async def test_the_claim_stays_without_a_route(self, world: Any, released: None) -> None:
        assert sorted(claim(world)) == ["domainRef", "host", "releasedAt", "verifiedAt"]

    async def test_trust_does_not_bring_it_and_a_record_does(
        self, world: Any, released: None, add: Any, look: Any
    ) -> None:
        add("demo")
        assert await look("demo") == "False HostCoolingDown"
        assert world.outside.looks[-1] is Proof.RECORD
        world.outside.proven["demo"] = Proof.RECORD
        assert await look("demo") == "True Claimed"
        assert "releasedAt" not in claim(world)

    async def test_the_same_namespace_has_it_back_at_once_and_proven_as_long(
        self, world: Any, released: None, add: Any, look: Any
    ) -> None:
        since = claim(world)["verifiedAt"]
        world.clock.time += timedelta(seconds=60)
        add(THEIRS)
        assert await look(THEIRS) == "True Claimed"
        assert claim(world)["verifiedAt"] == since

    async def test_it_is_free_where_dns_leads_elsewhere_by_now(
        self, world: Any, released: None, add: Any, look: Any
    ) -> None:
        world.outside.leads_here = DomainReason.POINTS_ELSEWHERE
        add("demo")
        assert await look("demo") == "True Claimed"

    async def test_it_ends_in_time(self, world: Any, released: None, add: Any, look: Any) -> None:
        outcome = await world.reconcile("DomainClaim", HOST)
        assert outcome.requeue_after_seconds == RELEASED_SECONDS
        world.clock.time += timedelta(seconds=RELEASED_SECONDS)
        assert (await world.reconcile("DomainClaim", HOST)).requeue_after_seconds is None
        assert claim(world) is None
        assert (await world.reconcile("DomainClaim", HOST)).requeue_after_seconds is None

    async def test_a_claim_in_use_is_none_of_its_business(self, world: Any, add: Any, look: Any) -> None:
        add("demo")
        await look("demo")
        world.clock.time += timedelta(days=400)
        await world.reconcile("DomainClaim", HOST)
        assert holder(world) == "demo"

    @pytest.mark.parametrize("verdict", [DomainReason.NOT_CHECKED, DomainReason.POINTS_ELSEWHERE])
    async def test_a_host_that_does_not_lead_here_is_free_at_once(
        self, world: Any, add: Any, look: Any, verdict: DomainReason
    ) -> None:
        world.outside.leads_here = verdict
        add("demo")
        await look("demo")
        delete(world, "demo")
        await world.reconcile("Domain", "demo", "demo")
        assert claim(world) is None

    async def test_an_unproven_host_is_free_at_once(self, world: Any, add: Any, look: Any) -> None:
        world.outside.leads_here = DomainReason.RESOLVES
        add(THEIRS)
        await look(THEIRS)
        delete(world, THEIRS)
        await world.reconcile("Domain", THEIRS, THEIRS)
        assert claim(world) is None

    async def test_the_time_of_a_domain_that_was_torn_out_begins_when_somebody_asks(
        self, world: Any, add: Any, look: Any
    ) -> None:
        world.outside.leads_here = DomainReason.RESOLVES
        world.outside.proven[THEIRS] = Proof.RECORD
        add(THEIRS)
        await look(THEIRS)
        world.cache.remove(world.cluster.read(ObjectRef("Domain", THEIRS, THEIRS)))
        add("demo")
        assert await look("demo") == "False HostCoolingDown"
        assert claim(world)["releasedAt"] == "2026-08-01T12:00:00Z"
        assert await look("demo") == "False HostCoolingDown"


class TestOverlap:
    @pytest.fixture
    async def taken_above(self, world: Any, add: Any, look: Any) -> None:
        world.outside.proven[THEIRS] = Proof.RECORD
        add(THEIRS, "example.com")
        assert await look(THEIRS) == "True Claimed"

    async def test_below_another_s_host_only_a_record_counts(
        self, world: Any, taken_above: None, add: Any, look: Any
    ) -> None:
        add("demo")
        assert await look("demo") == "False ParentTaken"
        assert world.outside.looks[-1] is Proof.RECORD
        assert claim(world) is None
        assert THEIRS not in str(world.status("Domain", "demo", "demo"))
        world.outside.proven["demo"] = Proof.RECORD
        assert await look("demo") == "True Claimed"

    async def test_below_one_s_own_host_nothing_has_to_be_shown(
        self, world: Any, taken_above: None, add: Any, look: Any
    ) -> None:
        del world.outside.proven[THEIRS]
        add(THEIRS, "deep.shop.example.com", "deep")
        await world.reconcile("Domain", "deep", THEIRS)
        assert world.outside.looks[-1] is Proof.NOTHING
        assert claim(world, "deep.shop.example.com")["verifiedAt"]

    async def test_who_was_first_stays(self, world: Any, add: Any, look: Any) -> None:
        add("demo")
        await look("demo")
        world.outside.proven[THEIRS] = Proof.RECORD
        add(THEIRS, "example.com")
        await look(THEIRS)
        assert await look("demo") == "True Claimed"
        assert holder(world) == "demo"

    async def test_an_unproven_claim_goes_when_somebody_proves_the_host_above(
        self, world: Any, add: Any, look: Any
    ) -> None:
        world.outside.proven.clear()
        add("demo")
        assert await look("demo") == "True Claimed"
        world.outside.proven[THEIRS] = Proof.RECORD
        add(THEIRS, "*.example.com", role="Alias")
        await look(THEIRS)
        assert await look("demo") == "False ParentTaken"
        assert claim(world) is None


async def test_what_an_administrator_reserves_is_given_up(world: Any, add: Any, look: Any) -> None:
    add("demo")
    await look("demo")
    world.platform = Platform("frankenpanel-system", reserved_hosts=("*.example.com",))
    assert await look("demo") == "False HostReserved"
    assert claim(world) is None
    assert world.status("Domain", "demo", "demo").get("url") is None


@pytest.mark.parametrize(("host", "reason"), [("co.uk", "PublicSuffix"), ("shop.wildcard", "HostInvalid")])
async def test_what_nobody_may_have_is_not_even_looked_at(
    world: Any, add: Any, look: Any, host: str, reason: str
) -> None:
    add("demo", host)
    assert await look("demo") == f"False {reason}"
    assert world.outside.looks == []
    assert list(world.cache.list("DomainClaim")) == []


async def test_the_next_look_is_the_earliest_that_somebody_asks_for(world: Any, add: Any) -> None:
    add("demo")
    assert (await world.reconcile("Domain", "demo")).requeue_after_seconds is None
    world.outside.next_look_seconds = 70.0
    assert (await world.reconcile("Domain", "demo")).requeue_after_seconds == 70.0
    world.outside.proven.clear()
    world.outside.next_look_seconds = 5000.0
    assert (await world.reconcile("Domain", "demo")).requeue_after_seconds == UNPROVEN_SECONDS


async def test_a_claim_on_its_way_out_is_waited_for(world: Any, add: Any, look: Any) -> None:
    add(THEIRS)
    await look(THEIRS)
    ref = ObjectRef("DomainClaim", "", HOST)
    metadata = world.cluster.read(ref)["metadata"]
    world.cluster.edit(ref, metadata={**metadata, "deletionTimestamp": "2026-08-01T12:00:00Z"})
    add("demo")
    assert await look("demo") == "False Progressing"
    assert holder(world) == THEIRS
