"""Which Domain of a Site is its address: order and ownership of hosts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from frankenpanel_crds.conditions import DomainCondition, find_condition
from frankenpanel_crds.domain import Domain, DomainRole

_LAST = datetime.max.replace(tzinfo=UTC)


def oldest_first(domains: Iterable[Domain]) -> tuple[Domain, ...]:
    """Sort by age, then by name, so that the same Domain leads whatever the order of events was."""
    return tuple(
        sorted(domains, key=lambda item: (item.metadata.creation_timestamp or _LAST, item.metadata.name))
    )


def is_claimed(domain: Domain) -> bool:
    """Say whether the Domain holds its host, by what its status says; one on its way out does not count."""
    if domain.metadata.is_deleting:
        return False
    claimed = find_condition(domain.status.conditions, DomainCondition.CLAIMED)
    return claimed is not None and claimed.is_true and domain.status.host is not None


def leading_primary(domains: Iterable[Domain]) -> Domain | None:
    """Return the Domain that is the Site's address; a later Primary waits until it is gone or an Alias."""
    for domain in oldest_first(domains):
        if domain.spec.role is DomainRole.PRIMARY and is_claimed(domain):
            return domain
    return None
