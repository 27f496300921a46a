"""The frozen base of every model, object metadata, and the envelope of a custom resource."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from frankenpanel_crds.group import API_VERSION, KindNames


def _rfc3339(moment: datetime) -> str:
    """Write a time the way Kubernetes does: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Timestamp = Annotated[datetime, PlainSerializer(_rfc3339, when_used="json")]
"""A time; in manifests RFC 3339 in UTC."""


class Model(BaseModel):
    """Frozen, camelCase in manifests and snake_case in Python.

    Unknown fields are ignored: an object stored by a newer release must still be readable. Refusing them
    on write is the API server's part.
    """

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="ignore",
    )

    def to_manifest(self) -> dict[str, Any]:
        """Return plain JSON values under their camelCase names, without what is None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ObjectMeta(Model):
    """The part of an object's metadata that we read."""

    name: str
    namespace: str | None = None
    uid: str | None = None
    generation: int | None = None
    resource_version: str | None = None
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None
    finalizers: tuple[str, ...] = ()
    labels: Mapping[str, str] = Field(default_factory=dict)
    annotations: Mapping[str, str] = Field(default_factory=dict)

    @property
    def is_deleting(self) -> bool:
        """Say whether deletion was asked for."""
        return self.deletion_timestamp is not None


class NoStatus(Model):
    """The status of kinds that have none."""


SpecT = TypeVar("SpecT", bound=Model)
StatusT = TypeVar("StatusT", bound=Model)


class CustomResource(Model, Generic[SpecT, StatusT]):
    """One object of our API: metadata, spec and status."""

    NAMES: ClassVar[KindNames]

    metadata: ObjectMeta
    spec: SpecT
    status: StatusT

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """Read an object as the API server gives it; unknown fields are ignored.

        Raises:
            pydantic.ValidationError: a known field has an impossible value.
        """
        return cls.model_validate(
            {
                "metadata": body.get("metadata") or {},
                "spec": body.get("spec") or {},
                "status": body.get("status") or {},
            }
        )

    def to_manifest(self) -> dict[str, Any]:
        """Return the whole object as a manifest."""
        return {"apiVersion": API_VERSION, "kind": self.NAMES.kind, **super().to_manifest()}
