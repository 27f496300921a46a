"""A certificate with its key, read and checked once; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

CHAIN_MAX_BYTES = 64 * 1024
ISSUER_MAX_CHARS = 200

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SERVED_KEYS = (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey)


class BadCertificateError(ValueError):
    """This cannot be shown to visitors; the message quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What Caddy is given for a host, and what is known of it."""

    pem: bytes = field(repr=False)
    """The chain, the host's own certificate first, and then the key."""
    hosts: frozenset[str]
    issuer: str
    not_before: datetime
    not_after: datetime

    def covers(self, host: str) -> bool:
        """Say whether browsers take it for the host, by name or by a wildcard one label above."""
        _, _, parent = host.partition(".")
        return host in self.hosts or f"*.{parent}" in self.hosts

    def is_due(self, now: datetime, left: float) -> bool:
        """Say whether no more than this part of its life is left."""
        lifetime: timedelta = self.not_after - self.not_before
        return self.not_after - now <= lifetime * left


def read_certificate(chain: bytes, key: bytes) -> Certificate:
    """Read a chain and the key of its first certificate, both in PEM.

    Raises:
        BadCertificateError: something is missing, or they do not belong together.
    """
    if len(chain) > CHAIN_MAX_BYTES or len(key) > CHAIN_MAX_BYTES:
        raise BadCertificateError("the chain or the key is longer than any real one")
    blocks = _BLOCK.findall(chain)
    if not blocks:
        raise BadCertificateError("there is no certificate")
    try:
        certificates = [x509.load_pem_x509_certificate(block) for block in blocks]
        private = load_pem_private_key(key, None)
        leaf = certificates[0]
        spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        is_own = leaf.public_key().public_bytes(*spki) == private.public_key().public_bytes(*spki)
        hosts = _hosts(leaf)
        issuer = _issuer(leaf)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadCertificateError("the certificate or the key cannot be read") from error
    if not isinstance(private, _SERVED_KEYS):
        raise BadCertificateError("the key is of a kind that browsers do not know")
    if not is_own:
        raise BadCertificateError("the key is not that of the certificate")
    pem = b"\n".join((*blocks, key.strip(), b""))
    return Certificate(pem, hosts, issuer, leaf.not_valid_before_utc, leaf.not_valid_after_utc)


def split_pem(pem: bytes) -> tuple[bytes, bytes]:
    """Return the chain and the key of what `read_certificate` put together."""
    blocks = _BLOCK.findall(pem)
    end = pem.rfind(b"-----END CERTIFICATE-----")
    return b"\n".join((*blocks, b"")), pem[end:].partition(b"\n")[2]


def _hosts(leaf: x509.Certificate) -> frozenset[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _issuer(leaf: x509.Certificate) -> str:
    """Return who signed it, as people know them."""
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if attributes := leaf.issuer.get_attributes_for_oid(oid):
            return str(attributes[0].value)[:ISSUER_MAX_CHARS]
    return leaf.issuer.rfc4514_string()[:ISSUER_MAX_CHARS]
