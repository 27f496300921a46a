"""What a Domain's status says that was found out about its host before; for when it cannot be asked now.

An operator that has just started, and one whose name servers are down, must not take a host for lost that
was well a minute ago: fifty thousand statuses would say so at once.
"""

from __future__ import annotations

from dataclasses import replace

from frankenpanel_crds.conditions import DomainCondition, find_condition
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_status import ChallengeRecord
from frankenpanel_crds.reasons import DomainReason

from frankenpanel_operator.findings import Ownership, Resolution

_UNPROVEN = {
    reason.value: reason
    for reason in (DomainReason.RECORD_NOT_FOUND, DomainReason.RECORD_WRONG, DomainReason.DNS_UNREACHABLE)
}
_LOCATED = {
    reason.value: reason
    for reason in (
        DomainReason.RESOLVES,
        DomainReason.NOT_RESOLVING,
        DomainReason.POINTS_ELSEWHERE,
        DomainReason.DNS_UNREACHABLE,
    )
}


def former_ownership(domain: Domain, host: str, records: tuple[ChallengeRecord, ...]) -> Ownership:
    """Return what was known of an unproven host. That it was proven is a claim's to say, not a status's."""
    condition = find_condition(domain.status.conditions, DomainCondition.OWNERSHIP_VERIFIED)
    if condition is not None and not condition.is_true and condition.reason in _UNPROVEN:
        reason, message = _UNPROVEN[condition.reason], condition.message
    else:
        reason, message = DomainReason.PROGRESSING, f"It is looked whether {host} is proven to be yours."
    return Ownership(is_proven=False, reason=reason, message=message, records=records)


def former_resolution(domain: Domain, expected: tuple[str, ...]) -> Resolution | None:
    """Return where the host led, compared with what is expected today; None where it is not known."""
    condition = find_condition(domain.status.conditions, DomainCondition.DNS_RESOLVES)
    dns = domain.status.dns
    if condition is None or condition.reason not in _LOCATED or dns is None or dns.expected != expected:
        return None
    return Resolution(
        is_here=condition.is_true,
        reason=_LOCATED[condition.reason],
        message=condition.message,
        expected=dns.expected,
        observed=dns.observed,
        ttl_seconds=dns.ttl_seconds,
    )


def pending_resolution(domain: Domain, host: str, expected: tuple[str, ...]) -> Resolution:
    """Return what is known of a host that is being looked at."""
    former = former_resolution(domain, expected)
    if former is not None:
        return former
    message = f"It is looked where {host} leads."
    return Resolution(is_here=False, reason=DomainReason.PROGRESSING, message=message, expected=expected)


def while_unreachable(domain: Domain, host: str, resolution: Resolution) -> Resolution:
    """Keep what was known of a host whose name servers do not answer now: it may well be so still."""
    former = former_resolution(domain, resolution.expected)
    if former is None or not (former.is_here or former.observed):
        return resolution
    where = "led here" if former.is_here else "did not lead here"
    message = f"The name servers of {host} do not answer. When they last did, it {where}."
    return replace(former, reason=DomainReason.DNS_UNREACHABLE, message=message)


def with_steady_ttl(domain: Domain, resolution: Resolution) -> Resolution:
    """Keep the higher TTL while nothing else changed: resolvers count it down, and each number is a write."""
    former = former_resolution(domain, resolution.expected)
    if former is None or former.observed != resolution.observed:
        return resolution
    ttls = [ttl for ttl in (former.ttl_seconds, resolution.ttl_seconds) if ttl is not None]
    return replace(resolution, ttl_seconds=max(ttls, default=None))
