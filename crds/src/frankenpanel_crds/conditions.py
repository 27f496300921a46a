"""Conditions: their types, and how one replaces another; the reasons are in `reasons`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from frankenpanel_crds.base import Model, Timestamp
from frankenpanel_crds.reasons import DatabaseServerReason, DomainReason, SiteReason

__all__ = [
    "Condition",
    "ConditionStatus",
    "DatabaseServerCondition",
    "DatabaseServerReason",
    "DomainCondition",
    "DomainReason",
    "SiteCondition",
    "SiteReason",
    "SummaryCondition",
    "find_condition",
    "merge_conditions",
    "set_condition",
]


class ConditionStatus(StrEnum):
    """Whether a condition holds; Unknown where it could not be found out yet."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """One observation about an object."""

    type: Annotated[
        str,
        Field(max_length=63, description="What the condition is about, for example Ready."),
    ]
    status: Annotated[
        ConditionStatus,
        Field(description="Whether it holds: True, False, or Unknown when it could not be found out yet."),
    ]
    reason: Annotated[
        str,
        Field(
            min_length=1,
            max_length=63,
            pattern=r"^[A-Za-z]([A-Za-z0-9]*)$",
            description="Why, as one word of a closed list; programs may compare it.",
        ),
    ]
    message: Annotated[
        str,
        Field(max_length=4096, description="Why, as a sentence for people: what happened and what to do."),
    ] = ""
    observed_generation: Annotated[
        int | None,
        Field(description="The metadata.generation of the object that this was observed for."),
    ] = None
    last_transition_time: Annotated[
        Timestamp | None,
        Field(description="When the status last changed; a new reason or message alone does not move it."),
    ] = None

    @property
    def is_true(self) -> bool:
        """Say whether the condition holds."""
        return self.status is ConditionStatus.TRUE


class SummaryCondition(StrEnum):
    """Conditions that every kind with a status has, read by kubectl wait, Flux and Argo CD."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    """Present, and True, only while the operator is working towards the spec or will try again."""
    STALLED = "Stalled"
    """Present, and True, only while nothing will change until somebody edits something."""


class SiteCondition(StrEnum):
    """Conditions of a Site, in the order in which the first False one becomes the reason of Ready."""

    SOURCE_READY = "SourceReady"
    RUNTIME_READY = "RuntimeReady"
    STORAGE_READY = "StorageReady"
    DATABASE_READY = "DatabaseReady"
    INSTALLED = "Installed"
    WORKLOAD_AVAILABLE = "WorkloadAvailable"
    ROUTE_READY = "RouteReady"
    PAUSED = "Paused"
    """Present, and True, only while spec.paused is true."""


class DomainCondition(StrEnum):
    """Conditions of a Domain, in the order in which the first False one becomes the reason of Ready."""

    CLAIMED = "Claimed"
    SITE_FOUND = "SiteFound"
    OWNERSHIP_VERIFIED = "OwnershipVerified"
    DNS_RESOLVES = "DNSResolves"
    CERTIFICATE_READY = "CertificateReady"
    ROUTE_PROGRAMMED = "RouteProgrammed"
    CERTIFICATE_EXPIRING = "CertificateExpiring"
    """Present, and True, only while the certificate ends within three weeks."""


class DatabaseServerCondition(StrEnum):
    """Conditions of a DatabaseServer."""

    REACHABLE = "Reachable"


def set_condition(conditions: Iterable[Condition], new: Condition, now: datetime) -> tuple[Condition, ...]:
    """Return the conditions with `new` in place of the one of its type, or appended.

    The transition time is kept while the status is the same, and is `now` otherwise.
    """
    result: list[Condition] = []
    placed = False
    for old in conditions:
        if old.type == new.type:
            result.append(_timed(new, old, now))
            placed = True
        else:
            result.append(old)
    if not placed:
        result.append(_timed(new, None, now))
    return tuple(result)


def merge_conditions(
    old: Iterable[Condition], new: Iterable[Condition], now: datetime
) -> tuple[Condition, ...]:
    """Return `new`, in its order, with transition times carried over from `old`.

    A condition that is only in `old` is dropped: `new` is the complete list.
    """
    by_type = {condition.type: condition for condition in old}
    return tuple(_timed(condition, by_type.get(condition.type), now) for condition in new)


def find_condition(conditions: Iterable[Condition], type_: str) -> Condition | None:
    """Return the condition of a type, or None where it is absent."""
    return next((condition for condition in conditions if condition.type == type_), None)


def _timed(new: Condition, old: Condition | None, now: datetime) -> Condition:
    """Return `new` with the transition time that follows from what was there before."""
    if old is not None and old.status is new.status and old.last_transition_time is not None:
        return new.model_copy(update={"last_transition_time": old.last_transition_time})
    return new.model_copy(update={"last_transition_time": now.replace(microsecond=0)})
