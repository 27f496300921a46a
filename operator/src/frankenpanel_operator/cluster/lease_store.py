"""The Lease object as the API server keeps it: read, created and replaced at a known version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from frankenpanel_crds.labels import FIELD_MANAGER, LABEL_MANAGED_BY, LABEL_PART_OF, MANAGED_BY, PART_OF

from frankenpanel_operator.cluster.api_errors import AlreadyExistsError, NotFoundError
from frankenpanel_operator.cluster.resources import LEASE
from frankenpanel_operator.cluster.transport import Call, Lane, Transport
from frankenpanel_operator.errors import ConflictError
from frankenpanel_operator.observed import Manifest

LEASE_NAME = "frankenpanel-operator"


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What the Lease says.

    Attributes:
        holder: who leads; "" where the last leader gave it back.
        term: counts the changes of leaders; `leaseTransitions` of the object.
        duration_seconds: how long the holder may be silent.
        acquired: when the holder's term began, as text; with `holder` and `term` it tells terms apart.
        renewed: the last sign of life, as text; never compared with a clock, only with itself.
    """

    holder: str
    term: int
    duration_seconds: int
    acquired: str
    renewed: str

    def is_same_term(self, other: LeaseRecord) -> bool:
        """Say whether both were written by one leader in one term."""
        return (self.holder, self.term, self.acquired) == (other.holder, other.term, other.acquired)


@dataclass(frozen=True, slots=True)
class StoredLease:
    """A Lease as it was read, with the version that a replacement has to name."""

    record: LeaseRecord
    resource_version: str


class LeaseStore:
    """Reads and writes the Lease on connections of its own, past gate and fence."""

    def __init__(self, transport: Transport, namespace: str, name: str = LEASE_NAME) -> None:
        self._transport = transport
        self._namespace = namespace
        self._name = name

    async def read(self) -> StoredLease | None:
        """Return the Lease, or None where there is none.

        Raises:
            FrankenPanelError: nobody knows.
        """
        path = LEASE.path(self._namespace, self._name)
        try:
            return _parse(await self._transport.send(Call("GET", "get", LEASE, path, {}, lane=Lane.LEASE)))
        except NotFoundError:
            return None

    async def create(self, record: LeaseRecord) -> StoredLease | None:
        """Create the Lease; return it as stored, or None where somebody was faster."""
        path = LEASE.path(self._namespace)
        try:
            return await self._write("POST", "create", path, self._manifest(record, None))
        except AlreadyExistsError:
            return None

    async def replace(self, record: LeaseRecord, resource_version: str) -> StoredLease | None:
        """Replace the Lease at a version; return it as stored, or None where it is at another one or gone."""
        path = LEASE.path(self._namespace, self._name)
        try:
            return await self._write("PUT", "update", path, self._manifest(record, resource_version))
        except (ConflictError, NotFoundError):
            return None

    async def _write(self, method: str, verb: str, path: str, manifest: Manifest) -> StoredLease:
        params = {"fieldManager": FIELD_MANAGER}
        call = Call(method, verb, LEASE, path, params, orjson.dumps(manifest), lane=Lane.LEASE)
        return _parse(await self._transport.send(call))

    def _manifest(self, record: LeaseRecord, resource_version: str | None) -> Manifest:
        metadata: dict[str, Any] = {
            "name": self._name,
            "namespace": self._namespace,
            "labels": {LABEL_PART_OF: PART_OF, LABEL_MANAGED_BY: MANAGED_BY},
        }
        if resource_version is not None:
            metadata["resourceVersion"] = resource_version
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": metadata,
            "spec": {
                "holderIdentity": record.holder,
                "leaseTransitions": record.term,
                "leaseDurationSeconds": record.duration_seconds,
                "acquireTime": record.acquired,
                "renewTime": record.renewed,
            },
        }


def to_micro_time(moment: datetime) -> str:
    """Render a time in UTC as the API's MicroTime."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _parse(body: Manifest) -> StoredLease:
    spec = body.get("spec") or {}
    record = LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        term=spec.get("leaseTransitions") or 0,
        duration_seconds=spec.get("leaseDurationSeconds") or 0,
        acquired=spec.get("acquireTime") or "",
        renewed=spec.get("renewTime") or "",
    )
    return StoredLease(record, body["metadata"]["resourceVersion"])
