"""The check of how visitors reach a Site, and the list of its Domains."""

from __future__ import annotations

from collections.abc import Sequence

from frankenpanel_crds.conditions import (
    Condition,
    DomainCondition,
    SiteCondition,
    SiteReason,
    SummaryCondition,
    find_condition,
)
from frankenpanel_crds.domain import Domain, DomainRole
from frankenpanel_crds.site import Site
from frankenpanel_crds.site_status import SiteDomainStatus

from frankenpanel_operator.desired.domains import is_claimed, leading_primary
from frankenpanel_operator.status.check import fails, holds
from frankenpanel_operator.status.facts import SiteFacts

# What the schema takes; a Site with more Domains lists the oldest.
_MAX_LISTED = 500


def route_ready(site: Site, facts: SiteFacts) -> Condition:
    """Say whether visitors of the Primary host reach the Site."""
    condition = SiteCondition.ROUTE_READY
    primaries = [domain for domain in facts.resolution.domains if domain.spec.role is DomainRole.PRIMARY]
    if not primaries:
        message = (
            "No Domain names this Site as Primary, so it has no address; create a Domain with "
            f"spec.siteRef.name: {site.metadata.name}."
        )
        return fails(condition, SiteReason.NO_DOMAIN, message)
    leader = leading_primary(primaries)
    if leader is not None and _is_routed(leader):
        return holds(condition, SiteReason.ROUTED, f"Visitors of {leader.status.host} reach the site.")
    waiting = leader or primaries[0]
    message = f"The Domain {waiting.metadata.name} ({waiting.spec.host}) is not ready{_cause(waiting)}."
    return fails(condition, SiteReason.DOMAIN_NOT_READY, message)


def is_blocking(condition: Condition) -> bool:
    """Say whether a condition that does not hold keeps the Site from being Ready.

    A Site without a Domain is complete: tools that apply in waves bring Domains only after Sites are Ready.
    """
    return not condition.is_true and condition.reason != SiteReason.NO_DOMAIN


def domain_statuses(domains: Sequence[Domain]) -> tuple[SiteDomainStatus, ...]:
    """List the Domains by host; of two with the same host the one that holds it."""
    listed: dict[str, SiteDomainStatus] = {}
    for domain in sorted(domains, key=lambda item: not is_claimed(item)):
        host = domain.status.host or domain.spec.host
        status = SiteDomainStatus(host=host, role=domain.spec.role.value, ready=_is_ready(domain))
        listed.setdefault(host, status)
    return tuple(listed.values())[:_MAX_LISTED]


def _is_routed(domain: Domain) -> bool:
    routed = find_condition(domain.status.conditions, DomainCondition.ROUTE_PROGRAMMED)
    return routed is not None and routed.is_true


def _is_ready(domain: Domain) -> bool:
    ready = find_condition(domain.status.conditions, SummaryCondition.READY)
    return ready is not None and ready.is_true


def _cause(domain: Domain) -> str:
    ready = find_condition(domain.status.conditions, SummaryCondition.READY)
    return f": {ready.reason}" if ready is not None and not ready.is_true else ""
