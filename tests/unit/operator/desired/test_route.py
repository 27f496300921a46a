from __future__ import annotations

import pytest
from frankenpanel_crds.conditions import DomainReason
from frankenpanel_crds.domain_settings import Hsts, TlsMode
from frankenpanel_crds.domainclaim import ClaimTls
from frankenpanel_operator.desired.route import (
    Destination,
    compile_route,
    hsts_text,
    is_https_forced,
    upstream_of,
)
from frankenpanel_operator.findings import Certificate

HOST = "www.example.com"


def service(cluster_ip):
    return {"spec": {"clusterIP": cluster_ip, "ports": [{"name": "http", "port": 8080}]}}


def certificate(*, ready=True, trusted=True, mode=TlsMode.MANAGED):
    tls = ClaimTls(mode=mode)
    return Certificate(ready, DomainReason.ISSUED, "There.", tls=tls, is_trusted=trusted)


def nobody(host):
    return None


@pytest.fixture
def compiled(make_domain):
    """Return a function that compiles the route of a Domain with its spec changed."""

    def compile_(*, role="Alias", primary_url="https://shop.example", sends_to=nobody, host=HOST, **spec):
        domain = make_domain(host, role=role, spec=spec)
        destination = Destination(service("10.96.3.4"), primary_url, sends_to)
        return compile_route(domain, host, destination, certificate())

    return compile_


@pytest.mark.parametrize(
    ("address", "upstream"), [("10.96.3.4", "10.96.3.4:8080"), ("fd00::1", "[fd00::1]:8080")]
)
def test_visitors_go_to_the_address_of_the_service(address, upstream):
    assert upstream_of(service(address)) == upstream


@pytest.mark.parametrize("found", [None, {}, service(""), service("None")])
def test_without_an_address_there_is_no_route(make_domain, found):
    assert upstream_of(found) is None
    route = compile_route(make_domain(), "shop.localhost", Destination(found, None, nobody), None)
    assert (route.route, route.refusal) == (None, None)


def test_a_proxied_host_has_https_and_hsts(compiled):
    route = compiled(hsts={"maxAgeSeconds": 300}).route
    assert route.to_manifest() == {
        "site": "demo.shop",
        "upstream": "10.96.3.4:8080",
        "httpsRedirect": True,
        "hsts": "max-age=300",
    }


@pytest.mark.parametrize(
    ("setting", "found", "forced"),
    [
        ("Auto", certificate(), True),
        ("Auto", certificate(trusted=False), False),
        ("Auto", certificate(ready=False), False),
        ("Auto", None, False),
        ("Always", certificate(trusted=False, mode=TlsMode.INTERNAL), True),
        ("Always", certificate(ready=False), False),
        ("Always", certificate(mode=TlsMode.NONE), False),
        ("Never", certificate(), False),
    ],
)
def test_visitors_are_sent_to_https_only_where_it_works(make_domain, setting, found, forced):
    assert is_https_forced(make_domain(spec={"httpsRedirect": setting}), found) is forced


@pytest.mark.parametrize(
    ("hsts", "text"),
    [
        (None, None),
        (Hsts(max_age_seconds=0), "max-age=0"),
        (Hsts(include_sub_domains=True, preload=True), "max-age=31536000; includeSubDomains; preload"),
    ],
)
def test_hsts_is_spelt_as_the_standard_says(hsts, text):
    assert hsts_text(hsts) == text


def test_a_redirect_leads_to_its_target_or_to_the_primary(compiled):
    named = compiled(role="Redirect", redirect={"to": "https://shop.example/", "code": 308}).route
    assert named.upstream is None
    assert named.redirect.to_manifest() == {"to": "https://shop.example", "code": 308, "keepPath": True}
    cut = compiled(role="Redirect", redirect={"to": "https://shop.example/news?a=1", "keepPath": False}).route
    assert cut.redirect.to == "https://shop.example/news?a=1"
    assert compiled(role="Redirect").route.redirect.to == "https://shop.example"
    assert compiled(role="Redirect", primary_url=None).route is None


@pytest.mark.parametrize(
    "target",
    ["https://www.example.com", "http://WWW.Example.com:8080/a", "https://a.example", "https://a.example/b"],
)
def test_a_redirect_that_would_come_back_is_refused(compiled, target):
    ways = {"a.example": "https://b.example", "b.example": "http://www.example.com/x"}
    redirect = {"to": target, "keepPath": False}
    found = compiled(role="Redirect", redirect=redirect, sends_to=ways.get)
    assert found.route is None
    assert found.refusal.reason == DomainReason.REDIRECT_LOOP


def test_a_circle_further_on_is_refused_and_so_is_a_chain_without_end(compiled):
    circle = {"a.example": "https://b.example", "b.example": "https://a.example"}
    redirect = {"to": "https://a.example"}
    assert compiled(role="Redirect", redirect=redirect, sends_to=circle.get).refusal is not None
    chain = {f"{number}a.example": f"https://{number + 1}a.example" for number in range(100)}
    redirect = {"to": "https://0a.example"}
    assert compiled(role="Redirect", redirect=redirect, sends_to=chain.get).refusal is not None
    short = {"0a.example": "https://1a.example", "1a.example": ""}
    assert compiled(role="Redirect", redirect=redirect, sends_to=short.get).refusal is None


def test_a_wildcard_that_sends_to_a_name_of_its_own_comes_back_unless_the_name_is_another_s(compiled):
    redirect = {"to": "https://www.example.com"}
    wild = {"role": "Redirect", "host": "*.example.com", "redirect": redirect, "tls": {"mode": "None"}}
    assert compiled(**wild).refusal.reason == DomainReason.REDIRECT_LOOP
    assert compiled(**wild, sends_to={"www.example.com": ""}.get).refusal is None
    there = {"*.example.com": "https://deep.example.net"}
    back = {"role": "Redirect", "host": "deep.example.net", "redirect": redirect}
    assert compiled(**back, sends_to=there.get).refusal.reason == DomainReason.REDIRECT_LOOP


def test_a_redirect_that_no_file_could_be_named_after_is_refused(compiled):
    redirect = {"to": "https://" + ".".join(["a" * 60] * 3) + ".example", "keepPath": True}
    assert compiled(role="Redirect", redirect=redirect).refusal is None
    found = compiled(role="Redirect", redirect=redirect, siteRef={"name": "s" * 60})
    assert found.refusal.reason == DomainReason.REDIRECT_INVALID
    assert "spec.redirect.to" in found.refusal.message
