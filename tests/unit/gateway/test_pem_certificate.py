from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from frankenpanel_gateway.internal_authority import InternalAuthority, key_pem, make_authority
from frankenpanel_gateway.pem_certificate import (
    CHAIN_MAX_BYTES,
    BadCertificateError,
    read_certificate,
    split_pem,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CHAIN, KEY = make_authority(NOW)
AUTHORITY = InternalAuthority(CHAIN, KEY)


def test_what_is_read_tells_hosts_issuer_and_times():
    certificate = read_certificate(*split_pem(AUTHORITY.pem("shop.example", NOW)))
    assert certificate.hosts == {"shop.example"}
    assert certificate.issuer == "FrankenPanel internal authority"
    assert certificate.not_before < NOW < certificate.not_after
    assert certificate.pem.count(b"BEGIN CERTIFICATE") == 1
    assert certificate.pem.count(b"PRIVATE KEY-----\n") == 2


def test_splitting_undoes_the_putting_together():
    chain, key = split_pem(AUTHORITY.pem("shop.example", NOW))
    certificate = read_certificate(chain + CHAIN, key)
    again = read_certificate(*split_pem(certificate.pem))
    assert again == certificate
    assert certificate.pem.count(b"BEGIN CERTIFICATE") == 2


def test_the_key_is_in_no_text_of_it():
    certificate = read_certificate(*split_pem(AUTHORITY.pem("shop.example", NOW)))
    assert "PRIVATE" not in repr(certificate)


@pytest.mark.parametrize(
    ("host", "is_covered"),
    [("shop.example", True), ("a.shop.example", True), ("a.b.shop.example", False), ("example", False)],
)
def test_a_wildcard_covers_one_label(host, is_covered):
    chain, key = split_pem(AUTHORITY.pem("*.shop.example", NOW))
    wild = read_certificate(chain, key)
    plain = read_certificate(*split_pem(AUTHORITY.pem("shop.example", NOW)))
    assert (wild.covers(host) or plain.covers(host)) is is_covered


def test_it_is_due_when_no_more_than_the_part_is_left():
    certificate = read_certificate(*split_pem(AUTHORITY.pem("shop.example", NOW)))
    assert not certificate.is_due(NOW, 1 / 3)
    assert certificate.is_due(certificate.not_after - timedelta(days=1), 1 / 3)
    assert certificate.is_due(certificate.not_after + timedelta(days=1), 1 / 3)


def other_key() -> bytes:
    return key_pem(ec.generate_private_key(ec.SECP256R1()))


def useless_key() -> bytes:
    key = x25519.X25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("chain", "key"),
    [
        (b"", b""),
        (CHAIN, b""),
        (b"", KEY),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", KEY),
        (CHAIN, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        (CHAIN, other_key()),
        (CHAIN, useless_key()),
        (CHAIN * 200, KEY),
        (CHAIN, b"x" * (CHAIN_MAX_BYTES + 1)),
    ],
    ids=["nothing", "no-key", "no-chain", "bad-chain", "bad-key", "other-key", "useless", "long", "long-key"],
)
def test_what_does_not_belong_together_is_refused_and_not_quoted(chain, key):
    with pytest.raises(BadCertificateError) as refusal:
        read_certificate(chain, key)
    assert "AAAA" not in str(refusal.value)
