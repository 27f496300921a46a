"""The status of a Domain: does it hold its host, is there a Site, does the gateway send visitors there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from frankenpanel_crds.conditions import Condition, DomainCondition, DomainReason, SummaryCondition
from frankenpanel_crds.domain import Domain, DomainStatus
from frankenpanel_crds.domainclaim import Route

from frankenpanel_operator import naming
from frankenpanel_operator.desired.address import public_url
from frankenpanel_operator.desired.claim import holds_claim
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.status.check import fails, holds
from frankenpanel_operator.status.summary import finish, first_cause, summarise


@dataclass(frozen=True, slots=True)
class DomainScene:
    """Everything that the checks of a Domain look at.

    `host` is None where `host_error` says why spec.host is none. `claim` is the claim of that host as it is
    known after the attempt to write it, whoever holds it. `route` is what it should carry, None until the
    Site's Service has an address. `leader` is the Site's Primary Domain, if another than this one.
    """

    platform: Platform
    host: str | None
    host_error: str | None
    claim: Manifest | None
    is_site_found: bool
    route: Route | None
    leader: Domain | None = None


def domain_status(domain: Domain, scene: DomainScene, *, now: datetime) -> DomainStatus:
    """Return the whole status; equal arguments give an equal status, whatever the time is."""
    is_held = _is_held(domain, scene)
    return DomainStatus(
        observed_generation=domain.metadata.generation or 0,
        host=scene.host,
        url=public_url(scene.host, scene.platform) if scene.host and is_held else None,
        claim_name=naming.claim_name(scene.host) if scene.host and is_held else None,
        conditions=finish(
            _conditions(domain, scene), domain.status.conditions, domain.metadata.generation, now
        ),
    )


def claimed(domain: Domain, scene: DomainScene) -> Condition:
    """Say whether the host is this Domain's."""
    condition = DomainCondition.CLAIMED
    if scene.host is None:
        return fails(condition, DomainReason.HOST_INVALID, f"spec.host cannot be used: {scene.host_error}.")
    if scene.claim is None:
        return fails(condition, DomainReason.PROGRESSING, f"{scene.host} is being reserved.")
    if not _is_held(domain, scene):
        # Whose it is stays untold: it may be another tenant's.
        message = (
            f"{scene.host} is held by another Domain; choose another host, or ask your administrator "
            "if it should be yours."
        )
        return fails(condition, DomainReason.HOST_TAKEN, message)
    return holds(condition, DomainReason.CLAIMED, f"{scene.host} is reserved for this Domain.")


def site_found(domain: Domain, scene: DomainScene) -> Condition:
    """Say whether the Site exists."""
    condition, name = DomainCondition.SITE_FOUND, domain.spec.site_ref.name
    if scene.is_site_found:
        return holds(condition, DomainReason.SITE_FOUND, f"The Site {name} exists.")
    message = f"There is no Site {name} in this namespace; create it, or correct spec.siteRef.name."
    return fails(condition, DomainReason.SITE_NOT_FOUND, message)


def route_programmed(domain: Domain, scene: DomainScene) -> Condition:
    """Say whether the claim carries the route, which is all the gateway needs."""
    condition = DomainCondition.ROUTE_PROGRAMMED
    if not scene.is_site_found or not _is_held(domain, scene):
        return fails(condition, DomainReason.WAITING, "The route waits for host and Site.")
    if scene.route is None:
        message = f"The Site {domain.spec.site_ref.name} cannot take visitors yet; its conditions say why."
        return fails(condition, DomainReason.SITE_NOT_READY, message)
    if scene.claim is None or scene.claim["spec"].get("route") != scene.route.to_manifest():
        return fails(condition, DomainReason.PROGRESSING, "The route is being written.")
    return holds(condition, DomainReason.ROUTED, f"Visitors of {scene.host} are sent to the Site.")


def _conditions(domain: Domain, scene: DomainScene) -> tuple[Condition, ...]:
    details = (claimed(domain, scene), site_found(domain, scene), route_programmed(domain, scene))
    cause = first_cause(details) or _primary_conflict(scene)
    ready = holds(SummaryCondition.READY, DomainReason.READY, f"Visitors of {scene.host} reach the Site.")
    return (*summarise(cause, ready), *details)


def _primary_conflict(scene: DomainScene) -> Condition | None:
    """Report a second Primary; its visitors are served all the same."""
    if scene.leader is None:
        return None
    message = (
        f"The Site has the Primary Domain {scene.leader.metadata.name} already; set spec.role of one of them "
        "to Alias. Visitors of both hosts are served meanwhile."
    )
    return fails(SummaryCondition.READY, DomainReason.PRIMARY_CONFLICT, message)


def _is_held(domain: Domain, scene: DomainScene) -> bool:
    return scene.claim is not None and holds_claim(domain, scene.claim)
