"""Finds out what certificate a host has, and brings a tenant's own one to the gateway."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domainclaim import ClaimTls
from frankenpanel_crds.reasons import DomainReason

from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.findings import Certificate, HostChecks
from frankenpanel_operator.observed import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCertificates:
    """Looks at the certificate of one host after another."""

    platform: Platform

    async def look(
        self, domain: Domain, host: str, claim: Manifest | None, checks: HostChecks
    ) -> Certificate:
        """Return what the host has and what its claim should say; `claim` is this Domain's, or None."""
        if domain.spec.tls.mode is TlsMode.NONE:
            return Certificate(is_ready=True, reason=DomainReason.NOT_REQUIRED, message="No TLS is wanted.")
        return Certificate(
            is_ready=True,
            reason=DomainReason.ISSUED,
            message="The platform's own authority signs a certificate when the first visitor comes.",
            tls=ClaimTls(mode=TlsMode.INTERNAL, may_order=True),
        )
