"""The DomainClaim of a Domain: the reservation of its host, with the route that the gateway reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from frankenpanel_crds import labels
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domainclaim import ClaimTls, DomainClaim, DomainClaimSpec, DomainRef, Route
from frankenpanel_crds.group import API_VERSION

from frankenpanel_operator import naming
from frankenpanel_operator.desired.holding import is_held_by
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.observed import Manifest


@dataclass(frozen=True, slots=True)
class Content:
    """What a claim says besides who holds which host.

    Without a route visitors get the gateway's own page. Nothing is routed, and no certificate is ordered,
    before the host is proven.
    """

    verified_at: datetime | None = None
    tls: ClaimTls | None = None
    route: Route | None = None


NOTHING_YET = Content()


def build_domain_claim(domain: Domain, host: str, content: Content = NOTHING_YET) -> Manifest:
    """Build the claim of a normalised host.

    It has no owner reference: a cluster-scoped object cannot be owned by one of a namespace.
    """
    reference = DomainRef(
        namespace=domain.metadata.namespace or "",
        name=domain.metadata.name,
        uid=domain.metadata.uid or "",
    )
    is_proven = content.verified_at is not None
    spec = DomainClaimSpec(
        host=host,
        domain_ref=reference,
        verified_at=content.verified_at,
        tls=content.tls if is_proven else None,
        route=content.route if is_proven else None,
    )
    return _claim_manifest(host, spec)


def build_released_claim(claim: Manifest, now: datetime) -> Manifest:
    """Build what is left of a proven claim when its Domain goes: it keeps the host from other namespaces.

    Raises:
        pydantic.ValidationError: the claim cannot be read.
    """
    spec = DomainClaim.parse(claim).spec
    kept = DomainClaimSpec(
        host=spec.host,
        domain_ref=spec.domain_ref,
        verified_at=spec.verified_at,
        released_at=spec.released_at or now.replace(microsecond=0),
    )
    return _claim_manifest(spec.host, kept)


def holds_claim(domain: Domain, claim: Manifest) -> bool:
    """Say whether a claim is this very Domain's."""
    return is_held_by(claim, domain.metadata.uid)


def _claim_manifest(host: str, spec: DomainClaimSpec) -> Manifest:
    manifest = {
        "apiVersion": API_VERSION,
        "kind": DomainClaim.NAMES.kind,
        "metadata": {
            "name": naming.claim_name(host),
            "labels": {labels.LABEL_PART_OF: labels.PART_OF, labels.LABEL_MANAGED_BY: labels.MANAGED_BY},
        },
        "spec": spec.to_manifest(),
    }
    return seal(manifest)
