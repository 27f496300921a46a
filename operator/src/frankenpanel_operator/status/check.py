"""Conditions as checks return them: without times, which are added when the status is put together."""

from __future__ import annotations

from enum import StrEnum

from frankenpanel_crds.conditions import Condition, ConditionStatus


def holds(condition: StrEnum, reason: StrEnum, message: str) -> Condition:
    """Return a condition that is True."""
    return _condition(condition, ConditionStatus.TRUE, reason, message)


def fails(condition: StrEnum, reason: StrEnum, message: str) -> Condition:
    """Return a condition that is False."""
    return _condition(condition, ConditionStatus.FALSE, reason, message)


def _condition(type_: StrEnum, status: ConditionStatus, reason: StrEnum, message: str) -> Condition:
    return Condition(type=type_.value, status=status, reason=reason.value, message=message)
