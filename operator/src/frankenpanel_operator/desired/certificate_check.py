"""Judges a certificate that a tenant brings: can the gateway show it to the visitors of a host; pure.

What depends on the time is only reported, so that one judgement serves for as long as the Secret is the same.
No message quotes anything of what was read but host names and dates: a Secret may hold anything by mistake.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MAX_CHAIN_BYTES = 64 * 1024
MAX_KEY_BYTES = 8 * 1024
MAX_CHAIN_LENGTH = 10
MIN_RSA_BITS = 2048
# Every handshake costs the gateway, which all tenants share, one operation with the key: each doubling of its
# length costs six times as much.
MAX_RSA_BITS = 4096
MAX_LISTED_NAMES = 3
_MAX_SHOWN_LENGTH = 200

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_SAMPLE = b"any text"
_BROKEN_HASHES = (hashes.MD5, hashes.SHA1)
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class CertificateUnusableError(Exception):
    """The certificate cannot be used for the host; the message is a sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class UsableCertificate:
    """What is known of a certificate that can be used while it is valid.

    `not_after` is the end of the first certificate of the chain to end. `is_self_signed`: nobody vouches for
    it, so browsers will not know it.
    """

    issuer: str
    not_before: datetime
    not_after: datetime
    is_self_signed: bool


def check_certificate(chain: bytes, key: bytes, host: str) -> UsableCertificate:
    """Return what is known of a chain and key (both PEM) that fit together and are for the host.

    Args:
        chain: `tls.crt`: the certificate of the host first, each further one having signed that before it.
        key: `tls.key`.
        host: normalised, perhaps `*.example.com`.

    Raises:
        CertificateUnusableError: they do not, or are not.
    """
    _check_sizes(chain, key)
    try:
        with warnings.catch_warnings():
            # Oddities that a later release of the library refuses; none of them changes what is checked here.
            warnings.simplefilter("ignore")
            return _check(chain, key, host)
    except _UNREADABLE as error:
        raise CertificateUnusableError("tls.crt has parts that cannot be read") from error


def _check(chain: bytes, key: bytes, host: str) -> UsableCertificate:
    certificates = _read_chain(chain)
    leaf = certificates[0]
    _check_leaf(leaf, host)
    _check_order(certificates)
    _check_strength(leaf)
    _check_key(leaf, key)
    # A root that is sent along is not looked at by anybody, so its end is not that of the chain.
    counted = [leaf, *(item for item in certificates[1:] if not _is_self_issued(item))]
    return UsableCertificate(
        issuer=_issuer(leaf),
        not_before=max(item.not_valid_before_utc for item in counted),
        not_after=min(item.not_valid_after_utc for item in counted),
        is_self_signed=_is_self_issued(leaf),
    )


def covers(pattern: str, host: str) -> bool:
    """Say whether a name of a certificate stands for a host (RFC 9525, section 6.3).

    A `*` stands for exactly one whole part, the first one. Of a wildcard host only the same wildcard will do.
    """
    pattern, host = pattern.lower().removesuffix("."), host.lower()
    if pattern == host:
        return True
    if not pattern.startswith("*.") or "*" in pattern[1:]:
        return False
    first, _, parent = host.partition(".")
    return bool(first) and first != "*" and parent == pattern[2:]


def _check_sizes(chain: bytes, key: bytes) -> None:
    for field, value, most in (("tls.crt", chain, MAX_CHAIN_BYTES), ("tls.key", key, MAX_KEY_BYTES)):
        if not value.strip():
            raise CertificateUnusableError(f"the Secret has no {field}, or an empty one")
        if len(value) > most:
            raise CertificateUnusableError(f"{field} has more than {most} bytes")


def _read_chain(chain: bytes) -> list[x509.Certificate]:
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except _UNREADABLE as error:
        raise CertificateUnusableError("tls.crt cannot be read as certificates in PEM form") from error
    if len(certificates) > MAX_CHAIN_LENGTH:
        raise CertificateUnusableError(f"tls.crt has more than {MAX_CHAIN_LENGTH} certificates")
    return certificates


