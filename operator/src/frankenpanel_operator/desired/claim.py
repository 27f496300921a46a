"""The DomainClaim of a Domain: the reservation of its host, with the route that the gateway reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frankenpanel_crds import labels
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domainclaim import DomainClaim, DomainClaimSpec, DomainRef, Route
from frankenpanel_crds.group import API_VERSION

from frankenpanel_operator import naming
from frankenpanel_operator.desired.address import authority
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.desired.service import PORT_NAME
from frankenpanel_operator.observed import Manifest


def build_domain_claim(domain: Domain, host: str, route: Route | None) -> Manifest:
    """Build the claim of a normalised host; without a route visitors get the gateway's own page.

    It has no owner reference: a cluster-scoped object cannot be owned by one of a namespace.
    """
    reference = DomainRef(
        namespace=domain.metadata.namespace or "",
        name=domain.metadata.name,
        uid=domain.metadata.uid or "",
    )
    spec = DomainClaimSpec(host=host, domain_ref=reference, route=route)
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


def route_to(namespace: str, site_name: str, service: Manifest | None) -> Route | None:
    """Return the route to a Site's Service, or None until the Service has its address."""
    spec = (service or {}).get("spec", {})
    address = spec.get("clusterIP")
    if not address or address == "None":
        return None
    port = next(item["port"] for item in spec["ports"] if item.get("name") == PORT_NAME)
    return Route(site=f"{namespace}.{site_name}", upstream=authority(address, port))


def holds_claim(domain: Domain, claim: Manifest) -> bool:
    """Say whether a claim is this very Domain's, not one of the same name before it."""
    return claim_owner(claim).get("uid") == domain.metadata.uid


def claim_owner(claim: Manifest) -> Mapping[str, Any]:
    """Return the reference (namespace, name, uid) to the Domain that a claim belongs to.

    It is empty where a foreign hand made it unreadable; such a claim is nobody's.
    """
    owner = (claim.get("spec") or {}).get("domainRef")
    return owner if isinstance(owner, Mapping) else {}
