"""Asks the world outside about a host: does it belong to the tenant, and does it lead here."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds.domain import Domain
from frankenpanel_crds.reasons import DomainReason

from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.findings import HostChecks, Ownership, Proof, Resolution
from frankenpanel_operator.observed import Manifest

_NOT_CHECKED = Resolution(is_here=True, reason=DomainReason.NOT_CHECKED, message="It is not checked.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainChecks:
    """Looks at one host after another."""

    platform: Platform

    async def look(
        self, domain: Domain, host: str, claim: Manifest | None, proof: Proof = Proof.ANY
    ) -> HostChecks:
        """Return what is known about a host; `claim` is whoever's claim of it there is."""
        if proof is Proof.RECORD:
            missing = Ownership(
                is_proven=False, reason=DomainReason.RECORD_NOT_FOUND, message="Nobody looks for records yet."
            )
            return HostChecks(missing, _NOT_CHECKED)
        return HostChecks(
            Ownership(is_proven=True, reason=DomainReason.TRUSTED, message="The namespace is trusted."),
            _NOT_CHECKED,
        )