def _check_leaf(leaf: x509.Certificate, host: str) -> None:
    names, usages = _names(leaf), _usages(leaf)
    if not names:
        raise CertificateUnusableError(
            "the first certificate of tls.crt names no host (subjectAltName); browsers look nowhere else"
        )
    if not any(covers(name, host) for name in names):
        raise CertificateUnusableError(f"the certificate is for {_listed(names)}, not for {host}")
    if usages is not None and ExtendedKeyUsageOID.SERVER_AUTH not in usages:
        raise CertificateUnusableError("the certificate is not meant for servers (extendedKeyUsage)")
    if isinstance(leaf.signature_hash_algorithm, _BROKEN_HASHES):
        raise CertificateUnusableError("the certificate is signed by MD5 or SHA-1, which browsers refuse")


def _check_order(certificates: Sequence[x509.Certificate]) -> None:
    for number, (lower, upper) in enumerate(pairwise(certificates), start=1):
        try:
            lower.verify_directly_issued_by(upper)
        except (InvalidSignature, *_UNREADABLE) as error:
            raise CertificateUnusableError(
                f"certificate {number + 1} of tls.crt has not signed certificate {number}; put the one of "
                "the host first, then each followed by its issuer"
            ) from error


def _check_key(leaf: x509.Certificate, key: bytes) -> None:
    try:
        # The library's own validation proves primes prime, which holds up everything for seconds, and for a
        # minute if a tenant wants it to. What it would find shows in a signature as well.
        private = load_pem_private_key(key, password=None, unsafe_skip_rsa_key_validation=True)
    except TypeError as error:
        raise CertificateUnusableError("tls.key is protected by a password; remove that") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateUnusableError("tls.key cannot be read as a private key in PEM form") from error
    if _public_bytes(private) != _public_bytes(leaf):
        raise CertificateUnusableError("tls.key is not the key of the first certificate in tls.crt")
    if isinstance(private, rsa.RSAPrivateKey) and not _is_sound(private):
        raise CertificateUnusableError("tls.key is damaged: its parts do not fit together")


def _check_strength(leaf: x509.Certificate) -> None:
    """Come before the key is read, which takes long with large ones."""
    public = leaf.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < MIN_RSA_BITS:
            raise CertificateUnusableError(f"the RSA key has less than {MIN_RSA_BITS} bits")
        if public.key_size > MAX_RSA_BITS:
            raise CertificateUnusableError(f"the RSA key has more than {MAX_RSA_BITS} bits")
    elif not (isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, _CURVES)):
        raise CertificateUnusableError("the key is neither RSA nor on the curves P-256, P-384 or P-521")


def _is_sound(private: rsa.RSAPrivateKey) -> bool:
    """Say whether the parts of an RSA key fit together and make a signature that its public part accepts."""
    numbers = private.private_numbers()
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    p, q, d = numbers.p, numbers.q, numbers.d
    fits = (
        1 < p < n
        and p * q == n
        and (d * e) % (p - 1) == 1
        and (d * e) % (q - 1) == 1
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and (numbers.iqmp * q) % p == 1
    )
    if not fits:
        return False
    try:
        signature = private.sign(_SAMPLE, padding.PKCS1v15(), hashes.SHA256())
        private.public_key().verify(signature, _SAMPLE, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, *_UNREADABLE):
        return False
    return True


def _public_bytes(holder: object) -> bytes:
    public = holder.public_key()  # type: ignore[attr-defined]
    encoded: bytes = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def _usages(leaf: x509.Certificate) -> x509.ExtendedKeyUsage | None:
    try:
        return leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _is_self_issued(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject


def _issuer(leaf: x509.Certificate) -> str:
    """Return who signed it, as short as people call them."""
    for attribute in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        found = leaf.issuer.get_attributes_for_oid(attribute)
        if found:
            return _shown(str(found[0].value))
    return _shown(leaf.issuer.rfc4514_string())


def _listed(names: Sequence[str]) -> str:
    """List a certificate's names, which anybody may know, up to a few."""
    text = ", ".join(_shown(name) for name in names[:MAX_LISTED_NAMES])
    more = len(names) - MAX_LISTED_NAMES
    return f"{text} and {more} more" if more > 0 else text


def _shown(text: str) -> str:
    """Make a text of a certificate, in which anything may stand, fit for a message."""
    return "".join(char if char.isprintable() else "?" for char in text[:_MAX_SHOWN_LENGTH])
