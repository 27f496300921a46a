from __future__ import annotations

from frankenpanel_operator.status.route import domain_statuses


def test_visitors_of_the_primary_host_reach_the_site(life, make_domain):
    found = life(domains=(make_domain(),))
    assert found.says("RouteReady") == ("True", "Routed")


def test_a_primary_that_does_not_hold_its_host_is_named_with_its_reason(life, make_domain):
    found = life(domains=(make_domain(claimed=False),)).running()
    assert found.says("RouteReady") == ("False", "DomainNotReady")
    assert (
        found.message("RouteReady") == "The Domain shop-localhost (shop.localhost) is not ready: HostTaken."
    )
    assert found.says("Ready") == ("False", "DomainNotReady")


def test_a_primary_without_a_route_yet_is_not_ready(life, make_domain):
    domain = make_domain()
    kept = tuple(item for item in domain.status.conditions if item.type == "Claimed")
    unrouted = domain.model_copy(update={"status": domain.status.model_copy(update={"conditions": kept})})
    found = life(domains=(unrouted,))
    assert found.says("RouteReady") == ("False", "DomainNotReady")
    assert found.message("RouteReady").endswith("is not ready.")


def test_an_alias_alone_is_no_address(life, make_domain):
    found = life(domains=(make_domain(role="Alias"),)).running()
    assert found.says("RouteReady") == ("False", "NoDomain")
    assert found.says("Ready") == ("True", "Ready")


def test_an_alias_in_trouble_does_not_touch_the_site(life, make_domain):
    domains = (make_domain(), make_domain("other.example.com", role="Alias", claimed=False))
    found = life(domains=domains).running()
    assert found.says("Ready") == ("True", "Ready")
    assert [(item.host, item.role, item.ready) for item in found.status.domains] == [
        ("shop.localhost", "Primary", True),
        ("other.example.com", "Alias", False),
    ]


def test_a_host_is_listed_once_by_the_domain_that_holds_it(make_domain):
    domains = (make_domain(claimed=False, metadata={"name": "late"}), make_domain())
    [listed] = domain_statuses(domains)
    assert (listed.host, listed.ready) == ("shop.localhost", True)


def test_the_list_is_no_longer_than_the_schema_takes(make_domain):
    domains = [make_domain(f"d{number}.example.com") for number in range(501)]
    assert len(domain_statuses(domains)) == 500
