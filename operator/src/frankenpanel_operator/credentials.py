"""Derives every generated credential of a Site from one platform key; no I/O, no randomness.

A derived value is the same after any crash, so it needs no reading back and the operator needs no right to
read Secrets outside its own namespace. The construction is HKDF-Expand (RFC 5869, section 2.3) with SHA-256:
the platform key is uniformly random already, so the extract step is not needed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from pydantic import SecretStr

WORDPRESS_KEYS = (
    "AUTH_KEY",
    "SECURE_AUTH_KEY",
    "LOGGED_IN_KEY",
    "NONCE_KEY",
    "AUTH_SALT",
    "SECURE_AUTH_SALT",
    "LOGGED_IN_SALT",
    "NONCE_SALT",
)


@dataclass(frozen=True, slots=True)
class SiteCredentials:
    """The generated secrets of one Site; `keys` maps a key's name to its value.

    `digest_key` never leaves the operator: it keys the digests that show a change of a secret to anybody.
    """

    database_password: SecretStr
    admin_password: SecretStr
    keys: tuple[tuple[str, SecretStr], ...]
    digest_key: SecretStr


def derive_site_credentials(platform_key: bytes, namespace: str, data_id: str) -> SiteCredentials:
    """Return the credentials of the Site whose data has this id; the same for the same arguments.

    The namespace takes part so that naming another tenant's data id (spec.bootstrapFrom.retained) yields
    credentials that open nothing.
    """
    scope = f"{namespace}/{data_id}"
    return SiteCredentials(
        database_password=_text(platform_key, f"database/{scope}", 24),
        admin_password=_text(platform_key, f"admin/{scope}", 18),
        keys=tuple((name, _text(platform_key, f"key/{name}/{scope}", 48)) for name in WORDPRESS_KEYS),
        digest_key=_text(platform_key, f"digest/{scope}", 32),
    )


def digest(platform_key: bytes, text: str) -> str:
    """Return a keyed digest (16 hex digits): shows that a secret changed, but nothing about it."""
    return hmac.new(platform_key, b"digest/" + text.encode(), hashlib.sha256).hexdigest()[:16]


def _text(platform_key: bytes, purpose: str, length_bytes: int) -> SecretStr:
    block, output = b"", b""
    counter = 0
    while len(output) < length_bytes:
        counter += 1
        message = block + f"frankenpanel/{purpose}".encode() + bytes([counter])
        block = hmac.new(platform_key, message, hashlib.sha256).digest()
        output += block
    return SecretStr(base64.urlsafe_b64encode(output[:length_bytes]).decode().rstrip("="))
