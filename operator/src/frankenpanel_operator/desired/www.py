"""The Domain that an operator makes for the other form of a host, with or without "www." in front."""

from __future__ import annotations

from frankenpanel_crds import labels
from frankenpanel_crds.domain import Domain, DomainRole, DomainSpec
from frankenpanel_crds.domain_settings import Redirect, WwwMode
from frankenpanel_crds.group import API_VERSION
from frankenpanel_crds.hosts import is_wildcard, normalise_host

from frankenpanel_operator import naming
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.observed import Manifest

_WWW = "www."


def other_form(host: str) -> str:
    """Return a normalised host with "www." in front, or without where it has it.

    Raises:
        ValueError: there is no such host; the message says why.
    """
    if is_wildcard(host):
        raise ValueError("a wildcard covers the name with www already")
    return normalise_host(host.removeprefix(_WWW) if host.startswith(_WWW) else _WWW + host)


def wants_www(domain: Domain) -> bool:
    """Say whether visitors of the other form are to be led to this Domain."""
    return domain.spec.www is WwwMode.REDIRECT


def build_www_domain(domain: Domain, host: str, address: str) -> Manifest:
    """Build the Domain of the other form of a host, which sends its visitors to `address`."""
    spec = DomainSpec(
        host=host,
        site_ref=domain.spec.site_ref,
        role=DomainRole.REDIRECT,
        redirect=Redirect(to=address),
        tls=domain.spec.tls,
        verification=domain.spec.verification,
        https_redirect=domain.spec.https_redirect,
        hsts=domain.spec.hsts,
    )
    manifest = {
        "apiVersion": API_VERSION,
        "kind": Domain.NAMES.kind,
        "metadata": {
            "name": naming.www_domain_name(domain.metadata.name),
            "namespace": domain.metadata.namespace,
            "labels": {labels.LABEL_PART_OF: labels.PART_OF, labels.LABEL_MANAGED_BY: labels.MANAGED_BY},
            "ownerReferences": [_owner_reference(domain)],
        },
        "spec": spec.to_manifest(),
    }
    return seal(manifest)


def is_www_of(body: Manifest, domain: Domain) -> bool:
    """Say whether a Domain, as it is stored, was made for this very one."""
    owners = body["metadata"].get("ownerReferences") or ()
    managed_by = (body["metadata"].get("labels") or {}).get(labels.LABEL_MANAGED_BY)
    return managed_by == labels.MANAGED_BY and any(
        owner.get("controller") and owner.get("uid") == domain.metadata.uid for owner in owners
    )


def _owner_reference(domain: Domain) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": Domain.NAMES.kind,
        "name": domain.metadata.name,
        "uid": domain.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
