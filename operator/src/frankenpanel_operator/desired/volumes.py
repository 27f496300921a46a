"""Which volumes a Site has: the preset's persistent paths, changed and extended by `spec.storage`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from frankenpanel_crds.conditions import SiteCondition, SiteReason
from frankenpanel_crds.labels import LABEL_STORAGE
from frankenpanel_crds.site import Site
from frankenpanel_crds.site_storage import StorageEntry
from frankenpanel_crds.sitepreset import PersistentPathSpec, SitePreset
from frankenpanel_crds.values import AccessMode

from frankenpanel_operator import naming
from frankenpanel_operator.desired.inputs import PersistentPath
from frankenpanel_operator.desired.problem import Problem
from frankenpanel_operator.desired.quantity import parse_quantity
from frankenpanel_operator.observed import Manifest

DEFAULT_SIZE = "1Gi"


def resolve_storage(
    site: Site, preset: SitePreset | None, data_id: str, retained_claims: Iterable[Manifest]
) -> tuple[tuple[PersistentPath, ...] | None, tuple[Problem, ...]]:
    """Return the volumes in a stable order, or None with the problems that keep them from being decided.

    A problem with one volume withholds all: pods cannot start with a part of their volumes.
    """
    if preset is None:
        return None, ()
    claims = {_storage_name(claim): str(claim["metadata"]["name"]) for claim in retained_claims}
    # What the Site was given once it keeps: retained volumes are not named after it.
    names = {entry.name: entry.claim_name for entry in site.status.storage} | claims
    presets = {path.name: path for path in preset.spec.persistent_paths}
    entries = {entry.name: entry for entry in site.spec.storage}
    problems = [*_entry_problems(site, presets), *_retained_problems(site, {**presets, **entries}, names)]
    paths = tuple(
        _path(
            name,
            presets.get(name),
            entries.get(name),
            names.get(name) or naming.volume_claim_name(site.metadata.name, name, data_id),
        )
        for name in dict.fromkeys([*presets, *entries])
    )
    problems += [*_overlaps(paths), *_replica_problems(site, paths)]
    blocking = [problem for problem in problems if problem.reason is not SiteReason.ACCESS_MODE_CONFLICT]
    return (None if blocking else paths), tuple(problems)


def is_single_node(storage: Iterable[PersistentPath]) -> bool:
    """Say whether a volume ties all pods of the Site to one node."""
    return any(path.access == AccessMode.READ_WRITE_ONCE for path in storage)


def _path(
    name: str, preset: PersistentPathSpec | None, entry: StorageEntry | None, claim_name: str
) -> PersistentPath:
    mount_path = (entry.mount_path if entry else None) or (preset.mount_path if preset else None) or ""
    size = (entry.size if entry else None) or (preset.size if preset else None) or DEFAULT_SIZE
    return PersistentPath(
        name=name,
        mount_path=posixpath.normpath(mount_path) if mount_path else "",
        size=size,
        storage_class=entry.storage_class if entry else None,
        access=((entry.access if entry else None) or AccessMode.READ_WRITE_ONCE).value,
        claim_name=claim_name,
    )


def _entry_problems(site: Site, presets: Mapping[str, PersistentPathSpec]) -> list[Problem]:
    problems = []
    for entry in site.spec.storage:
        field = f"spec.storage[{entry.name}]"
        preset = presets.get(entry.name)
        if preset is None and entry.mount_path is None:
            known = ", ".join(presets) or "none"
            problems.append(
                _invalid(
                    f"{field} has no mountPath; set it, or use the name of a volume of the preset ({known})."
                )
            )
        if preset is not None and entry.mount_path not in (None, preset.mount_path):
            problems.append(
                _invalid(
                    f"{field}.mountPath must be {preset.mount_path} like in the preset; remove it, or choose "
                    "another name for an additional volume."
                )
            )
        if entry.size is not None and parse_quantity(entry.size) is None:
            problems.append(_invalid(f"{field}.size must be more than nothing; set it for example to 2Gi."))
    return problems


def _overlaps(paths: tuple[PersistentPath, ...]) -> list[Problem]:
    return [
        _invalid(
            f"The volumes {outer.name} ({outer.mount_path}) and {inner.name} ({inner.mount_path}) overlap; "
            f"give spec.storage[{inner.name}].mountPath a folder of its own."
        )
        for outer in paths
        for inner in paths
        if outer is not inner
        and outer.mount_path
        and _contains(outer, inner)
        and (outer.mount_path != inner.mount_path or outer.name < inner.name)
    ]


def _contains(outer: PersistentPath, inner: PersistentPath) -> bool:
    return f"{inner.mount_path}/".startswith(f"{outer.mount_path}/")


def _replica_problems(site: Site, paths: tuple[PersistentPath, ...]) -> list[Problem]:
    """Report what cannot work on several nodes; the Site then runs with one pod instead of none."""
    replicas = site.spec.scaling.replicas
    if replicas == 1 or not is_single_node(paths):
        return []
    tied = ", ".join(path.name for path in paths if path.access == AccessMode.READ_WRITE_ONCE)
    message = (
        f"spec.scaling.replicas is {replicas}, but only one pod can use the ReadWriteOnce volumes ({tied}); "
        "set it to 1, or use volumes with access: ReadWriteMany."
    )
    return [Problem(SiteCondition.STORAGE_READY, SiteReason.ACCESS_MODE_CONFLICT, message)]


def _retained_problems(
    site: Site, wanted: Mapping[str, object], known: Mapping[str, str | None]
) -> list[Problem]:
    source = site.spec.bootstrap_from
    if source is None or not wanted or known:
        return []
    message = (
        f"No volumes of a deleted Site with the uid {source.retained.uid} are kept in this namespace; delete "
        "this Site and create it with the right spec.bootstrapFrom.retained.uid, or without to start empty."
    )
    return [Problem(SiteCondition.STORAGE_READY, SiteReason.RETAINED_DATA_NOT_FOUND, message)]


def _storage_name(claim: Manifest) -> str:
    return str(claim["metadata"].get("labels", {}).get(LABEL_STORAGE, ""))


def _invalid(message: str) -> Problem:
    return Problem(SiteCondition.STORAGE_READY, SiteReason.STORAGE_INVALID, message)
