"""Labels, annotations and owner references of every owned object, from one component table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from frankenpanel_crds import labels
from frankenpanel_crds.group import API_VERSION
from frankenpanel_crds.labels import Component
from frankenpanel_crds.site import Site

from frankenpanel_operator.observed import Manifest, OwnedKind

COMPONENTS: Mapping[OwnedKind, Component] = {
    OwnedKind.SERVICE_ACCOUNT: Component.CONFIG,
    OwnedKind.CONFIG_MAP: Component.CONFIG,
    OwnedKind.SECRET: Component.CONFIG,
    OwnedKind.PERSISTENT_VOLUME_CLAIM: Component.DATA,
    OwnedKind.SERVICE: Component.WEB,
    OwnedKind.NETWORK_POLICY: Component.CONFIG,
    OwnedKind.JOB: Component.INSTALL,
    OwnedKind.DEPLOYMENT: Component.WEB,
}
"""What each owned kind is for; the database Secret alone differs and says so (it is data)."""

_API_VERSIONS: Mapping[OwnedKind, str] = {
    OwnedKind.NETWORK_POLICY: "networking.k8s.io/v1",
    OwnedKind.JOB: "batch/v1",
    OwnedKind.DEPLOYMENT: "apps/v1",
}

_HASH_LENGTH = 16

Built = tuple[Manifest, ...] | None
"""What a builder returns: the objects that must exist (perhaps none), or None while that is undecided."""


def owned_object(
    kind: OwnedKind, site: Site, name: str, body: Mapping[str, Any], *, component: Component | None = None
) -> Manifest:
    """Build an object that goes when its Site goes; its component is that of its kind unless given."""
    metadata = {
        "name": name,
        "namespace": site.metadata.namespace,
        "labels": owned_labels(site, component or COMPONENTS[kind]),
        "ownerReferences": [owner_reference(site)],
    }
    return seal({**_type(kind), "metadata": metadata, **body})


def data_object(
    kind: OwnedKind, site: Site, name: str, extra_labels: Mapping[str, str], body: Mapping[str, Any]
) -> Manifest:
    """Build an object that outlives its Site, until somebody decides about the data: nothing owns it."""
    metadata = {
        "name": name,
        "namespace": site.metadata.namespace,
        # Said either way, so that data which is taken up again loses the mark without a removal.
        "labels": {**owned_labels(site, Component.DATA), labels.LABEL_RETAINED: "false", **extra_labels},
    }
    return seal({**_type(kind), "metadata": metadata, **body})


def owned_labels(site: Site, component: Component) -> dict[str, str]:
    """Return all labels of an owned object; nothing is copied from the Site's own labels.

    Copied labels would make tools that track by label (Argo CD) take owned objects for their own.
    """
    return {
        labels.LABEL_NAME: site.spec.source.preset.name,
        labels.LABEL_INSTANCE: site.metadata.name,
        labels.LABEL_COMPONENT: component.value,
        labels.LABEL_PART_OF: labels.PART_OF,
        labels.LABEL_MANAGED_BY: labels.MANAGED_BY,
        labels.LABEL_SITE: site.metadata.name,
        labels.LABEL_SITE_UID: site.metadata.uid or "",
    }


def selector(site: Site, component: Component) -> dict[str, str]:
    """Return what selects the pods of one component; never changes, as a Deployment's selector must not."""
    return {labels.LABEL_SITE_UID: site.metadata.uid or "", labels.LABEL_COMPONENT: component.value}


def owner_reference(site: Site) -> Manifest:
    """Return the reference by which an object is deleted together with its Site."""
    return {
        "apiVersion": API_VERSION,
        "kind": Site.NAMES.kind,
        "name": site.metadata.name,
        "uid": site.metadata.uid,
        "controller": True,
        # True would let the garbage collector wait for the object before it lets go of the Site.
        "blockOwnerDeletion": False,
    }


def seal(manifest: Manifest) -> Manifest:
    """Return the manifest with the hash by which the operator sees that there is nothing to write.

    An older hash does not count, so that a manifest which changed after it was sealed can be sealed again.
    """
    metadata = manifest["metadata"]
    others = {
        key: value for key, value in metadata.get("annotations", {}).items() if key != labels.ANNOTATION_HASH
    }
    digest = content_hash({**manifest, "metadata": {**metadata, "annotations": others}})
    return {**manifest, "metadata": {**metadata, "annotations": {**others, labels.ANNOTATION_HASH: digest}}}


def content_hash(value: object) -> str:
    """Return a digest (16 hex digits) that is the same for the same content in any order of keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:_HASH_LENGTH]


def _type(kind: OwnedKind) -> Manifest:
    return {"apiVersion": _API_VERSIONS.get(kind, "v1"), "kind": kind.value}
