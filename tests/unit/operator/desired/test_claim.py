from __future__ import annotations

import copy
from datetime import UTC, datetime

from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domainclaim import ClaimTls, DomainClaim, Route
from frankenpanel_operator.desired.claim import (
    Content,
    build_domain_claim,
    build_released_claim,
    holds_claim,
)
from frankenpanel_operator.desired.holding import holding_of

NOW = datetime(2026, 8, 1, 12, 0, 0, 345678, tzinfo=UTC)
ROUTE = Route(site="demo.shop", upstream="10.96.3.4:8080")
CONTENT = Content(NOW.replace(microsecond=0), ClaimTls(mode=TlsMode.INTERNAL, may_order=True), ROUTE)


def test_a_claim_is_named_after_its_host_and_names_its_domain(make_domain):
    claim = build_domain_claim(make_domain(), "shop.localhost", CONTENT)
    assert claim["metadata"]["name"] == "shop.localhost"
    assert "ownerReferences" not in claim["metadata"]
    assert claim["spec"] == {
        "host": "shop.localhost",
        "domainRef": {"namespace": "demo", "name": "shop-localhost", "uid": "uid-of-shop.localhost"},
        "verifiedAt": "2026-08-01T12:00:00Z",
        "tls": {"mode": "Internal", "mayOrder": True},
        "route": {"site": "demo.shop", "upstream": "10.96.3.4:8080", "httpsRedirect": False},
    }
    assert DomainClaim.parse(claim).spec.route == ROUTE


def test_a_wildcard_is_claimed_by_a_name_that_no_host_has(make_domain):
    claim = build_domain_claim(make_domain(), "*.example.com")
    assert (claim["metadata"]["name"], claim["spec"]["host"]) == ("example.com.wildcard", "*.example.com")


def test_an_unproven_claim_serves_nobody_and_orders_nothing(make_domain):
    spec = build_domain_claim(make_domain(), "shop.localhost", Content(None, CONTENT.tls, ROUTE))["spec"]
    assert sorted(spec) == ["domainRef", "host"]


def test_a_released_claim_keeps_who_had_the_host_and_for_how_long_and_nothing_else(make_domain):
    claim = build_domain_claim(make_domain(), "shop.localhost", CONTENT)
    released = build_released_claim(claim, NOW)
    assert sorted(released["spec"]) == ["domainRef", "host", "releasedAt", "verifiedAt"]
    assert released["spec"]["releasedAt"] == "2026-08-01T12:00:00Z"
    assert build_released_claim(released, NOW.replace(year=2027))["spec"] == released["spec"]


def test_a_claim_is_held_by_one_domain_not_by_its_name(make_domain):
    domain = make_domain()
    claim = build_domain_claim(domain, "shop.localhost")
    assert holds_claim(domain, claim)
    assert not holds_claim(make_domain(metadata={"uid": "another"}), claim)
    assert not holds_claim(domain, build_released_claim(claim, NOW))


def test_a_claim_is_the_same_for_the_same_domain(make_domain):
    domain = make_domain()
    before = copy.deepcopy(domain)
    assert build_domain_claim(domain, "a.b") == build_domain_claim(domain, "a.b")
    assert domain == before


def test_a_claim_that_a_foreign_hand_spoilt_is_nobody_s():
    for spec in (None, {}, {"domainRef": "text"}, {"domainRef": {}, "verifiedAt": "never", "releasedAt": 7}):
        holding = holding_of({"metadata": {}, "spec": spec})
        assert (holding.namespace, holding.uid) == ("", "")
        assert not holding.is_proven
        assert not holding.is_released
