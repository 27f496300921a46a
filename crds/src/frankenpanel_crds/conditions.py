"""Conditions: their types, the closed list of reasons per kind, and how one replaces another.

Reasons are part of the API: programs compare them and the dashboard translates them. A new one is added
here, with its meaning, before anything may report it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from frankenpanel_crds.base import Model, Timestamp


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
    ROUTE_PROGRAMMED = "RouteProgrammed"


class DatabaseServerCondition(StrEnum):
    """Conditions of a DatabaseServer."""

    REACHABLE = "Reachable"


class SiteReason(StrEnum):
    """Why a condition of a Site has its status."""

    PRESET_FOUND = "PresetFound"
    """The preset and the version exist."""
    PRESET_NOT_FOUND = "PresetNotFound"
    """No SitePreset has the name in spec.source.preset.name."""
    PRESET_VERSION_NOT_FOUND = "PresetVersionNotFound"
    """The SitePreset does not list the version in spec.source.preset.version."""
    RUNTIME_FOUND = "RuntimeFound"
    """The PHP version is in the catalogue."""
    RUNTIME_NOT_FOUND = "RuntimeNotFound"
    """The RuntimeCatalog does not list the PHP version in spec.runtime.php."""
    CATALOG_NOT_FOUND = "CatalogNotFound"
    """There is no RuntimeCatalog named "default"; an administrator has to create it."""
    PROVISIONED = "Provisioned"
    """What was asked for (volumes, database) exists and is usable."""
    NOT_REQUIRED = "NotRequired"
    """The Site does not use this (no volumes, no database, nothing to install)."""
    STORAGE_INVALID = "StorageInvalid"
    """An entry of spec.storage cannot be carried out; the message names it."""
    VOLUME_PENDING = "VolumePending"
    """A volume is not bound yet; the message names the claim."""
    VOLUME_LOST = "VolumeLost"
    """The volume behind a claim is gone; restore it or delete the claim to start empty."""
    ACCESS_MODE_CONFLICT = "AccessModeConflict"
    """More than one replica asks for a volume that only one node may mount."""
    VOLUME_RETAINED = "VolumeRetained"
    """A volume of a deleted Site holds the name; take it up with spec.bootstrapFrom or delete it."""
    DATABASE_SERVER_NOT_FOUND = "DatabaseServerNotFound"
    """No DatabaseServer offers the engine in spec.database.engine."""
    DATABASE_SERVER_UNREACHABLE = "DatabaseServerUnreachable"
    """The database server did not answer or refused our account; it is tried again."""
    DATABASE_NAME_TAKEN = "DatabaseNameTaken"
    """A database of the derived name exists and is not this Site's; it is never adopted."""
    DATABASE_REFUSED = "DatabaseRefused"
    """The database server refused a statement; the message says which step."""
    RETAINED_DATA_NOT_FOUND = "RetainedDataNotFound"
    """spec.bootstrapFrom names data that does not exist in this namespace or was not retained."""
    INSTALLED = "Installed"
    """The application was set up."""
    INSTALLING = "Installing"
    """The job that sets up the application is running."""
    INSTALL_FAILED = "InstallFailed"
    """The job that sets up the application gave up; its log says why."""
    WAITING = "Waiting"
    """A condition before this one in the order is not met yet."""
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105  a reason, not a password
    """A Secret named in spec.envFrom does not exist in the namespace."""
    IMAGE_PULL_FAILED = "ImagePullFailed"
    """A node cannot get an image; the message names it."""
    CONTAINER_FAILING = "ContainerFailing"
    """A container exits or does not pass its health check; the message names it."""
    ROLLOUT_IN_PROGRESS = "RolloutInProgress"
    """New pods are starting."""
    UNSCHEDULABLE = "Unschedulable"
    """No node has room for a pod; lower spec.resources.requests or add a node."""
    QUOTA_EXCEEDED = "QuotaExceeded"
    """The namespace's quota does not allow what the Site needs."""
    OBJECT_NAME_TAKEN = "ObjectNameTaken"
    """An object the Site needs exists and belongs to somebody else; the message names it."""
    OBJECT_REFUSED = "ObjectRefused"
    """The API server refused an object of the Site; the message says which and why."""
    AVAILABLE = "Available"
    """Pods serve the site."""
    NO_DOMAIN = "NoDomain"
    """No Domain names this Site as Primary; create one to give it an address."""
    DOMAIN_NOT_READY = "DomainNotReady"
    """A Domain of this Site is not ready; its own conditions say why."""
    ROUTED = "Routed"
    """The gateway sends visitors of the Primary host to this Site."""
    SPEC_INVALID = "SpecInvalid"
    """A field of the spec has a value that this release cannot read; the message names it."""
    PROGRESSING = "Progressing"
    """The operator is working towards the spec."""
    PENDING = "Pending"
    """Not looked at yet."""
    PAUSED = "Paused"
    """spec.paused is true: the site is served as it is and nothing is changed."""
    DELETING = "Deleting"
    """Deletion was asked for and is under way."""
    CLUSTER_UNAVAILABLE = "ClusterUnavailable"
    """The API server did not take a change; it is tried again."""
    INTERNAL_ERROR = "InternalError"
    """A defect of the operator; its log has the trace and it is tried again."""
    READY = "Ready"
    """Everything holds."""


