from __future__ import annotations

import copy

import pytest
from frankenpanel_crds.domainclaim import DomainClaim, Route
from frankenpanel_operator.desired.claim import build_domain_claim, holds_claim, route_to


def service(cluster_ip):
    return {"spec": {"clusterIP": cluster_ip, "ports": [{"name": "http", "port": 8080}]}}


def test_a_claim_is_named_after_its_host_and_names_its_domain(make_domain):
    route = Route(site="demo.shop", upstream="10.96.3.4:8080")
    claim = build_domain_claim(make_domain(), "shop.localhost", route)
    assert claim["metadata"]["name"] == "shop.localhost"
    assert "ownerReferences" not in claim["metadata"]
    assert claim["spec"] == {
        "host": "shop.localhost",
        "domainRef": {"namespace": "demo", "name": "shop-localhost", "uid": "uid-of-shop.localhost"},
        "route": {"site": "demo.shop", "upstream": "10.96.3.4:8080"},
    }
    assert DomainClaim.parse(claim).spec.route == route


def test_a_claim_comes_before_its_route(make_domain):
    assert "route" not in build_domain_claim(make_domain(), "shop.localhost", None)["spec"]


@pytest.mark.parametrize(
    ("address", "upstream"), [("10.96.3.4", "10.96.3.4:8080"), ("fd00::1", "[fd00::1]:8080")]
)
def test_the_route_is_the_address_of_the_service(address, upstream):
    assert route_to("demo", "shop", service(address)) == Route(site="demo.shop", upstream=upstream)


@pytest.mark.parametrize("found", [None, {}, service(""), service("None")])
def test_without_an_address_there_is_no_route(found):
    assert route_to("demo", "shop", found) is None


def test_a_claim_is_held_by_one_domain_not_by_its_name(make_domain):
    domain = make_domain()
    claim = build_domain_claim(domain, "shop.localhost", None)
    assert holds_claim(domain, claim)
    reborn = make_domain(metadata={"uid": "another"})
    assert not holds_claim(reborn, claim)


def test_a_claim_is_the_same_for_the_same_domain(make_domain):
    domain = make_domain()
    before = copy.deepcopy(domain)
    assert build_domain_claim(domain, "a.b", None) == build_domain_claim(domain, "a.b", None)
    assert domain == before
