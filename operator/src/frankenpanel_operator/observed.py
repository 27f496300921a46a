"""What was read back from the cluster, as frozen values; computes on them, does no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Manifest = dict[str, Any]
"""A Kubernetes object as the API server takes and gives it; never mutated once built."""


class OwnedKind(StrEnum):
    """The kinds a Site can own; the value is the `kind` of a manifest.

    Secrets are written but never read back (see docs/adr/0005), so they are never observed.
    """

    SERVICE_ACCOUNT = "ServiceAccount"
    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"  # noqa: S105  a kind, not a password
    PERSISTENT_VOLUME_CLAIM = "PersistentVolumeClaim"
    SERVICE = "Service"
    NETWORK_POLICY = "NetworkPolicy"
    JOB = "Job"
    DEPLOYMENT = "Deployment"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object within one namespace ("" for cluster-scoped kinds)."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> ObjectRef:
        """Name the object that a manifest describes."""
        metadata = manifest["metadata"]
        return cls(manifest["kind"], metadata.get("namespace", ""), metadata["name"])


@dataclass(frozen=True, slots=True)
class UnreadableObject:
    """An object that exists and that this release cannot read, and the first field that is to blame."""

    kind: str
    name: str
    field: str


@dataclass(frozen=True, slots=True)
class ObservedSite:
    """Everything a Site's decision rests on besides its spec.

    `objects` holds the live bodies (managedFields dropped) of owned objects by reference; `pods` the
    bodies of the Site's pods, web and install alike.
    """

    objects: Mapping[ObjectRef, Manifest] = field(default_factory=dict)
    pods: tuple[Manifest, ...] = ()

    def find(self, kind: OwnedKind, name: str) -> Manifest | None:
        """Return the live body of one owned object, or None where it does not exist."""
        for ref, body in self.objects.items():
            if ref.kind == kind and ref.name == name:
                return body
        return None