class DomainReason(StrEnum):
    """Why a condition of a Domain has its status."""

    CLAIMED = "Claimed"
    """The host belongs to this Domain."""
    HOST_TAKEN = "HostTaken"
    """Another Domain holds the host; choose another host or ask your administrator."""
    HOST_INVALID = "HostInvalid"
    """The host is not a name that visitors could ask for; the message says what to change."""
    SITE_FOUND = "SiteFound"
    """The Site exists."""
    SITE_NOT_FOUND = "SiteNotFound"
    """No Site in this namespace has the name in spec.siteRef.name."""
    SITE_NOT_READY = "SiteNotReady"
    """The Site cannot be sent visitors yet; its own conditions say why."""
    PRIMARY_CONFLICT = "PrimaryConflict"
    """Another Domain is already Primary of the Site; make one of them an Alias."""
    ROUTED = "Routed"
    """The gateway sends visitors of the host to the Site."""
    WAITING = "Waiting"
    """A condition before this one in the order is not met yet."""
    SPEC_INVALID = "SpecInvalid"
    """A field of the spec has a value that this release cannot read; the message names it."""
    PROGRESSING = "Progressing"
    """The operator is working towards the spec."""
    PENDING = "Pending"
    """Not looked at yet."""
    DELETING = "Deleting"
    """Deletion was asked for and is under way."""
    CLUSTER_UNAVAILABLE = "ClusterUnavailable"
    """The API server did not take a change; it is tried again."""
    INTERNAL_ERROR = "InternalError"
    """A defect of the operator; its log has the trace and it is tried again."""
    READY = "Ready"
    """Everything holds."""


class DatabaseServerReason(StrEnum):
    """Why a condition of a DatabaseServer has its status."""

    REACHABLE = "Reachable"
    """The server answered and took our account."""
    UNREACHABLE = "Unreachable"
    """The server did not answer at spec.host and spec.port; it is tried again."""
    ACCESS_DENIED = "AccessDenied"
    """The server refused the account in the Secret that spec.adminSecretRef names."""
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105  a reason, not a password
    """The Secret that spec.adminSecretRef names does not exist or lacks username or password."""
    SPEC_INVALID = "SpecInvalid"
    """A field of the spec has a value that this release cannot read; the message names it."""
    PENDING = "Pending"
    """Not looked at yet."""
    INTERNAL_ERROR = "InternalError"
    """A defect of the operator; its log has the trace and it is tried again."""
    READY = "Ready"
    """Everything holds."""


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
