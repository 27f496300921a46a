"""The status of a Domain: does it hold its host, may it have it, does it lead here, where do visitors go."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from frankenpanel_crds.conditions import Condition, DomainCondition, DomainReason, SummaryCondition
from frankenpanel_crds.domain import Domain, DomainRole, DomainStatus
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domain_status import DnsStatus, RewriteStatus, VerificationStatus
from frankenpanel_crds.hosts import is_wildcard

from frankenpanel_operator import naming
from frankenpanel_operator.desired.address import http_address, https_address
from frankenpanel_operator.desired.holding import holding_of, is_held_by
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.refused_hosts import Refusal
from frankenpanel_operator.desired.route import Compiled
from frankenpanel_operator.findings import Certificate, HostChecks
from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.status.certificate import certificate_conditions, certificate_status
from frankenpanel_operator.status.check import fails, holds
from frankenpanel_operator.status.summary import finish, first_cause, summarise


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainScene:
    """Everything that the checks of a Domain look at.

    `host` is None where `refusal` says why spec.host is none; a refusal otherwise says why the Domain does
    not have the host. `claim` is the claim of that host as it is known after the attempt to write it, whoever
    holds it. `checks` are what was found out about the host, None where nobody looked; `certificate` is None
    until the host is proven. `leader` is the Site's Primary Domain, if another than this one. `remark` is
    what the tenant should know besides.
    """

    platform: Platform
    host: str | None
    is_site_found: bool
    refusal: Refusal | None = None
    claim: Manifest | None = None
    checks: HostChecks | None = None
    certificate: Certificate | None = None
    compiled: Compiled = field(default_factory=Compiled)
    leader: Domain | None = None
    remark: str = ""
    rewrite: RewriteStatus | None = None


def domain_status(domain: Domain, scene: DomainScene, *, now: datetime) -> DomainStatus:
    """Return the whole status; equal arguments give an equal status, whatever the time is."""
    is_held = _is_held(domain, scene)
    return DomainStatus(
        observed_generation=domain.metadata.generation or 0,
        host=scene.host,
        url=url_of(domain, scene),
        claim_name=naming.claim_name(scene.host) if scene.host and is_held else None,
        verification=_verification(scene, is_held=is_held),
        dns=_dns(scene),
        certificate=certificate_status(scene.certificate) if scene.certificate is not None else None,
        rewrite=scene.rewrite,
        conditions=finish(
            _conditions(domain, scene), domain.status.conditions, domain.metadata.generation, now
        ),
    )


def url_of(domain: Domain, scene: DomainScene) -> str | None:
    """Return the address that works in every browser; None where there is none to open."""
    if scene.host is None or is_wildcard(scene.host) or not _is_held(domain, scene):
        return None
    if _is_unproven(scene):
        return None
    return browser_address(scene.host, scene.certificate, scene.platform)


def browser_address(host: str, certificate: Certificate | None, platform: Platform) -> str:
    """Return the address of a host, by https where browsers trust its certificate."""
    is_trusted = (
        certificate is not None
        and certificate.is_ready
        and certificate.is_trusted
        and certificate.tls.mode is not TlsMode.NONE
    )
    return https_address(host, platform) if is_trusted else http_address(host, platform)


def claimed(domain: Domain, scene: DomainScene) -> Condition:
    """Say whether the host is this Domain's."""
    condition = DomainCondition.CLAIMED
    if scene.refusal is not None:
        return fails(condition, scene.refusal.reason, scene.refusal.message)
    if not _is_held(domain, scene):
        return fails(condition, DomainReason.PROGRESSING, f"{scene.host} is being reserved.")
    return holds(condition, DomainReason.CLAIMED, f"{scene.host} is reserved for this Domain.")


def site_found(domain: Domain, scene: DomainScene) -> Condition:
    """Say whether the Site exists."""
    condition, name = DomainCondition.SITE_FOUND, domain.spec.site_ref.name
    if scene.is_site_found:
        return holds(condition, DomainReason.SITE_FOUND, f"The Site {name} exists.")
    message = f"There is no Site {name} in this namespace; create it, or correct spec.siteRef.name."
    return fails(condition, DomainReason.SITE_NOT_FOUND, message)


def ownership_verified(scene: DomainScene) -> Condition:
    """Say whether the host is known to be the tenant's."""
    condition = DomainCondition.OWNERSHIP_VERIFIED
    if scene.checks is None:
        return fails(condition, DomainReason.WAITING, "It is looked for once the host can be reserved.")
    found = scene.checks.ownership
    return (holds if found.is_proven else fails)(condition, found.reason, found.message)


