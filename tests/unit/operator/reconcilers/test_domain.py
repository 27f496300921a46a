"""A Domain's way to its host and its route, and what rivals are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from frankenpanel_crds.labels import FINALIZER_CLAIM
from frankenpanel_operator.errors import (
    KUBERNETES,
    ClusterRefusedError,
    ClusterUnavailableError,
    ConflictError,
    ObjectNameTakenError,
)
from frankenpanel_operator.observed import ObjectRef

HOST = "shop.localhost"
PATIENCE_SECONDS = 600
DOMAIN = ObjectRef("Domain", "demo", "shop-localhost")
CLAIM = ObjectRef("DomainClaim", "", HOST)


def claim_of(host: str, namespace: str, name: str, uid: str, **spec: Any) -> dict[str, Any]:
    reference = {"namespace": namespace, "name": name, "uid": uid}
    return {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "DomainClaim",
        "metadata": {"name": host},
        "spec": {"host": host, "domainRef": reference, **spec},
    }


async def test_claims_the_host_and_waits_for_the_site(world: Any, add_domain: Any) -> None:
    add_domain(HOST)
    writes = [f"{write.verb} {write.kind}" for write in await world.writes_of("Domain", DOMAIN.name)]
    assert writes == ["finalizer Domain", "create DomainClaim", "status Domain"]
    assert world.cluster.read(CLAIM)["spec"] == {
        "host": HOST,
        "domainRef": {"namespace": "demo", "name": DOMAIN.name, "uid": f"uid-of-{HOST}"},
        "verifiedAt": "2026-08-01T12:00:00Z",
        "tls": {"mode": "Internal", "mayOrder": True},
    }
    reasons = world.reasons("Domain", DOMAIN.name)
    assert (reasons["Claimed"], reasons["SiteFound"]) == ("True Claimed", "False SiteNotFound")
    assert await world.writes_of("Domain", DOMAIN.name) == []


async def test_the_route_appears_once_the_service_has_an_address(
    world: Any, add_domain: Any, add_site: Any
) -> None:
    add_domain(HOST)
    add_site()
    await world.reconcile("Domain", DOMAIN.name)
    await world.reconcile()
    await world.reconcile("Domain", DOMAIN.name)
    assert "route" not in world.cluster.read(CLAIM)["spec"]
    assert world.reasons("Domain", DOMAIN.name)["RouteProgrammed"] == "False SiteNotReady"
    service = ObjectRef("Service", "demo", "shop")
    world.cluster.edit(service, spec={**world.cluster.read(service)["spec"], "clusterIP": "10.96.3.4"})
    written = [f"{write.verb} {write.kind}" for write in await world.writes_of("Domain", DOMAIN.name)]
    assert written == ["patch DomainClaim", "status Domain"]
    assert world.cluster.read(CLAIM)["spec"]["route"] == {
        "site": "demo.shop",
        "upstream": "10.96.3.4:8080",
        "httpsRedirect": False,
    }
    assert world.reasons("Domain", DOMAIN.name)["Ready"] == "True Ready"
    assert await world.writes_of("Domain", DOMAIN.name) == []


async def test_the_route_goes_with_its_site(world: Any, add_domain: Any, add_site: Any) -> None:
    add_domain(HOST)
    body = add_site()
    await world.reconcile()
    service = ObjectRef("Service", "demo", "shop")
    world.cluster.edit(service, spec={**world.cluster.read(service)["spec"], "clusterIP": "10.96.3.4"})
    await world.reconcile("Domain", DOMAIN.name)
    world.cache.remove(body)
    await world.reconcile("Domain", DOMAIN.name)
    assert "route" not in world.cluster.read(CLAIM)["spec"]
    assert world.reasons("Domain", DOMAIN.name)["SiteFound"] == "False SiteNotFound"


async def test_who_holds_the_host_stays_untold(world: Any, add_domain: Any) -> None:
    world.cluster.add(
        {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Domain",
            "metadata": {"name": "theirs", "namespace": "secret-tenant", "uid": "uid-theirs"},
            "spec": {"host": HOST, "siteRef": {"name": "their-site"}},
        }
    )
    verified = {"verifiedAt": "2026-07-01T00:00:00Z"}
    world.cluster.add(claim_of(HOST, "secret-tenant", "theirs", "uid-theirs", **verified))
    add_domain(HOST)
    await world.reconcile("Domain", DOMAIN.name)
    assert world.reasons("Domain", DOMAIN.name)["Ready"] == "False HostTaken"
    text = str(world.status("Domain", DOMAIN.name))
    assert "secret-tenant" not in text
    assert "their" not in text
    assert world.status("Domain", DOMAIN.name).get("url") is None
    assert world.cluster.read(CLAIM)["spec"]["domainRef"]["uid"] == "uid-theirs"


@pytest.mark.parametrize("error", [ObjectNameTakenError("DomainClaim", HOST), ConflictError("was faster")])
async def test_somebody_was_faster_than_the_watch(world: Any, add_domain: Any, error: Exception) -> None:
    """A claim that the cache does not know is judged once, then told by its own event."""
    add_domain(HOST)
    world.cluster.refusals["create", "DomainClaim"] = error
    if isinstance(error, ConflictError):
        with pytest.raises(ConflictError):
            await world.reconcile("Domain", DOMAIN.name)
        return
    await world.reconcile("Domain", DOMAIN.name)
    assert world.reasons("Domain", DOMAIN.name)["Claimed"].startswith("False")


@pytest.mark.parametrize(
    "owner",
    [
        ("demo", "gone", "uid-gone"),
        ("demo", "shop-localhost", "uid-of-its-predecessor"),
        ("elsewhere", "gone", "uid-gone"),
    ],
)
async def test_an_orphaned_claim_is_taken_over(
    world: Any, add_domain: Any, owner: tuple[str, str, str]
) -> None:
    """The Domain of a claim can go without us: by force, or while nobody ran."""
    world.cluster.add(claim_of(HOST, *owner))
    add_domain(HOST)
    await world.reconcile("Domain", DOMAIN.name)
    assert world.cluster.read(CLAIM)["spec"]["domainRef"]["uid"] == f"uid-of-{HOST}"
    assert world.reasons("Domain", DOMAIN.name)["Claimed"] == "True Claimed"


async def test_a_second_primary_is_served_and_told(world: Any, add_domain: Any, add_site: Any) -> None:
    add_site()
    await world.reconcile()
    service = ObjectRef("Service", "demo", "shop")
    world.cluster.edit(service, spec={**world.cluster.read(service)["spec"], "clusterIP": "10.96.3.4"})
    add_domain(HOST)
    add_domain("late.localhost", metadata={"creationTimestamp": "2026-07-02T00:00:00Z"})
    await world.reconcile("Domain", DOMAIN.name)
    await world.reconcile("Domain", "late-localhost")
    assert world.reasons("Domain", DOMAIN.name)["Ready"] == "True Ready"
    late = world.reasons("Domain", "late-localhost")
    assert (late["Ready"], late["RouteProgrammed"]) == ("False PrimaryConflict", "True Routed")
    claim = world.cluster.read(ObjectRef("DomainClaim", "", "late.localhost"))
    assert claim["spec"]["route"]["site"] == "demo.shop"
    assert DOMAIN.name in world.status("Domain", "late-localhost")["conditions"][0]["message"]


async def test_an_alias_is_nobody_s_rival(world: Any, add_domain: Any, add_site: Any) -> None:
    add_site()
    add_domain(HOST)
    add_domain("www.shop.localhost", role="Alias")
    for name in (DOMAIN.name, "www-shop-localhost"):
        await world.reconcile("Domain", name)
    assert "PrimaryConflict" not in world.reasons("Domain", "www-shop-localhost")["Ready"]


async def test_another_spelling_of_a_host_is_the_same_host(world: Any, add_domain: Any) -> None:
    add_domain("Shop.LocalHost.", metadata={"name": "loud"})
    await world.reconcile("Domain", "loud")
    assert world.status("Domain", "loud")["host"] == HOST
    assert world.cluster.read(CLAIM)["spec"]["domainRef"]["name"] == "loud"


@pytest.mark.parametrize("host", ["localhost", "10.0.0.1", "http://shop.example.com", "a b.example.com"])
async def test_what_is_no_host_is_told_and_claims_nothing(world: Any, add_domain: Any, host: str) -> None:
    add_domain(host, metadata={"name": "bad"})
    assert [write.verb for write in await world.writes_of("Domain", "bad")] == ["status"]
    assert world.reasons("Domain", "bad")["Ready"] == "False HostInvalid"
    assert list(world.cache.list("DomainClaim")) == []
    assert await world.writes_of("Domain", "bad") == []


async def test_a_deleted_domain_frees_its_host(world: Any, add_domain: Any) -> None:
    add_domain(HOST)
    await world.reconcile("Domain", DOMAIN.name)
    world.delete("Domain", DOMAIN.name)
    writes = [f"{write.verb} {write.kind}" for write in await world.writes_of("Domain", DOMAIN.name)]
    assert writes == ["delete DomainClaim", "finalizer Domain"]
    assert (world.cache.get(DOMAIN), world.cache.get(CLAIM)) == (None, None)


async def test_a_deleted_domain_leaves_the_claim_of_another(world: Any, add_domain: Any) -> None:
    world.cluster.add(claim_of(HOST, "demo", "other", "uid-other"))
    add_domain(HOST, metadata={"finalizers": [FINALIZER_CLAIM]})
    world.delete("Domain", DOMAIN.name)
    await world.reconcile("Domain", DOMAIN.name)
    assert world.cache.get(DOMAIN) is None
    assert world.cluster.read(CLAIM)["spec"]["domainRef"]["uid"] == "uid-other"


async def test_the_finalizer_stays_until_the_host_is_free(world: Any, add_domain: Any) -> None:
    add_domain(HOST)
    await world.reconcile("Domain", DOMAIN.name)
    world.delete("Domain", DOMAIN.name)
    down = ClusterUnavailableError("down", dependency=KUBERNETES)
    world.cluster.refusals["delete", "DomainClaim"] = down
    with pytest.raises(ClusterUnavailableError):
        await world.reconcile("Domain", DOMAIN.name)
    assert world.cluster.read(DOMAIN)["metadata"]["finalizers"] == [FINALIZER_CLAIM]


async def test_a_claim_that_the_cluster_keeps_is_waited_for_and_then_left(
    world: Any, add_domain: Any
) -> None:
    add_domain(HOST)
    await world.reconcile("Domain", DOMAIN.name)
    world.delete("Domain", DOMAIN.name)
    world.cluster.refusals["delete", "DomainClaim"] = ClusterRefusedError("a webhook says no", status=403)
    outcome = await world.reconcile("Domain", DOMAIN.name)
    assert outcome.requeue_after_seconds
    assert world.reasons("Domain", DOMAIN.name)["Ready"] == "False Deleting"
    world.clock.time += timedelta(seconds=PATIENCE_SECONDS)
    await world.reconcile("Domain", DOMAIN.name)
    assert world.cache.get(DOMAIN) is None
    assert {reason for reason, _ in world.events.posted} == {"DataLeftBehind"}
    assert all(HOST in message for _, message in world.events.posted)


async def test_the_next_domain_of_the_host_takes_a_claim_over_that_was_left(
    world: Any, add_domain: Any
) -> None:
    world.cluster.add(claim_of(HOST, "demo", "gone", "uid-of-nobody"))
    add_domain(HOST)
    await world.reconcile("Domain", DOMAIN.name)
    await world.reconcile("Domain", DOMAIN.name)
    assert world.reasons("Domain", DOMAIN.name)["Claimed"] == "True Claimed"


async def test_a_domain_that_is_gone_needs_nothing(world: Any) -> None:
    assert await world.writes_of("Domain", "gone") == []
