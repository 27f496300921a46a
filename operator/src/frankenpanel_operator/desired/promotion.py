"""When a Site got another address: what its status remembers, and what that means for a Domain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from frankenpanel_crds.domain import Domain, DomainRole
from frankenpanel_crds.domain_status import RewritePhase
from frankenpanel_crds.site_status import PrimaryStatus

from frankenpanel_operator.desired.domains import is_claimed

_MAX_FORMER_HOSTS = 8


@dataclass(frozen=True, slots=True)
class Promotion:
    """A host that took the place of others, the latest of them first, and since when it has."""

    from_hosts: tuple[str, ...]
    host: str
    since: datetime | None


def remember_primary(
    known: PrimaryStatus | None,
    host: str | None,
    domains: Iterable[Domain],
    *,
    has_content: bool,
    now: datetime,
) -> PrimaryStatus | None:
    """Return what a Site's status says of its address, given the present one.

    The memory outlives a time without any Primary, so deleting one Domain and creating another is a promotion
    as well. Hosts whose content was never rewritten stay in it: a second change must not forget the first.
    Before the application is set up there is no content that could name a host.
    """
    if host is None or (known is not None and known.host == host):
        return known
    former: tuple[str, ...] = ()
    if known is not None and has_content:
        older = () if _was_rewritten(known, domains) else known.former_hosts
        former = tuple(name for name in dict.fromkeys((known.host, *older)) if name != host)
    # Whole seconds, as they are stored: what was read back must equal what was written.
    return PrimaryStatus(host=host, since=now.replace(microsecond=0), former_hosts=former[:_MAX_FORMER_HOSTS])


def promotion_of(domain: Domain, host: str, primary: PrimaryStatus | None) -> Promotion | None:
    """Return the promotion of a Domain, or None where it is not the address of its Site, or the first one."""
    if primary is None or not primary.former_hosts or primary.host != host:
        return None
    if domain.spec.role is not DomainRole.PRIMARY or not is_claimed(domain):
        return None
    return Promotion(primary.former_hosts, host, primary.since)


def _was_rewritten(known: PrimaryStatus, domains: Iterable[Domain]) -> bool:
    """Say whether the content names no host before the known one, by the status of that one's Domain."""
    rewrites = (item.status.rewrite for item in domains if item.status.host == known.host)
    return any(
        rewrite is not None and rewrite.phase is RewritePhase.REWRITTEN and rewrite.promoted_at == known.since
        for rewrite in rewrites
    )
