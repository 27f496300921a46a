"""Which certificate a visitor of a host is shown: answered from memory and disk, whoever is down."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from frankenpanel_gateway.certificate_store import CertificateStore
from frankenpanel_gateway.internal_authority import InternalAuthority
from frankenpanel_gateway.pem_certificate import BadCertificateError
from frankenpanel_gateway.secret_copies import CHAIN, KEY
from frankenpanel_gateway.tls_claims import INTERNAL, MANAGED, SECRET, TlsClaims

_log = structlog.stdlib.get_logger(__name__)

_HOST_ID_CHARS = 32


def managed_secret_name(host: str) -> str:
    """Return the name of the Secret with the certificate that was ordered for a host."""
    digest = base64.b32encode(hashlib.sha256(host.encode()).digest()).decode().lower()
    return f"managed-{digest[:_HOST_ID_CHARS]}"


class Certificates:
    """Answers by server name.

    Args:
        claims: where each certificate comes from.
        store: those of Secrets.
        is_ordering: says whether Caddy is to get one for the host right now.
        now: the time of day.
    """

    def __init__(
        self,
        claims: TlsClaims,
        store: CertificateStore,
        is_ordering: Callable[[str], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._claims = claims
        self._store = store
        self._is_ordering = is_ordering
        self._now = now
        self._authority: InternalAuthority | None = None

    def take_authority(self, values: Mapping[str, bytes] | None) -> None:
        """Sign with another authority from now on; None: with none."""
        if values is None:
            self._authority = None
            return
        try:
            self._authority = InternalAuthority(values.get(CHAIN, b""), values.get(KEY, b""))
        except BadCertificateError as error:
            _log.error("the internal authority cannot be used", reason=str(error))

    def pem(self, server_name: str) -> bytes | None:
        """Return chain and key for a name that a visitor asks for; None where there are none."""
        found = self._claims.tls_of(server_name)
        if found is None:
            return None
        host, tls = found
        if tls.mode == SECRET and tls.secret_name is not None:
            return self._store.pem(tls.secret_name)
        if tls.mode == INTERNAL and self._authority is not None:
            return self._authority.pem(host, self._now())
        if tls.mode == MANAGED and not self._is_ordering(host):
            return self._store.pem(managed_secret_name(host))
        return None
