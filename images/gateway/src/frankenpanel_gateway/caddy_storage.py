"""Caddy's folder of certificates: read what it got, give it what it needs.

certificates/<authority>/<host>/<host>.{crt,key,json}
acme/<authority>/users/<contact or "default">/<its first part>.{json,key}
"""

from __future__ import annotations

from pathlib import Path

import orjson

from frankenpanel_gateway.certificate_store import write_private
from frankenpanel_gateway.pem_certificate import (
    BadCertificateError,
    Certificate,
    read_certificate,
    split_pem,
)

_NO_CONTACT = "default"


class CaddyStorage:
    """Reads and writes in the storage that Caddy works with.

    Args:
        root: of the storage.
        authority: how the storage names the authority: its directory's address, with `-` for `:` and `/`.
    """

    def __init__(self, root: Path, authority: str) -> None:
        self._certificates = root / "certificates" / authority
        self._users = root / "acme" / authority / "users"

    def hosts(self) -> list[str]:
        """Return the hosts for which there may be certificates."""
        try:
            return [path.name for path in self._certificates.iterdir()]
        except FileNotFoundError:
            return []

    def read(self, host: str) -> Certificate | None:
        """Return what Caddy has for a host; None where it is not there, or just being written."""
        folder = self._certificates / host
        try:
            chain, key = (folder / f"{host}.{suffix}" for suffix in ("crt", "key"))
            return read_certificate(chain.read_bytes(), key.read_bytes())
        except (FileNotFoundError, BadCertificateError):
            return None

    def write(self, host: str, certificate: Certificate) -> None:
        """Give Caddy a certificate, which it then renews instead of ordering a first one."""
        folder = self._certificates / host
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        chain, key = split_pem(certificate.pem)
        write_private(folder / f"{host}.key", key)
        write_private(folder / f"{host}.crt", chain)
        write_private(folder / f"{host}.json", orjson.dumps({"sans": [host]}))

    def write_account(self, key: bytes, contact: str) -> None:
        """Make Caddy use this account; one that the authority does not know yet, Caddy registers.

        It looks by contact once it has used the account, and without one before that.
        """
        registration = {"status": "", "location": "", "contact": [f"mailto:{contact}"] if contact else []}
        for user in {_NO_CONTACT, contact.lower() or _NO_CONTACT}:
            folder = self._users / user
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = user.partition("@")[0]
            write_private(folder / f"{name}.key", key)
            write_private(folder / f"{name}.json", orjson.dumps(registration))
