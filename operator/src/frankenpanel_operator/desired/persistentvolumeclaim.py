"""The PersistentVolumeClaims of a Site, one per persistent path; they outlive the Site."""

from __future__ import annotations

from typing import Any

from frankenpanel_crds import labels
from frankenpanel_crds.site import Site

from frankenpanel_operator.desired.inputs import PersistentPath, SiteInputs
from frankenpanel_operator.desired.metadata import Built, data_object
from frankenpanel_operator.desired.quantity import parse_quantity
from frankenpanel_operator.observed import Manifest, OwnedKind


def build_persistentvolumeclaims(site: Site, inputs: SiteInputs) -> Built:
    """Build one claim per volume; undecided while the preset is, since it names the volumes."""
    if inputs.storage is None:
        return None
    return tuple(_claim(site, inputs, path) for path in inputs.storage)


def immutable_difference(desired: Manifest, live: Manifest) -> str | None:
    """Return which field of a claim (class, access, size) differs as no volume can follow, or None."""
    wanted, found = desired["spec"], live.get("spec", {})
    if "storageClassName" in wanted and wanted["storageClassName"] != found.get("storageClassName"):
        return "class"
    if wanted["accessModes"] != found.get("accessModes"):
        return "access"
    size = parse_quantity(_requested(wanted))
    current = parse_quantity(_requested(found))
    return "size" if size is not None and current is not None and size < current else None


def _claim(site: Site, inputs: SiteInputs, path: PersistentPath) -> Manifest:
    spec: dict[str, Any] = {
        "accessModes": [path.access],
        "resources": {"requests": {"storage": path.size}},
    }
    if path.storage_class is not None:
        spec["storageClassName"] = path.storage_class
    extra_labels = {labels.LABEL_DATA_ID: inputs.data_id, labels.LABEL_STORAGE: path.name}
    return data_object(OwnedKind.PERSISTENT_VOLUME_CLAIM, site, path.claim_name, extra_labels, {"spec": spec})


def _requested(spec: Manifest) -> str:
    return str(spec.get("resources", {}).get("requests", {}).get("storage", ""))
