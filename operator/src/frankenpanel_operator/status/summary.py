"""Rolls detail conditions up to Ready, Reconciling and Stalled, as kstatus reads them.

Ready is always there. Reconciling and Stalled are there only while True: Stalled where nothing but an edit
helps, Reconciling wherever the operator, the cluster or a neighbour may still bring the object to its spec.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from frankenpanel_crds.conditions import (
    Condition,
    DomainReason,
    SiteReason,
    SummaryCondition,
    merge_conditions,
)

from frankenpanel_operator.status.check import holds

_STALLING = frozenset[str](
    {
        SiteReason.PRESET_NOT_FOUND,
        SiteReason.PRESET_VERSION_NOT_FOUND,
        SiteReason.RUNTIME_NOT_FOUND,
        SiteReason.STORAGE_INVALID,
        SiteReason.VOLUME_LOST,
        SiteReason.VOLUME_RETAINED,
        SiteReason.ACCESS_MODE_CONFLICT,
        SiteReason.RETAINED_DATA_NOT_FOUND,
        SiteReason.DATABASE_NAME_TAKEN,
        SiteReason.DATABASE_LOST,
        SiteReason.OBJECT_NAME_TAKEN,
        SiteReason.REFERENCE_UNREADABLE,
        SiteReason.SPEC_INVALID,
        DomainReason.HOST_TAKEN,
        DomainReason.HOST_INVALID,
        DomainReason.HOST_RESERVED,
        DomainReason.PUBLIC_SUFFIX,
        DomainReason.CLAIM_EXPIRED,
        DomainReason.REDIRECT_INVALID,
        DomainReason.REDIRECT_LOOP,
        DomainReason.SITE_NOT_FOUND,
        DomainReason.PRIMARY_CONFLICT,
        DomainReason.SECRET_FORBIDDEN,
        DomainReason.CERTIFICATE_INVALID,
    }
)
_WAITING = frozenset[str]({SiteReason.WAITING, DomainReason.WAITING})


def first_cause(conditions: Iterable[Condition]) -> Condition | None:
    """Return the first condition that does not hold; one that merely waits for another is not a cause."""
    failing = [condition for condition in conditions if not condition.is_true]
    causes = [condition for condition in failing if condition.reason not in _WAITING]
    return next(iter(causes or failing), None)


def summarise(cause: Condition | None, ready: Condition) -> tuple[Condition, ...]:
    """Return Ready (`ready` where there is no cause) and what explains a Ready that is not True."""
    if cause is None:
        return (ready,)
    blocked = cause.model_copy(update={"type": SummaryCondition.READY.value})
    is_stalled = cause.reason in _STALLING
    why = SummaryCondition.STALLED if is_stalled else SummaryCondition.RECONCILING
    return blocked, cause.model_copy(update={"type": why.value, "status": holds(why, why, "").status})


def finish(
    conditions: Sequence[Condition], old: Iterable[Condition], generation: int | None, now: datetime
) -> tuple[Condition, ...]:
    """Add generation and times; the time of a condition moves only when its status does."""
    stamped = [condition.model_copy(update={"observed_generation": generation}) for condition in conditions]
    return merge_conditions(old, stamped, now)
