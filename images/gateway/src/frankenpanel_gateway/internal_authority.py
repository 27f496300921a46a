"""The platform's own authority: signs for hosts whose certificates no browser has to know."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from frankenpanel_gateway.pem_certificate import BadCertificateError, read_certificate

AUTHORITY_NAME = "FrankenPanel internal authority"
AUTHORITY_DAYS = 3650
LEAF_HOURS = 7 * 24
RENEWED_AT_LEFT = 0.5
# A clock that is behind must not take a fresh certificate for one of the future.
_BACKDATED = timedelta(minutes=5)
_CN_MAX_CHARS = 64


def make_authority(now: datetime) -> tuple[bytes, bytes]:
    """Return certificate and key of a new authority, both in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, AUTHORITY_NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM), key_pem(key)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key in the form that Caddy and people's tools read."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


class InternalAuthority:
    """Signs one certificate per host and keeps the last ones that were asked for.

    Args:
        chain: the authority's certificate in PEM.
        key: its key in PEM.
        capacity: how many are kept; one is about 1 KB.

    Raises:
        BadCertificateError: this is no authority.
    """

    def __init__(self, chain: bytes, key: bytes, capacity: int = 4096) -> None:
        self.not_after = read_certificate(chain, key).not_after
        self._certificate = x509.load_pem_x509_certificate(chain)
        private = load_pem_private_key(key, None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise BadCertificateError("the authority's key is not an EC key")
        self._key = private
        self._capacity = capacity
        self._kept: OrderedDict[str, tuple[datetime, bytes]] = OrderedDict()

    def pem(self, host: str, now: datetime) -> bytes:
        """Return the host's certificate and key; a new one where the last is past half of its life."""
        kept = self._kept.get(host)
        if kept is not None and now < kept[0]:
            self._kept.move_to_end(host)
            return kept[1]
        lifetime = timedelta(hours=LEAF_HOURS)
        pem = self._sign(host, now, lifetime)
        self._kept[host] = (now + lifetime * (1 - RENEWED_AT_LEFT), pem)
        self._kept.move_to_end(host)
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return pem

    def _sign(self, host: str, now: datetime, lifetime: timedelta) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, host)] if len(host) <= _CN_MAX_CHARS else []
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(min(now + lifetime, self.not_after.astimezone(UTC)))
            # Without a subject, the names alone say whose it is, and must be understood (RFC 5280, 4.2.1.6).
            .add_extension(names, critical=not subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM) + key_pem(key)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
