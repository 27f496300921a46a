"""Statuses that are about the object as a whole: unreadable, failed inside, on its way out.

They work on the raw object, since a spec that cannot be read is one of the cases, and leave everything but
the summary as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from frankenpanel_crds.conditions import Condition, SiteReason, SummaryCondition
from pydantic import ValidationError

from frankenpanel_operator.status.check import fails
from frankenpanel_operator.status.summary import finish, summarise

_SUMMARY = frozenset[str](SummaryCondition)


def spec_invalid_status(body: Mapping[str, Any], error: ValidationError, now: datetime) -> dict[str, Any]:
    """Return the status of an object whose spec this release cannot read; its values stay untold."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    text = f"{field} cannot be read by this release ({first['msg']}); correct it."
    return blocked_status(body, SiteReason.SPEC_INVALID, text, now)


def internal_error_status(body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the status after a defect of the operator; the log has the trace."""
    message = "The operator has a defect that this object hits; ask your administrator, it is tried again."
    return blocked_status(body, SiteReason.INTERNAL_ERROR, message, now)


def deleting_status(body: Mapping[str, Any], message: str, now: datetime) -> dict[str, Any]:
    """Return the status while deletion is under way, or waits for something that the message names."""
    return blocked_status(body, SiteReason.DELETING, message, now)


def blocked_status(
    body: Mapping[str, Any], reason: SiteReason, message: str, now: datetime
) -> dict[str, Any]:
    """Return the object's last status with Ready False for a reason that every kind has."""
    status = body.get("status")
    last = status if isinstance(status, Mapping) else {}
    old = _readable_conditions(last)
    details = [condition for condition in old if condition.type not in _SUMMARY]
    cause = fails(SummaryCondition.READY, reason, message)
    generation = body["metadata"].get("generation")
    summary = finish(summarise(cause, cause), old, generation, now)
    conditions = [condition.to_manifest() for condition in (*summary, *details)]
    return {**last, "observedGeneration": generation, "conditions": conditions}


def _readable_conditions(status: Mapping[str, Any]) -> list[Condition]:
    """Return the conditions that can be read; the rest was written by another release, or by hand."""
    readable = []
    conditions = status.get("conditions")
    for item in conditions if isinstance(conditions, list) else ():
        with suppress(ValidationError):
            readable.append(Condition.model_validate(item))
    return readable
