"""Which change of a status is worth an Event: trouble, and its end; the way to a first Ready is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from frankenpanel_crds.conditions import DomainCondition, DomainReason, SiteReason, SummaryCondition
from frankenpanel_crds.group import DOMAIN

# Steps on the way, and what other objects' statuses and events tell better. A Site that does not exist yet is
# nothing odd where both come out of one folder.
_QUIET = frozenset[str](
    {
        SiteReason.WAITING,
        SiteReason.INSTALLING,
        SiteReason.ROLLOUT_IN_PROGRESS,
        SiteReason.VOLUME_PENDING,
        SiteReason.DOMAIN_NOT_READY,
        SiteReason.PROGRESSING,
        SiteReason.PENDING,
        SiteReason.PAUSED,
        SiteReason.DELETING,
        SiteReason.CLUSTER_UNAVAILABLE,
        DomainReason.SITE_NOT_FOUND,
        DomainReason.SITE_NOT_READY,
        DomainReason.ISSUING,
    }
)


class News(NamedTuple):
    """An Event in the making; `type_` is Normal or Warning."""

    type_: str
    reason: str
    message: str


def news_of(body: Mapping[str, Any], status: Mapping[str, Any]) -> News | None:
    """Return what the new status tells that the one in `body` did not, if it is worth an Event."""
    before, now = _ready(body.get("status")), _ready(status)
    reason = str(now.get("reason", ""))
    if (now.get("status"), reason) == (before.get("status"), before.get("reason")):
        return None
    message = str(now.get("message", ""))
    if now.get("status") == "True":
        # Of a Domain's readiness its Site tells; a thousand of them would be a thousand Events.
        is_over = before.get("status") == "False" and before.get("reason") not in _QUIET
        return News("Normal", reason, message) if is_over or body.get("kind") != DOMAIN.kind else None
    return None if reason in _QUIET else News("Warning", reason, message)


def expiry_news_of(body: Mapping[str, Any], status: Mapping[str, Any]) -> News | None:
    """Return what is told once when a certificate comes near its end, which is long before Ready falls."""
    type_ = DomainCondition.CERTIFICATE_EXPIRING
    before, now = _condition(body.get("status"), type_), _condition(status, type_)
    if now.get("status") != "True" or before.get("status") == "True":
        return None
    return News("Warning", str(now.get("reason", "")), str(now.get("message", "")))


def _ready(status: Any) -> Mapping[str, Any]:
    return _condition(status, SummaryCondition.READY)


def _condition(status: Any, type_: str) -> Mapping[str, Any]:
    """Return a condition, or nothing where there is none that can be read."""
    conditions = status.get("conditions") if isinstance(status, Mapping) else None
    for item in conditions if isinstance(conditions, list) else ():
        if isinstance(item, Mapping) and item.get("type") == type_:
            return item
    return {}
