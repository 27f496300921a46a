from __future__ import annotations

import pytest
from frankenpanel_crds.domain import Domain
from frankenpanel_operator.desired.www import build_www_domain, is_www_of, other_form, wants_www


@pytest.mark.parametrize(
    ("host", "other"),
    [
        ("example.com", "www.example.com"),
        ("www.example.com", "example.com"),
        ("wwwexample.com", "www.wwwexample.com"),
    ],
)
def test_the_other_form_has_www_or_lacks_it(host, other):
    assert other_form(host) == other


@pytest.mark.parametrize("host", ["*.example.com", "www.localhost", "a.b.c.d.e.f.g.h.i.example"])
def test_some_hosts_have_no_other_form(host):
    with pytest.raises(ValueError, match=r"wildcard|one part|more than 10"):
        other_form(host)


def test_the_other_domain_redirects_and_is_encrypted_and_proven_alike(make_domain):
    spec = {
        "www": "Redirect",
        "tls": {"mode": "Secret", "secretRef": {"name": "own"}},
        "verification": {"method": "TXT"},
        "httpsRedirect": "Always",
        "hsts": {"maxAgeSeconds": 300},
    }
    domain = make_domain("example.com", role="Alias", spec=spec)
    assert wants_www(domain)
    body = build_www_domain(domain, "www.example.com", "https://example.com")
    other = Domain.parse(body)
    assert (other.metadata.name, other.metadata.namespace) == ("example-com-www", "demo")
    assert (other.spec.host, other.spec.role, other.spec.www) == ("www.example.com", "Redirect", "Ignore")
    assert other.spec.redirect.to == "https://example.com"
    assert (other.spec.tls, other.spec.verification) == (domain.spec.tls, domain.spec.verification)
    assert (other.spec.https_redirect, other.spec.hsts) == (domain.spec.https_redirect, domain.spec.hsts)
    assert is_www_of(body, domain)
    assert not is_www_of(body, make_domain("example.com", metadata={"uid": "another"}))


def test_a_domain_of_a_person_is_not_the_other_one(make_domain):
    assert not is_www_of(make_domain("www.example.com").to_manifest(), make_domain("example.com"))
