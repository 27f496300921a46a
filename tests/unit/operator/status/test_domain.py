"""What a Domain says about itself, as a tenant reads it."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from frankenpanel_crds.conditions import find_condition
from frankenpanel_crds.domain import DomainStatus
from frankenpanel_crds.domainclaim import Route
from frankenpanel_operator.desired.claim import build_domain_claim
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.status.domain import DomainScene, domain_status

ROUTE = Route(site="demo.shop", upstream="10.96.3.4:8080")


@pytest.fixture
def domain(make_domain):
    return make_domain()


@pytest.fixture
def routed(domain):
    return DomainScene(
        platform=Platform("frankenpanel-system"),
        host="shop.localhost",
        host_error=None,
        claim=build_domain_claim(domain, "shop.localhost", ROUTE),
        is_site_found=True,
        route=ROUTE,
    )


@pytest.fixture
def says(domain, routed, now):
    """Return a function that changes the scene and returns status and reason of each condition."""

    def tell(**changes):
        status = domain_status(domain, dataclasses.replace(routed, **changes), now=now)
        return {item.type: (item.status.value, item.reason) for item in status.conditions}

    return tell


@pytest.fixture
def status(domain, routed, now):
    return lambda **changes: domain_status(domain, dataclasses.replace(routed, **changes), now=now)


def test_a_routed_domain_is_ready(says, status):
    assert says() == {
        "Ready": ("True", "Ready"),
        "Claimed": ("True", "Claimed"),
        "SiteFound": ("True", "SiteFound"),
        "RouteProgrammed": ("True", "Routed"),
    }
    found = status()
    assert (found.host, found.url, found.claim_name) == (
        "shop.localhost",
        "http://shop.localhost",
        "shop.localhost",
    )


def test_the_url_has_the_port_that_visitors_use(status):
    found = status(platform=Platform("frankenpanel-system", http_port=8000))
    assert found.url == "http://shop.localhost:8000"


def test_a_taken_host_is_stalled_and_its_owner_is_not_told(make_domain, says, status):
    stranger = make_domain(metadata={"name": "secret-name", "namespace": "secret-namespace", "uid": "x"})
    claim = build_domain_claim(
        stranger, "shop.localhost", Route(site="secret-namespace.s", upstream="10.0.0.1:80")
    )
    found = says(claim=claim)
    assert found["Ready"] == found["Claimed"] == ("False", "HostTaken")
    assert found["Stalled"] == ("True", "HostTaken")
    assert found["RouteProgrammed"] == ("False", "Waiting")
    text = repr(status(claim=claim))
    assert "secret" not in text
    assert "10.0.0.1" not in text


def test_a_taken_host_has_no_address(make_domain, status):
    claim = build_domain_claim(make_domain(metadata={"uid": "x"}), "shop.localhost", None)
    found = status(claim=claim)
    assert (found.host, found.url, found.claim_name) == ("shop.localhost", None, None)


def test_a_host_that_is_none_says_why(says, status):
    changes = {"host": None, "host_error": "the host is an IP address; write the name", "claim": None}
    assert says(**changes)["Ready"] == ("False", "HostInvalid")
    assert "is an IP address" in find_condition(status(**changes).conditions, "Ready").message
    assert status(**changes).host is None


def test_a_host_that_is_not_reserved_yet_is_in_progress(says):
    found = says(claim=None)
    assert found["Reconciling"] == ("True", "Progressing")
    assert "Stalled" not in found


def test_a_missing_site_names_the_field(says, status):
    found = says(is_site_found=False)
    assert found["Ready"] == ("False", "SiteNotFound")
    assert found["Claimed"] == ("True", "Claimed")
    assert "spec.siteRef.name" in find_condition(status(is_site_found=False).conditions, "Ready").message


def test_a_site_without_an_address_is_waited_for(says):
    assert says(route=None)["Ready"] == ("False", "SiteNotReady")


@pytest.mark.parametrize("written", [None, Route(site="demo.shop", upstream="10.96.9.9:8080")])
def test_a_claim_with_another_route_is_in_progress(domain, says, written):
    claim = build_domain_claim(domain, "shop.localhost", written)
    assert says(claim=claim)["RouteProgrammed"] == ("False", "Progressing")


def test_a_second_primary_is_told_and_served(make_domain, says, status):
    leader = make_domain("first.example.com")
    found = says(leader=leader)
    assert found["RouteProgrammed"] == ("True", "Routed")
    assert found["Ready"] == ("False", "PrimaryConflict")
    assert found["Stalled"] == ("True", "PrimaryConflict")
    assert "first-example-com" in find_condition(status(leader=leader).conditions, "Ready").message


def test_another_obstacle_goes_before_the_conflict(make_domain, says):
    assert says(leader=make_domain("first.example.com"), route=None)["Ready"][1] == "SiteNotReady"


def test_times_move_only_with_the_status(domain, routed, now):
    first = domain_status(domain, routed, now=now)
    seen = domain.model_copy(update={"status": first})
    assert domain_status(seen, routed, now=now + timedelta(hours=1)) == first
    assert {item.observed_generation for item in first.conditions} == {first.observed_generation} == {1}


def test_a_status_is_the_same_after_the_api_server_had_it(status):
    assert DomainStatus.model_validate(status().to_manifest()) == status()
