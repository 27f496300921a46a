"""What is kept of each kind: the fields that somebody here reads, and nothing else; pure.

A change of anything else is no change to this operator: nobody is woken and nothing is compared for it. So
whoever reads a new field of a cached object adds it here. Three groups are read:

* metadata, with labels and annotations reduced to those that are ours;
* of an owned object the sections that `patches` compares;
* of its status what the checks in `status` look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from frankenpanel_crds import labels

from frankenpanel_operator.cluster.patches import SECTIONS
from frankenpanel_operator.observed import Manifest

Shape = Mapping[str, Any] | tuple[Any] | Callable[[Any], Any] | None
"""Which part of a value is kept: None all of it, a mapping these members, a tuple of one shape of each item,
a function what it returns."""

FOREIGN = ""
"""Stands in a map of labels or annotations for all that are not ours; no real one can be called so.

A JSON Patch has to know whether the map exists: adding it anew would drop what others put there. Only kinds
that are patched need it; elsewhere the first foreign entry would pass for a change.
"""

# Those of them that we made and patch have our labels, so the map exists.
_MOSTLY_WRITTEN_BY_PEOPLE = frozenset({"Domain"})

_TYPE = ("apiVersion", "kind")
_METADATA = (
    "name",
    "namespace",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "ownerReferences",
)
_MAX_LAST_WORD_LENGTH = 200
_OUR_KEYS = frozenset(key for name, key in vars(labels).items() if name.startswith(("LABEL_", "ANNOTATION_")))


def _scheduling(conditions: list[Manifest]) -> list[Manifest]:
    """Keep of a pod's conditions the one that says whether a node took it."""
    return [item for item in conditions if item.get("type") == "PodScheduled"]


def _short(message: object) -> str:
    """Keep the beginning of what a container left as its last word, which may be a whole page."""
    return str(message)[:_MAX_LAST_WORD_LENGTH]


_CONDITIONS = ({"type": None, "status": None, "reason": None, "message": None},)
_EXIT = {"exitCode": None, "reason": None, "message": _short}
_CONTAINERS = (
    {
        "name": None,
        "image": None,
        "state": {"waiting": {"reason": None, "message": None}, "terminated": _EXIT},
        "lastState": {"terminated": _EXIT},
    },
)
_OURS: Shape = {"spec": None, "status": None}
_STATUS: Mapping[str, Shape] = {
    "Deployment": {
        "observedGeneration": None,
        "replicas": None,
        "updatedReplicas": None,
        "readyReplicas": None,
        "availableReplicas": None,
        "conditions": _CONDITIONS,
    },
    "Job": {"conditions": _CONDITIONS},
    "PersistentVolumeClaim": {"phase": None, "capacity": None},
    "Pod": {
        "conditions": _scheduling,
        "initContainerStatuses": _CONTAINERS,
        "containerStatuses": _CONTAINERS,
    },
}
_READ_OF_SPEC: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "PersistentVolumeClaim": (("spec", "resources"), ("spec", "accessModes"), ("spec", "storageClassName")),
    "Service": (("spec", "clusterIP"),),
}
"""What is read beside the sections that are compared."""


def project(body: Manifest) -> Manifest:
    """Return a new object with what is kept of this one, its resourceVersion and managedFields left out."""
    kept: Manifest = {name: body[name] for name in _TYPE if name in body}
    is_patched = body["kind"] in SECTIONS and body["kind"] not in _MOSTLY_WRITTEN_BY_PEOPLE
    kept["metadata"] = _project_metadata(body["metadata"], is_patched=is_patched)
    kept.update(_cut(body, _SHAPES.get(body["kind"], _OURS)))
    return kept


def _project_metadata(metadata: Manifest, *, is_patched: bool) -> Manifest:
    kept = {name: metadata[name] for name in _METADATA if name in metadata}
    for field in ("labels", "annotations"):
        found = metadata.get(field)
        ours = _ours_of(found, is_patched=is_patched) if found else None
        if ours:
            kept[field] = ours
    return kept


def _ours_of(found: Mapping[str, str], *, is_patched: bool) -> dict[str, str]:
    if _OUR_KEYS.issuperset(found):
        return dict(found)
    ours = {key: found[key] for key in found if key in _OUR_KEYS}
    return {**ours, FOREIGN: ""} if is_patched else ours


def _cut(value: Any, shape: Shape) -> Any:
    """Return the part of a value that a shape keeps; a value of another form is kept as it is."""
    if shape is None:
        return value
    if isinstance(shape, tuple):
        return [_cut(item, shape[0]) for item in value] if isinstance(value, list) else value
    if not isinstance(shape, Mapping):
        return shape(value)
    if not isinstance(value, dict):
        return value
    return {name: _cut(value[name], inner) for name, inner in shape.items() if name in value}


def _shape_of(kind: str) -> Shape:
    shape: dict[str, Any] = {}
    for path in (*SECTIONS.get(kind, ()), *_READ_OF_SPEC.get(kind, ())):
        _keep(shape, path)
    if kind in _STATUS:
        shape["status"] = _STATUS[kind]
    return shape


def _keep(shape: dict[str, Any], path: tuple[str, ...]) -> None:
    """Add a path; what is kept as a whole already stays so."""
    *outer, last = path
    for name in outer:
        shape = shape.setdefault(name, {})
        if shape is None:
            return
    shape[last] = None


_SHAPES: Mapping[str, Shape] = {
    kind: _shape_of(kind)
    for kind in (
        "ServiceAccount",
        "ConfigMap",
        "PersistentVolumeClaim",
        "Service",
        "NetworkPolicy",
        "Job",
        "Deployment",
        "Pod",
    )
}
"""Of the kinds that are missing here, our own, spec and status are kept as they are."""
