"""The Domain of a host's other form, and whom it leaves alone; and redirects between Domains."""

from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_operator.observed import ObjectRef

HOST = "example.com"
PARENT, CHILD = "example-com", "example-com-www"


@pytest.fixture
async def paired(world: Any, add_site: Any, add_domain: Any) -> None:
    """Have a Domain with a pair, and its Site's Service with an address."""
    add_site()
    await world.reconcile()
    service = ObjectRef("Service", "demo", "shop")
    world.cluster.edit(service, spec={**world.cluster.read(service)["spec"], "clusterIP": "10.96.3.4"})
    add_domain(HOST, spec={"www": "Redirect"})
    await world.reconcile("Domain", PARENT)


def child(world: Any) -> Any:
    return world.cache.get(ObjectRef("Domain", "demo", CHILD))


def set_spec(world: Any, name: str, **spec: Any) -> None:
    ref = ObjectRef("Domain", "demo", name)
    world.cluster.edit(ref, spec={**world.cluster.read(ref)["spec"], **spec})


def message(world: Any, name: str) -> str:
    return str(world.status("Domain", name)["conditions"][0]["message"])


async def test_the_other_form_is_a_domain_that_sends_its_visitors_here(world: Any, paired: None) -> None:
    assert child(world)["spec"]["host"] == "www.example.com"
    await world.reconcile("Domain", CHILD)
    assert world.reasons("Domain", CHILD)["Ready"] == "True Ready"
    route = world.cluster.read(ObjectRef("DomainClaim", "", "www.example.com"))["spec"]["route"]
    assert route["redirect"] == {"to": "http://example.com", "code": 301, "keepPath": True}
    assert await world.writes_of("Domain", PARENT) == []
    assert await world.writes_of("Domain", CHILD) == []


async def test_it_goes_when_it_is_not_wanted_any_more(world: Any, paired: None) -> None:
    set_spec(world, PARENT, www="Ignore")
    assert [f"{write.verb} {write.name}" for write in await world.writes_of("Domain", PARENT)] == [
        f"delete {CHILD}"
    ]
    assert child(world) is None
    assert await world.writes_of("Domain", PARENT) == []


async def test_what_somebody_changes_of_it_is_put_right(world: Any, paired: None) -> None:
    world.cache.remove(child(world))
    await world.reconcile("Domain", PARENT)
    assert child(world)["spec"]["redirect"]["to"] == "http://example.com"


async def test_a_domain_that_a_person_made_for_the_host_is_left_alone(
    world: Any, add_site: Any, add_domain: Any
) -> None:
    add_domain("WWW.example.com", metadata={"name": "mine"}, role="Alias")
    add_domain(HOST, spec={"www": "Redirect"})
    await world.reconcile("Domain", PARENT)
    assert child(world) is None
    add_site()
    await world.reconcile()
    service = ObjectRef("Service", "demo", "shop")
    world.cluster.edit(service, spec={**world.cluster.read(service)["spec"], "clusterIP": "10.96.3.4"})
    await world.reconcile("Domain", PARENT)
    assert "the Domain mine has it" in message(world, PARENT)
    assert world.reasons("Domain", PARENT)["Ready"] == "True Ready"


async def test_a_domain_that_a_person_made_under_the_name_is_left_alone(
    world: Any, paired: None, add_domain: Any
) -> None:
    world.cache.remove(child(world))
    add_domain("other.example.com", metadata={"name": CHILD}, role="Alias")
    await world.reconcile("Domain", PARENT)
    assert child(world)["spec"]["host"] == "other.example.com"
    assert CHILD in message(world, PARENT)
    set_spec(world, PARENT, www="Ignore")
    await world.reconcile("Domain", PARENT)
    assert child(world)["spec"]["host"] == "other.example.com"


async def test_a_host_without_another_form_says_so(world: Any, paired: None, add_domain: Any) -> None:
    add_domain("www.localhost", spec={"www": "Redirect"}, role="Alias")
    await world.reconcile("Domain", "www-localhost")
    assert "only one part" in message(world, "www-localhost")


async def test_a_redirect_without_a_target_follows_the_primary(
    world: Any, paired: None, add_domain: Any
) -> None:
    add_domain("old.example.com", role="Redirect")
    await world.reconcile("Domain", "old-example-com")
    route = world.cluster.read(ObjectRef("DomainClaim", "", "old.example.com"))["spec"]["route"]
    assert route["redirect"]["to"] == "http://example.com"
    set_spec(world, PARENT, role="Alias")
    await world.reconcile("Domain", "old-example-com")
    assert world.reasons("Domain", "old-example-com")["Ready"] == "False SiteNotReady"


async def test_two_that_send_their_visitors_to_one_another_both_say_so(
    world: Any, paired: None, add_domain: Any
) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        redirect = {"redirect": {"to": f"https://{other}.example.net"}}
        add_domain(f"{name}.example.net", role="Redirect", spec=redirect)
    for _ in range(2):
        for name in ("a", "b"):
            await world.reconcile("Domain", f"{name}-example-net")
    for name in ("a", "b"):
        assert world.reasons("Domain", f"{name}-example-net")["Ready"] == "False RedirectLoop"
        claim = world.cluster.read(ObjectRef("DomainClaim", "", f"{name}.example.net"))
        assert "route" not in claim["spec"]
    set_spec(world, "a-example-net", redirect={"to": "https://example.com"})
    for name in ("a", "b"):
        await world.reconcile("Domain", f"{name}-example-net")
        assert world.reasons("Domain", f"{name}-example-net")["Ready"] == "True Ready"
