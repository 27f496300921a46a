"""What lies outside of the cluster and matters to a Domain: name servers, certificates, stored addresses."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field

from frankenpanel_crds.domain import Domain
from frankenpanel_crds.reasons import DomainReason
from frankenpanel_operator.desired.certificate import internal_certificate
from frankenpanel_operator.findings import Certificate, HostChecks, Ownership, Proof, Resolution
from frankenpanel_operator.observed import Manifest, ObjectRef


@dataclass
class WorldOutside:
    """Name servers and authorities, as they look to one platform.

    Attributes:
        proven: what each namespace can show, for any host: a record, or no more than trust.
        leads_here: the verdict on where any host leads.
        looks: which proofs were looked for.
        forgotten: the Domains whose certificates were taken away.
    """

    trusted: InitVar[str]
    proven: dict[str, Proof] = field(default_factory=dict)
    leads_here: DomainReason = DomainReason.NOT_CHECKED
    certificate: Certificate = field(default_factory=internal_certificate)
    next_look_seconds: float | None = None
    looks: list[Proof] = field(default_factory=list)
    forgotten: list[ObjectRef] = field(default_factory=list)

    def __post_init__(self, trusted: str) -> None:
        self.proven[trusted] = Proof.ANY

    @property
    def checks(self) -> _Checks:
        return _Checks(self)

    @property
    def certificates(self) -> _Certificates:
        return _Certificates(self)


@dataclass
class _Checks:
    outside: WorldOutside

    async def look(
        self, domain: Domain, host: str, claim: Manifest | None, proof: Proof = Proof.ANY
    ) -> HostChecks:
        outside = self.outside
        outside.looks.append(proof)
        shown = outside.proven.get(domain.metadata.namespace or "")
        is_proven = proof is Proof.NOTHING or shown in (Proof.RECORD, proof)
        reason = DomainReason.VERIFIED if is_proven else DomainReason.RECORD_NOT_FOUND
        here = outside.leads_here in (DomainReason.NOT_CHECKED, DomainReason.RESOLVES)
        return HostChecks(
            Ownership(is_proven=is_proven, reason=reason, message="As it was found."),
            Resolution(is_here=here, reason=outside.leads_here, message="As it was found."),
            outside.next_look_seconds,
        )


@dataclass
class _Certificates:
    outside: WorldOutside

    async def look(
        self, domain: Domain, host: str, claim: Manifest | None, checks: HostChecks
    ) -> Certificate:
        return self.outside.certificate

    async def forget(self, domain: ObjectRef, claim: Manifest | None) -> None:
        self.outside.forgotten.append(domain)


class NoRewrites:
    async def look(self, domain: Domain, host: str, site_body: Manifest | None) -> None:
        return None
