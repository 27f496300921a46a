"""Writes objects: create, patch what differs, delete. Knows no reconcile and decides no policy.

Every answer goes into the cache at once, so that the next pass sees our own write even before the watch
brings it; without that a pass could create twice. Every write names the object that it was computed from (by
uid, and by hash or version), so that one which comes too late, from this replica or from another, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from frankenpanel_crds.labels import (
    LABEL_DATA_ID,
    LABEL_HOST_ID,
    LABEL_MANAGED_BY,
    LABEL_SITE,
    LABEL_SITE_UID,
    MANAGED_BY,
)

from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.api_errors import AlreadyExistsError, NotFoundError, PatchTestFailedError
from frankenpanel_operator.cluster.blind_writes import BlindWrites
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.client import KubernetesClient, PatchType
from frankenpanel_operator.cluster.patches import (
    build_guarded_patch,
    build_label_tests,
    build_patch,
    build_status_patch,
    hash_of,
    sealed_hash,
    without_hash,
)
from frankenpanel_operator.cluster.resources import resource_of
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    ConflictError,
    ObjectNameTakenError,
    TransientError,
)
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef
from frankenpanel_operator.ports import Change

log = structlog.stdlib.get_logger(__name__)

# What an object shares with one that a deleted Site of the same name left behind.
_NAME_LABELS = (LABEL_MANAGED_BY, LABEL_SITE)
# What is not one Site's, and stays when whom it is for changes: data, and the certificate of a host.
_LASTING_LABELS = (LABEL_DATA_ID, LABEL_HOST_ID)


class KubernetesApplier:
    """Implements `ports.ObjectApplier`."""

    def __init__(self, client: KubernetesClient, cache: MemoryObjectCache, blind_writes: BlindWrites) -> None:
        self._client = client
        self._cache = cache
        self._blind_writes = blind_writes

    async def apply(self, manifest: Manifest, live: Manifest | None) -> Change:
        """Create the object, or patch what differs from `live`; equal means no call."""
        sealed_hash(manifest)
        if live is None:
            await self._create(manifest)
            return Change.CREATED
        _refuse_foreign(manifest, live)
        if live["metadata"].get("deletionTimestamp"):
            # Its end is decided; the watch event that reports it brings the pass that creates it anew.
            return Change.UNCHANGED
        patch = build_patch(manifest, live)
        if not patch:
            return Change.UNCHANGED
        await self._patch(manifest, live, patch)
        return Change.PATCHED

    async def apply_blind(self, manifest: Manifest) -> None:
        """Create or overwrite an object that may never be read back (a Secret)."""
        ref, digest = ObjectRef.of(manifest), sealed_hash(manifest)
        # A digest of secret values has no business on the object, where every reader of metadata sees it.
        manifest = without_hash(manifest)
        if self._blind_writes.is_fresh(ref, digest):
            return
        if self._blind_writes.is_known(ref):
            written = await self._overwrite_blind(manifest) or await self._create_blind(manifest)
        else:
            written = await self._create_blind(manifest) or await self._overwrite_blind(manifest)
        if not written:
            raise ConflictError(f"{ref.kind} {ref.name} appeared and vanished between two writes")
        self._blind_writes.note(ref, digest)

    async def delete(self, ref: ObjectRef, *, uid: str | None = None) -> None:
        """Delete in the background; an object that is gone already, or has another uid, is fine."""
        self._blind_writes.forget(ref)
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            await self._client.delete(resource_of(ref.kind), (ref.namespace, ref.name), options)
        except (NotFoundError, ConflictError):
            return

    async def change_metadata(self, live: Manifest, changes: Mapping[str, Any]) -> None:
        """Merge changes into the metadata of an object as it was read; one that is gone already is fine."""
        ref = ObjectRef.of(live)
        target = (ref.namespace, ref.name)
        patch = {"metadata": {**changes, "resourceVersion": live["metadata"]["resourceVersion"]}}
        try:
            stored = await self._client.patch(resource_of(ref.kind), target, patch, PatchType.MERGE)
        except NotFoundError:
            return
        metadata = stored["metadata"]
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers") and ref.kind != "Pod":
            # That patch took the last finalizer: the answer shows the object as it was when it went.
            self._cache.remove(stored)
        else:
            self._cache.put_own(stored)

    async def write_status(self, live: Manifest, status: Mapping[str, Any]) -> None:
        """Replace the status of an object; one that is gone, or was made anew since, is fine."""
        ref = ObjectRef.of(live)
        target, patch = (ref.namespace, ref.name), build_status_patch(live, status)
        try:
            stored = await self._client.patch(
                resource_of(ref.kind), target, patch, PatchType.JSON, subresource="status"
            )
        except (NotFoundError, PatchTestFailedError):
            return
        self._cache.put_own(stored)

    async def _create(self, desired: Manifest) -> None:
        ref = ObjectRef.of(desired)
        try:
            stored = await self._client.create(resource_of(ref.kind), ref.namespace, desired)
        except AlreadyExistsError:
            await self._judge_name_clash(desired)
            raise ConflictError(f"{ref.kind} {ref.name} exists already; it is in the cache now") from None
        except NotFoundError as error:
            raise ClusterRefusedError(str(error), status=404) from error
        self._cache.put_own(stored)

    async def _judge_name_clash(self, desired: Manifest) -> None:
        """Look once at what has the name: a foreign object is refused, our own goes into the cache."""
        ref = ObjectRef.of(desired)
        try:
            found = await self._client.get(resource_of(ref.kind), ref.namespace, ref.name)
        except NotFoundError:
            return
        found.setdefault("apiVersion", desired["apiVersion"])
        found.setdefault("kind", ref.kind)
        _refuse_foreign(desired, found)
        self._cache.put(found)

    async def _patch(self, desired: Manifest, live: Manifest, patch: list[dict[str, Any]]) -> None:
        ref = ObjectRef.of(desired)
        if hash_of(desired) == hash_of(live):
            metrics.DRIFT_REPAIRED.labels(ref.kind).inc()
            paths = [operation["path"] for operation in patch if operation["op"] != "test"]
            log.info("put right what a foreign hand changed", object=_text(ref), paths=paths)
        target = (ref.namespace, ref.name)
        try:
            stored = await self._client.patch(resource_of(ref.kind), target, patch, PatchType.JSON)
        except (NotFoundError, PatchTestFailedError) as error:
            raise ConflictError(f"{_text(ref)} was deleted, replaced or written meanwhile") from error
        self._cache.put_own(stored)
        if build_patch(desired, stored):
            # The server rewrote a value in a way that drift.py does not know: every pass would patch again.
            log.error("the API server stored something else than was sent", object=_text(ref))

    async def _create_blind(self, manifest: Manifest) -> bool:
        ref = ObjectRef.of(manifest)
        try:
            await self._client.create(resource_of(ref.kind), ref.namespace, manifest)
        except AlreadyExistsError:
            reached(Failpoint.SECRET_FOUND)
            return False
        except NotFoundError as error:
            raise ClusterRefusedError(str(error), status=404) from error
        reached(Failpoint.SECRET_CREATED)
        return True

    async def _overwrite_blind(self, manifest: Manifest) -> bool:
        ref = ObjectRef.of(manifest)
        patch = build_guarded_patch(manifest, _guard_labels(manifest))
        try:
            await self._client.patch(resource_of(ref.kind), (ref.namespace, ref.name), patch, PatchType.JSON)
        except NotFoundError:
            return False
        except PatchTestFailedError as error:
            if await self._is_left_over(manifest):
                raise _not_gone_yet(ref) from error
            raise ObjectNameTakenError(ref.kind, ref.name) from error
        reached(Failpoint.SECRET_OVERWRITTEN)
        return True

    async def _is_left_over(self, manifest: Manifest) -> bool:
        """Say whether an unread object is that of a deleted Site of this name; asked by a patch of tests."""
        if any(name in (manifest["metadata"].get("labels") or {}) for name in _LASTING_LABELS):
            return False
        ref = ObjectRef.of(manifest)
        question = build_label_tests(manifest, _NAME_LABELS)
        try:
            await self._client.patch(
                resource_of(ref.kind), (ref.namespace, ref.name), question, PatchType.JSON
            )
        except PatchTestFailedError:
            return False
        except NotFoundError:
            pass  # The answer, only faster than the question.
        return True


def _refuse_foreign(desired: Manifest, live: Manifest) -> None:
    """Raise unless the live object is ours to write.

    Raises:
        TransientError: it belonged to a deleted Site of the same name, and is about to be collected.
        ObjectNameTakenError: it is another Site's, or nobody's we know.
    """
    wanted = desired["metadata"].get("labels") or {}
    found = live["metadata"].get("labels") or {}
    ref = ObjectRef.of(desired)
    if found.get(LABEL_MANAGED_BY) != wanted.get(LABEL_MANAGED_BY, MANAGED_BY):
        raise ObjectNameTakenError(ref.kind, ref.name)
    if found.get(LABEL_DATA_ID) and found.get(LABEL_DATA_ID) == wanted.get(LABEL_DATA_ID):
        return
    if found.get(LABEL_SITE_UID) == wanted.get(LABEL_SITE_UID):
        return
    if found.get(LABEL_SITE) == wanted.get(LABEL_SITE):
        raise _not_gone_yet(ref)
    raise ObjectNameTakenError(ref.kind, ref.name)


def _not_gone_yet(ref: ObjectRef) -> TransientError:
    return TransientError(f"{ref.kind} {ref.name} of a deleted Site of this name is not gone yet")


def _guard_labels(manifest: Manifest) -> tuple[str, ...]:
    """Name the labels that prove an unread object to be ours: what lasts is known by what it is of."""
    labels = manifest["metadata"].get("labels") or {}
    identity = next((name for name in _LASTING_LABELS if name in labels), LABEL_SITE_UID)
    return (LABEL_MANAGED_BY, identity)


def _text(ref: ObjectRef) -> str:
    return f"{ref.kind} {ref.namespace}/{ref.name}"
