"""An authority of the tests' own, which signs certificates with whatever is right or wrong about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_DAYS = 90


def new_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """Return a key on P-256 unless told."""
    return ec.generate_private_key(curve or ec.SECP256R1())


def pem_of_key(key: Any, password: bytes | None = None) -> bytes:
    """Return a private key as PEM (PKCS #8)."""
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    encoded: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    return encoded


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and the certificates above it, the nearest first."""

    certificate: x509.Certificate
    key: Any
    above: tuple[x509.Certificate, ...] = ()

    @property
    def leaf(self) -> bytes:
        return pem(self.certificate)

    @property
    def chain(self) -> bytes:
        return pem(self.certificate, *self.above)

    @property
    def key_pem(self) -> bytes:
        return pem_of_key(self.key)


class Authority:
    """A root, or an authority between a root and the certificates of hosts."""

    def __init__(
        self,
        name: str,
        above: Authority | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        key: Any = None,
    ) -> None:
        self.name, self.key = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key or new_key()
        issuer = above or self
        self.certificate = (
            _builder(self.name, issuer.name, self.key.public_key(), _span(start, end))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(issuer.key, hashes.SHA256())
        )
        self.chain: tuple[x509.Certificate, ...] = (self.certificate, *above.chain) if above else ()

    def issue(
        self,
        *hosts: str,
        start: datetime | None = None,
        end: datetime | None = None,
        key: Any = None,
        usages: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.SERVER_AUTH,),
    ) -> Issued:
        """Return a certificate for hosts (names or addresses) that is valid for 90 days, unless told."""
        key = key or new_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "of a test")])
        builder = _builder(name, self.name, key.public_key(), _span(start, end))
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return Issued(builder.sign(self.key, hashes.SHA256()), key, self.chain)


def self_signed(host: str) -> Issued:
    """Return a certificate that nobody vouches for."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    builder = _builder(name, name, key.public_key(), _span(None, None)).add_extension(names, critical=False)
    return Issued(builder.sign(key, hashes.SHA256()), key)


def pem(*certificates: x509.Certificate) -> bytes:
    """Return certificates as PEM, one after another."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _span(start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    start = start or datetime.now(UTC) - timedelta(hours=1)
    return start, end or start + timedelta(days=_DAYS)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, span: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(span[0])
        .not_valid_after(span[1])
    )
