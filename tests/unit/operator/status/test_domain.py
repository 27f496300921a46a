"""What a Domain says about itself, as a tenant reads it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from frankenpanel_crds.conditions import DomainReason, find_condition
from frankenpanel_crds.domain import DomainStatus
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domain_status import ChallengeRecord, ChallengeType
from frankenpanel_crds.domainclaim import ClaimTls, Route, RouteRedirect
from frankenpanel_operator.desired.claim import Content, build_domain_claim
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.refused_hosts import Refusal
from frankenpanel_operator.desired.route import Compiled
from frankenpanel_operator.findings import Certificate, HostChecks, Ownership, Resolution
from frankenpanel_operator.status.domain import DomainScene, domain_status

ROUTE = Route(site="demo.shop", upstream="10.96.3.4:8080")
VERIFIED_AT = datetime(2026, 7, 1, tzinfo=UTC)
RECORD = ChallengeRecord(type=ChallengeType.TXT, name="_frankenpanel.shop.localhost", value="x=y")
PROVEN = Ownership(is_proven=True, reason=DomainReason.VERIFIED, message="Yours.", records=(RECORD,))
UNPROVEN = Ownership(
    is_proven=False, reason=DomainReason.RECORD_NOT_FOUND, message="Set a record.", records=(RECORD,)
)
HERE = Resolution(
    is_here=True,
    reason=DomainReason.RESOLVES,
    message="It leads here.",
    expected=("192.0.2.1",),
    observed=("192.0.2.1",),
    ttl_seconds=300,
)
TLS = ClaimTls(mode=TlsMode.MANAGED, may_order=True)
ISSUED = Certificate(True, DomainReason.ISSUED, "There.", tls=TLS, is_trusted=True, issuer="R1")


@pytest.fixture
def domain(make_domain):
    return make_domain()


@pytest.fixture
def routed(domain):
    return DomainScene(
        platform=Platform("frankenpanel-system"),
        host="shop.localhost",
        claim=build_domain_claim(domain, "shop.localhost", Content(VERIFIED_AT, TLS, ROUTE)),
        is_site_found=True,
        checks=HostChecks(PROVEN, HERE),
        certificate=ISSUED,
        compiled=Compiled(ROUTE),
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
        "OwnershipVerified": ("True", "Verified"),
        "DNSResolves": ("True", "Resolves"),
        "CertificateReady": ("True", "Issued"),
        "RouteProgrammed": ("True", "Routed"),
    }
    found = status()
    assert (found.host, found.url, found.claim_name) == (
        "shop.localhost",
        "https://shop.localhost",
        "shop.localhost",
    )
    assert found.verification.verified_at == VERIFIED_AT
    assert found.verification.records == ()
    assert (found.dns.expected, found.dns.observed, found.dns.ttl_seconds) == (
        ("192.0.2.1",),
        ("192.0.2.1",),
        300,
    )
    assert found.certificate.issuer == "R1"


def test_the_url_has_the_port_that_visitors_use(status):
    platform = Platform("frankenpanel-system", http_port=8000, https_port=8443)
    assert status(platform=platform).url == "https://shop.localhost:8443"
    assert status(platform=platform, certificate=None).url == "http://shop.localhost:8000"


@pytest.mark.parametrize(
    "changes",
    [{"is_trusted": False}, {"is_ready": False}, {"tls": ClaimTls(mode=TlsMode.NONE)}],
)
def test_the_url_is_by_http_where_browsers_would_warn(status, changes):
    assert status(certificate=dataclasses.replace(ISSUED, **changes)).url == "http://shop.localhost"


def test_a_wildcard_has_no_address_of_its_own(domain, status):
    claim = build_domain_claim(domain, "*.example.com", Content(VERIFIED_AT, TLS, ROUTE))
    found = status(host="*.example.com", claim=claim)
    assert (found.url, found.claim_name) == (None, "example.com.wildcard")


def test_an_unproven_host_says_what_to_set_and_has_no_address(domain, says, status):
    changes = {
        "checks": HostChecks(UNPROVEN, HERE),
        "certificate": None,
        "claim": build_domain_claim(domain, "shop.localhost"),
    }
    found = says(**changes)
    assert found["Ready"] == ("False", "RecordNotFound")
    assert found["Reconciling"] == ("True", "RecordNotFound")
    assert found["CertificateReady"] == found["RouteProgrammed"] == ("False", "Waiting")
    assert status(**changes).verification.records == (RECORD,)
    assert status(**changes).url is None


def test_a_refused_route_is_told(says):
    refusal = Refusal(DomainReason.REDIRECT_LOOP, "In a circle.")
    found = says(compiled=Compiled(refusal=refusal))
    assert found["Ready"] == found["RouteProgrammed"] == ("False", "RedirectLoop")
    assert found["Stalled"] == ("True", "RedirectLoop")


def test_a_redirect_says_where_visitors_go(make_domain, routed, now):
    domain = make_domain(role="Redirect")
    route = Route(site="demo.shop", redirect=RouteRedirect(to="https://www.example.com"))
    claim = build_domain_claim(domain, "shop.localhost", Content(VERIFIED_AT, TLS, route))
    scene = dataclasses.replace(routed, compiled=Compiled(route), claim=claim, remark="By the way.")
    status = domain_status(domain, scene, now=now)
    ready = find_condition(status.conditions, "Ready")
    assert ready.message == "Visitors of shop.localhost are sent to https://www.example.com. By the way."


def test_an_end_that_comes_near_is_told_only_while_it_does(says):
    assert list(says())[-1] == "RouteProgrammed"
    found = says(certificate=dataclasses.replace(ISSUED, expires_soon=True))
    assert (list(found)[-1], found["Ready"]) == ("CertificateExpiring", ("True", "Ready"))


def test_the_order_of_conditions_is_the_order_of_causes(says):
    order = ["Claimed", "SiteFound", "OwnershipVerified", "DNSResolves", "CertificateReady"]
    assert [name for name in says() if name != "Ready"] == [*order, "RouteProgrammed"]


TAKEN = Refusal(DomainReason.HOST_TAKEN, "shop.localhost is held by another Domain.")


def test_a_taken_host_is_stalled_and_its_owner_is_not_told(make_domain, says, status):
    stranger = make_domain(metadata={"name": "secret-name", "namespace": "secret-namespace", "uid": "x"})
    route = Route(site="secret-namespace.s", upstream="10.0.0.1:80")
    content = Content(VERIFIED_AT, TLS, route)
    claim = build_domain_claim(stranger, "shop.localhost", content)
    changes = {"claim": claim, "refusal": TAKEN, "checks": None, "certificate": None}
    found = says(**changes)
    assert found["Ready"] == found["Claimed"] == ("False", "HostTaken")
    assert found["Stalled"] == ("True", "HostTaken")
    assert found["OwnershipVerified"] == found["DNSResolves"] == ("False", "Waiting")
    assert found["RouteProgrammed"] == ("False", "Waiting")
    text = repr(status(**changes))
    assert "secret" not in text
    assert "10.0.0.1" not in text


def test_a_taken_host_has_no_address(make_domain, status):
    claim = build_domain_claim(make_domain(metadata={"uid": "x"}), "shop.localhost")
    found = status(claim=claim, refusal=TAKEN)
    assert (found.host, found.url, found.claim_name) == ("shop.localhost", None, None)


def test_a_host_that_is_given_up_is_not_held_though_its_claim_is_there_still(says, status):
    refusal = Refusal(DomainReason.CLAIM_EXPIRED, "Too late.")
    changes = {"refusal": refusal, "checks": HostChecks(UNPROVEN, HERE), "certificate": None}
    assert says(**changes)["Claimed"] == ("False", "ClaimExpired")
    assert status(**changes).claim_name is None


def test_a_host_that_is_none_says_why(says, status):
    refusal = Refusal(DomainReason.HOST_INVALID, "spec.host cannot be used: the host is an IP address.")
    changes = {"host": None, "refusal": refusal, "claim": None, "checks": None, "certificate": None}
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
    assert says(compiled=Compiled())["Ready"] == ("False", "SiteNotReady")


@pytest.mark.parametrize("written", [None, Route(site="demo.shop", upstream="10.96.9.9:8080")])
def test_a_claim_with_another_route_is_in_progress(domain, says, written):
    claim = build_domain_claim(domain, "shop.localhost", Content(VERIFIED_AT, TLS, written))
    assert says(claim=claim)["RouteProgrammed"] == ("False", "Progressing")


def test_a_second_primary_is_told_and_served(make_domain, says, status):
    leader = make_domain("first.example.com")
    found = says(leader=leader)
    assert found["RouteProgrammed"] == ("True", "Routed")
    assert found["Ready"] == ("False", "PrimaryConflict")
    assert found["Stalled"] == ("True", "PrimaryConflict")
    assert "first-example-com" in find_condition(status(leader=leader).conditions, "Ready").message


def test_another_obstacle_goes_before_the_conflict(make_domain, says):
    assert says(leader=make_domain("first.example.com"), compiled=Compiled())["Ready"][1] == "SiteNotReady"


def test_times_move_only_with_the_status(domain, routed, now):
    first = domain_status(domain, routed, now=now)
    seen = domain.model_copy(update={"status": first})
    assert domain_status(seen, routed, now=now + timedelta(hours=1)) == first
    assert {item.observed_generation for item in first.conditions} == {first.observed_generation} == {1}


def test_a_status_is_the_same_after_the_api_server_had_it(status):
    assert DomainStatus.model_validate(status().to_manifest()) == status()
