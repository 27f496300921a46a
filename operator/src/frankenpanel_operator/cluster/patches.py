"""Builds the JSON Patch that brings a live object back to its manifest; pure.

A patch replaces whole *sections*, the parts of a kind that are ours alone. Everything else on the object
(immutable fields, what other controllers write, foreign labels) is never mentioned. No section has a second
writer, so nothing here needs a server-side apply with its share of managed fields.

A patch says first what it was computed from: the object's uid, and the hash that it carried then. An object
that was replaced, or that another replica has written since, refuses it as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from frankenpanel_crds.labels import ANNOTATION_HASH

from frankenpanel_operator.cluster.drift import drifted
from frankenpanel_operator.observed import Manifest

Operation = dict[str, Any]

SECTIONS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ServiceAccount": (("automountServiceAccountToken",),),
    "ConfigMap": (("data",),),
    "Secret": (("data",), ("stringData",)),
    "PersistentVolumeClaim": (("spec", "resources", "requests"),),
    "Service": (("spec", "ports"), ("spec", "selector")),
    "NetworkPolicy": (("spec",),),
    "Deployment": (
        ("spec", "replicas"),
        ("spec", "template"),
        ("spec", "strategy"),
        ("spec", "minReadySeconds"),
        ("spec", "revisionHistoryLimit"),
        ("spec", "progressDeadlineSeconds"),
    ),
    "Domain": (("spec",),),
    "DomainClaim": (("spec",),),
}
"""The sections of each kind. A kind that is missing here (Job) is created and never changed."""


def hash_of(manifest: Manifest) -> str | None:
    """Return the hash that an object carries, or None where it carries none."""
    value: str | None = (manifest["metadata"].get("annotations") or {}).get(ANNOTATION_HASH)
    return value


def sealed_hash(manifest: Manifest) -> str:
    """Return the hash that `desired.metadata.seal` gave a manifest.

    Raises:
        ValueError: it has none; what cannot be recognised again must not be written.
    """
    value = hash_of(manifest)
    if value is None:
        raise ValueError(f"{manifest['kind']} {manifest['metadata'].get('name')} is not sealed")
    return value


def without_hash(manifest: Manifest) -> Manifest:
    """Return the manifest without its hash, for what nobody reads back."""
    metadata = manifest["metadata"]
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != ANNOTATION_HASH}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def build_patch(desired: Manifest, live: Manifest) -> list[Operation]:
    """Return the operations that make `live` what `desired` (sealed) says; empty if it is already.

    With an equal hash only a foreign hand can have changed something, and only drifted sections are replaced.
    With another hash every section is, because a field that is no longer desired cannot be seen by comparing.
    """
    kind = desired["kind"]
    if kind not in SECTIONS:
        return []
    is_same_hash = hash_of(live) == sealed_hash(desired)
    changes = [
        operation
        for path in SECTIONS[kind]
        for operation in _section_operations(path, desired, live, only_drifted=is_same_hash)
    ]
    changes += _map_operations("labels", desired, live)
    changes += _map_operations("annotations", desired, live)
    changes += _owner_operations(desired, live)
    return [*_preconditions(live), *changes] if changes else []


def build_status_patch(live: Manifest, status: Mapping[str, Any]) -> list[Operation]:
    """Return a patch that replaces the status as a whole, so that nothing that no longer applies stays."""
    return [_uid_test(live), {"op": "add", "path": "/status", "value": status}]


def build_guarded_patch(desired: Manifest, ownership_labels: tuple[str, ...]) -> list[Operation]:
    """Return a patch for an object that may not be read: it tests our labels before it touches anything."""
    labels = desired["metadata"].get("labels") or {}
    sections = [
        {"op": "add", "path": _pointer(path), "value": _lookup(desired, path)}
        for path in SECTIONS[desired["kind"]]
        if _lookup(desired, path) is not None
    ]
    others = [
        {"op": "add", "path": f"/metadata/labels/{escape(name)}", "value": value}
        for name, value in labels.items()
        if name not in ownership_labels
    ]
    owners = desired["metadata"].get("ownerReferences")
    # Whoever owns it may be another one by now, and nothing of the old owners may stay.
    owned = [{"op": "add", "path": "/metadata/ownerReferences", "value": owners}] if owners else []
    return [*build_label_tests(desired, ownership_labels), *sections, *others, *owned]


def build_label_tests(desired: Manifest, names: tuple[str, ...]) -> list[Operation]:
    """Return a patch that changes nothing and fails where a label of the object is not the desired one."""
    labels = desired["metadata"].get("labels") or {}
    return [
        {"op": "test", "path": f"/metadata/labels/{escape(name)}", "value": labels[name]} for name in names
    ]


def escape(segment: str) -> str:
    """Write a key as one segment of a JSON Pointer (RFC 6901)."""
    return segment.replace("~", "~0").replace("/", "~1")


def _preconditions(live: Manifest) -> list[Operation]:
    """Return tests that hold as long as nobody replaced or rewrote the object since it was read."""
    metadata = live["metadata"]
    found = hash_of(live)
    if found is None:
        # A foreign hand took the hash, so nothing less than the version tells what the object is now.
        version = {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}
        return [_uid_test(live), version]
    path = f"/metadata/annotations/{escape(ANNOTATION_HASH)}"
    return [_uid_test(live), {"op": "test", "path": path, "value": found}]


def _uid_test(live: Manifest) -> Operation:
    return {"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]}


def _section_operations(
    path: tuple[str, ...], desired: Manifest, live: Manifest, *, only_drifted: bool
) -> Iterator[Operation]:
    wanted, found = _lookup(desired, path), _lookup(live, path)
    if wanted is None or (only_drifted and not drifted(wanted, found, path[-1])):
        return
    missing = next((depth for depth in range(1, len(path)) if _lookup(live, path[:depth]) is None), len(path))
    for name in reversed(path[missing:]):
        wanted = {name: wanted}
    # "add" replaces an existing member of an object as well.
    yield {"op": "add", "path": _pointer(path[:missing]), "value": wanted}


def _map_operations(field: str, desired: Manifest, live: Manifest) -> Iterator[Operation]:
    wanted = desired["metadata"].get(field) or {}
    found = live["metadata"].get(field)
    if not found:
        if wanted:
            yield {"op": "add", "path": f"/metadata/{field}", "value": wanted}
        return
    for name, value in wanted.items():
        if found.get(name) != value:
            yield {"op": "add", "path": f"/metadata/{field}/{escape(name)}", "value": value}


def _owner_operations(desired: Manifest, live: Manifest) -> Iterator[Operation]:
    wanted = desired["metadata"].get("ownerReferences") or []
    found = live["metadata"].get("ownerReferences") or []
    if any(all(drifted(reference, other) for other in found) for reference in wanted):
        yield {"op": "add", "path": "/metadata/ownerReferences", "value": wanted}


def _lookup(manifest: Manifest, path: tuple[str, ...]) -> Any:
    value: Any = manifest
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _pointer(path: tuple[str, ...]) -> str:
    return "".join(f"/{escape(name)}" for name in path)
