from __future__ import annotations

import pytest
from frankenpanel_gateway.claims import HostTls
from frankenpanel_gateway.object_event import ObjectEvent
from frankenpanel_gateway.tls_claims import TlsClaims

MANAGED = HostTls("Managed", may_order=True)
OWN = HostTls("Secret", secret_name="own-a")
INTERNAL = HostTls("Internal")


def claim(host: str, tls: HostTls | None, name: str | None = None, **spec):
    body = {"metadata": {"name": name or host, "uid": "u"}, "spec": {"host": host, **spec}}
    if tls is not None:
        fields = {"mode": tls.mode, "mayOrder": tls.may_order, "secretName": tls.secret_name}
        body["spec"]["tls"] = {field: value for field, value in fields.items() if value is not None}
    return body


@pytest.fixture
def news():
    return []


@pytest.fixture
async def claims(tmp_path, news):
    claims = TlsClaims(tmp_path / "claims.json", news.append)
    yield claims
    await claims.close()


def listing(claims, *bodies):
    page = claims.new_listing()
    page.add(bodies)
    claims.take(page)


async def test_a_host_has_the_settings_of_its_claim(claims, news):
    listing(claims, claim("a.example", MANAGED), claim("b.example", OWN), claim("c.example", None))
    assert claims.tls_of("a.example") == ("a.example", MANAGED)
    assert claims.tls_of("b.example") == ("b.example", OWN)
    assert claims.tls_of("c.example") is None
    assert claims.tls_of("") is None
    assert list(claims.managed()) == [("a.example", MANAGED)]
    assert news == [["a.example", "b.example"]]


async def test_below_a_wildcard_its_own_claim_counts_first(claims):
    listing(
        claims,
        claim("*.shop.example", INTERNAL, name="shop.example.wildcard"),
        claim("a.shop.example", OWN),
    )
    assert claims.tls_of("a.shop.example") == ("a.shop.example", OWN)
    assert claims.tls_of("b.shop.example") == ("*.shop.example", INTERNAL)
    assert claims.tls_of("shop.example") is None
    assert claims.tls_of("b.a.shop.example") is None


@pytest.mark.parametrize(
    "body",
    [
        claim("a.example", MANAGED, name="b.example"),
        claim("a.example", MANAGED, releasedAt="2026-01-01T00:00:00Z"),
        claim("a.example", HostTls("None")),
        claim("a.example", HostTls("Other")),
        {"metadata": {"name": "a.example"}},
    ],
    ids=["other-name", "released", "none", "unknown", "empty"],
)
async def test_such_a_claim_gives_no_certificate(claims, body):
    listing(claims, body)
    assert claims.tls_of("a.example") is None


async def test_changes_are_told_and_the_same_again_is_not(claims, news):
    listing(claims, claim("a.example", MANAGED))
    claims.apply([ObjectEvent(claim("a.example", MANAGED))])
    claims.apply([ObjectEvent(claim("a.example", OWN)), ObjectEvent(claim("b.example", OWN))])
    claims.apply([ObjectEvent(claim("b.example", OWN), is_deleted=True)])
    assert news == [["a.example"], ["a.example", "b.example"], ["b.example"]]
    assert claims.tls_of("b.example") is None


async def test_a_later_listing_forgets_what_it_does_not_have(claims, news):
    listing(claims, claim("a.example", MANAGED), claim("b.example", OWN))
    listing(claims, claim("a.example", MANAGED))
    assert news[1:] == [["b.example"]]
    assert claims.tls_of("b.example") is None


async def test_what_the_status_says_is_kept_for_managed_hosts(claims):
    told = {**claim("a.example", MANAGED), "status": {"certificate": {"issuer": "CA"}}}
    listing(claims, told, claim("b.example", OWN))
    reported = claims.reported("a.example")
    assert reported is not None
    assert (reported.claim, reported.uid, reported.certificate) == ("a.example", "u", {"issuer": "CA"})
    assert claims.reported("b.example") is None


async def test_the_next_run_begins_with_what_this_one_knew(claims, tmp_path, news):
    listing(claims, claim("a.example", MANAGED), claim("b.example", OWN))
    await claims.close()
    later = TlsClaims(tmp_path / "claims.json")
    await later.open()
    assert not later.is_complete
    assert later.tls_of("b.example") == ("b.example", OWN)
    assert later.tls_of("a.example") == ("a.example", MANAGED)


@pytest.mark.parametrize("content", [b"", b"[", b"[]", b'{"a": 1}', b'{"a": [1,2,3,4,5]}'])
async def test_a_damaged_snapshot_is_as_none(tmp_path, content):
    (tmp_path / "claims.json").write_bytes(content)
    claims = TlsClaims(tmp_path / "claims.json")
    await claims.open()
    assert list(claims.managed()) == []
