from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from frankenpanel_gateway.internal_authority import InternalAuthority, make_authority
from frankenpanel_gateway.pem_certificate import BadCertificateError, read_certificate, split_pem

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CHAIN, KEY = make_authority(NOW)


@pytest.fixture
def authority():
    return InternalAuthority(CHAIN, KEY, capacity=2)


def leaf(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def test_what_it_signs_is_verified_by_its_own_certificate(authority):
    signed = leaf(authority.pem("shop.example", NOW))
    signed.verify_directly_issued_by(leaf(CHAIN))
    assert not signed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_it_may_sign_hosts_and_no_further_authorities():
    constraints = leaf(CHAIN).extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)


def test_the_same_host_is_shown_the_same_until_half_of_its_life(authority):
    first = authority.pem("shop.example", NOW)
    assert authority.pem("shop.example", NOW + timedelta(days=3)) == first
    assert authority.pem("shop.example", NOW + timedelta(days=4)) != first


def test_only_so_many_are_kept(authority):
    hosts = ["a.example", "b.example", "c.example"]
    first = {host: authority.pem(host, NOW) for host in hosts}
    again = {host: authority.pem(host, NOW) for host in reversed(hosts)}
    assert [first[host] == again[host] for host in hosts] == [False, True, True]


def test_a_host_too_long_for_a_common_name_is_named_where_browsers_look(authority):
    host = ".".join(["a" * 60] * 4)
    signed = leaf(authority.pem(host, NOW))
    assert list(signed.subject) == []
    assert read_certificate(*split_pem(authority.pem(host, NOW))).hosts == {host}


def test_nothing_outlives_the_authority(authority):
    near_the_end = authority.not_after - timedelta(days=1)
    assert leaf(authority.pem("shop.example", near_the_end)).not_valid_after_utc == authority.not_after


def test_two_authorities_have_nothing_in_common():
    assert make_authority(NOW) != make_authority(NOW)


@pytest.mark.parametrize(("chain", "key"), [(b"", b""), (CHAIN, make_authority(NOW)[1])])
def test_what_is_no_authority_is_refused(chain, key):
    with pytest.raises(BadCertificateError):
        InternalAuthority(chain, key)
