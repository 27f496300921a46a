from __future__ import annotations

from datetime import UTC, datetime

import pytest
from frankenpanel_gateway.certificate_store import CertificateStore
from frankenpanel_gateway.certificates import Certificates, managed_secret_name
from frankenpanel_gateway.claims import HostTls
from frankenpanel_gateway.internal_authority import InternalAuthority, make_authority
from frankenpanel_gateway.pem_certificate import read_certificate, split_pem
from frankenpanel_gateway.tls_claims import TlsClaims

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CHAIN, KEY = make_authority(NOW)


def signed(host: str):
    return read_certificate(*split_pem(InternalAuthority(CHAIN, KEY).pem(host, NOW)))


@pytest.fixture
def ordering():
    return set()


@pytest.fixture
def store(tmp_path):
    store = CertificateStore(tmp_path / "hosts")
    store.open()
    return store


@pytest.fixture
async def certificates(tmp_path, store, ordering):
    claims = TlsClaims(tmp_path / "claims.json")
    listing = claims.new_listing()
    listing.hosts.update(
        {
            "own.example": HostTls("Secret", secret_name="own-a"),
            "waiting.example": HostTls("Secret"),
            "local.example": HostTls("Internal"),
            "*.wild.example": HostTls("Internal"),
            "managed.example": HostTls("Managed", may_order=True),
        }
    )
    claims.take(listing)
    yield Certificates(claims, store, ordering.__contains__, lambda: NOW)
    await claims.close()


async def test_a_tenants_own_certificate_is_that_of_the_secret_its_claim_names(certificates, store):
    assert certificates.pem("own.example") is None
    own = signed("own.example")
    store.put("own-a", own)
    assert certificates.pem("own.example") == own.pem
    assert certificates.pem("waiting.example") is None


async def test_internal_hosts_are_signed_for_once_the_authority_is_there(certificates):
    assert certificates.pem("local.example") is None
    certificates.take_authority({"tls.crt": CHAIN, "tls.key": KEY})
    pem = certificates.pem("local.example")
    assert pem is not None
    assert read_certificate(*split_pem(pem)).hosts == {"local.example"}
    certificates.take_authority(None)
    assert certificates.pem("local.example") is None


async def test_all_hosts_below_a_wildcard_share_one_certificate(certificates):
    certificates.take_authority({"tls.crt": CHAIN, "tls.key": KEY})
    first, second = certificates.pem("a.wild.example"), certificates.pem("b.wild.example")
    assert first == second
    assert first is not None
    assert read_certificate(*split_pem(first)).hosts == {"*.wild.example"}


async def test_a_broken_authority_leaves_the_last_one_in_place(certificates):
    certificates.take_authority({"tls.crt": CHAIN, "tls.key": KEY})
    certificates.take_authority({"tls.crt": CHAIN, "tls.key": b""})
    assert certificates.pem("local.example") is not None


async def test_while_one_is_ordered_caddy_has_to_see_to_it_itself(certificates, store, ordering):
    managed = signed("managed.example")
    store.put(managed_secret_name("managed.example"), managed)
    assert certificates.pem("managed.example") == managed.pem
    ordering.add("managed.example")
    assert certificates.pem("managed.example") is None


@pytest.mark.parametrize("name", ["", "other.example", "managed.example.", "..", "a.b.wild.example"])
async def test_for_any_other_name_there_is_none(certificates, name):
    certificates.take_authority({"tls.crt": CHAIN, "tls.key": KEY})
    assert certificates.pem(name) is None


def test_names_of_secrets_are_legal_for_the_longest_host():
    assert managed_secret_name("a" * 253).isascii()
    assert len(managed_secret_name("a" * 253)) <= 63
    assert managed_secret_name("a.example") != managed_secret_name("b.example")