def dns_resolves(scene: DomainScene) -> Condition:
    """Say whether the host leads to this platform."""
    condition = DomainCondition.DNS_RESOLVES
    if scene.checks is None:
        return fails(condition, DomainReason.WAITING, "It is looked up once the host can be reserved.")
    found = scene.checks.resolution
    return (holds if found.is_here else fails)(condition, found.reason, found.message)


def certificate_ready(scene: DomainScene) -> tuple[Condition, ...]:
    """Say whether the host has its certificate, and whether that ends soon."""
    if scene.certificate is not None:
        return certificate_conditions(scene.certificate)
    message = "A certificate waits for the proof that the host is yours."
    return (fails(DomainCondition.CERTIFICATE_READY, DomainReason.WAITING, message),)


def route_programmed(domain: Domain, scene: DomainScene) -> Condition:
    """Say whether the claim carries the route, which is all the gateway needs."""
    condition, route = DomainCondition.ROUTE_PROGRAMMED, scene.compiled.route
    if scene.compiled.refusal is not None:
        return fails(condition, scene.compiled.refusal.reason, scene.compiled.refusal.message)
    if not scene.is_site_found or not _is_held(domain, scene) or _is_unproven(scene):
        message = "The route waits for the host, the proof that it is yours, and the Site."
        return fails(condition, DomainReason.WAITING, message)
    if route is None:
        return fails(condition, DomainReason.SITE_NOT_READY, _missing(domain))
    if scene.claim is None or scene.claim["spec"].get("route") != route.to_manifest():
        return fails(condition, DomainReason.PROGRESSING, "The route is being written.")
    where = "to the Site" if route.redirect is None else f"to {route.redirect.to}"
    message = f"Visitors of {scene.host} are sent {where}. {scene.remark}".rstrip()
    return holds(condition, DomainReason.ROUTED, message)


def _conditions(domain: Domain, scene: DomainScene) -> tuple[Condition, ...]:
    certificate, *expiring = certificate_ready(scene)
    details = (
        claimed(domain, scene),
        site_found(domain, scene),
        ownership_verified(scene),
        dns_resolves(scene),
        certificate,
        route_programmed(domain, scene),
    )
    cause = first_cause(details) or _primary_conflict(scene)
    message = f"Visitors of {scene.host} reach the Site. {scene.remark}".rstrip()
    if domain.spec.role is DomainRole.REDIRECT:
        message = details[-1].message
    ready = holds(SummaryCondition.READY, DomainReason.READY, message)
    return (*summarise(cause, ready), *details, *expiring)


def _missing(domain: Domain) -> str:
    name = domain.spec.site_ref.name
    if domain.spec.role is DomainRole.REDIRECT:
        return (
            f"The Site {name} has no Primary Domain with an address yet, to which visitors could be sent; "
            "create one, or name an address in spec.redirect.to."
        )
    return f"The Site {name} cannot take visitors yet; its conditions say why."


def _primary_conflict(scene: DomainScene) -> Condition | None:
    """Report a second Primary; its visitors are served all the same."""
    if scene.leader is None:
        return None
    message = (
        f"The Site has the Primary Domain {scene.leader.metadata.name} already; set spec.role of one of them "
        "to Alias. Visitors of both hosts are served meanwhile."
    )
    return fails(SummaryCondition.READY, DomainReason.PRIMARY_CONFLICT, message)


def _verification(scene: DomainScene, *, is_held: bool) -> VerificationStatus | None:
    if scene.checks is None:
        return None
    holding = holding_of(scene.claim) if scene.claim is not None and is_held else None
    status = VerificationStatus(
        records=() if scene.checks.ownership.is_proven else scene.checks.ownership.records,
        verified_at=holding.verified_at if holding is not None else None,
    )
    return status if status != VerificationStatus() else None


def _dns(scene: DomainScene) -> DnsStatus | None:
    if scene.checks is None:
        return None
    found = scene.checks.resolution
    status = DnsStatus(expected=found.expected, observed=found.observed, ttl_seconds=found.ttl_seconds)
    return status if status != DnsStatus() else None


def _is_held(domain: Domain, scene: DomainScene) -> bool:
    return scene.refusal is None and is_held_by(scene.claim, domain.metadata.uid)


def _is_unproven(scene: DomainScene) -> bool:
    """Say whether nobody is served at the host because it is not proven."""
    return scene.checks is None or not scene.checks.ownership.is_proven
