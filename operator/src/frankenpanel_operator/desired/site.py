"""The complete set of objects that a Site owns, when each may be created, and which are left over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from frankenpanel_crds import labels
from frankenpanel_crds.site import Site

from frankenpanel_operator.desired.admin_secret import build_admin_secret
from frankenpanel_operator.desired.config_secret import build_config_secret
from frankenpanel_operator.desired.configmap import build_configmap
from frankenpanel_operator.desired.database_secret import build_database_secret
from frankenpanel_operator.desired.deployment import build_deployment
from frankenpanel_operator.desired.evidence import secrets_digest, with_evidence
from frankenpanel_operator.desired.inputs import SiteInputs
from frankenpanel_operator.desired.install_job import build_install_job
from frankenpanel_operator.desired.metadata import Built, seal
from frankenpanel_operator.desired.networkpolicy import build_networkpolicy
from frankenpanel_operator.desired.persistentvolumeclaim import (
    build_persistentvolumeclaims,
    immutable_difference,
)
from frankenpanel_operator.desired.service import build_service
from frankenpanel_operator.desired.serviceaccount import build_serviceaccount
from frankenpanel_operator.observed import Manifest, ObjectRef, ObservedSite, OwnedKind


class Stage(IntEnum):
    """When an object may come into being; once it exists, it is always kept up to date."""

    PREPARE = 1
    """At once: nothing runs yet."""
    INSTALL = 2
    """Once the database is ready."""
    SERVE = 3
    """Once the application is set up."""


@dataclass(frozen=True, slots=True)
class DesiredObject:
    """One manifest and the stage that it belongs to."""

    stage: Stage
    manifest: Manifest

    @property
    def ref(self) -> ObjectRef:
        """Name the object."""
        return ObjectRef.of(self.manifest)


@dataclass(frozen=True, slots=True)
class DesiredSite:
    """What one Site should own, in apply order.

    Objects of a `withheld` kind could not be decided: what exists of them is neither changed nor pruned.
    """

    site_uid: str
    objects: tuple[DesiredObject, ...]
    withheld: frozenset[OwnedKind]

    def find(self, kind: OwnedKind) -> Manifest | None:
        """Return the first manifest of a kind."""
        return next((item.manifest for item in self.objects if item.manifest["kind"] == kind), None)

    def all(self, kind: OwnedKind) -> tuple[Manifest, ...]:
        """Return all manifests of a kind."""
        return tuple(item.manifest for item in self.objects if item.manifest["kind"] == kind)


_BUILDERS: tuple[tuple[Stage, OwnedKind, Callable[[Site, SiteInputs], Built]], ...] = (
    (Stage.PREPARE, OwnedKind.SERVICE_ACCOUNT, build_serviceaccount),
    # Before any pod: the network is closed when the first of them starts.
    (Stage.PREPARE, OwnedKind.NETWORK_POLICY, build_networkpolicy),
    (Stage.PREPARE, OwnedKind.PERSISTENT_VOLUME_CLAIM, build_persistentvolumeclaims),
    (Stage.PREPARE, OwnedKind.SECRET, build_database_secret),
    (Stage.PREPARE, OwnedKind.SECRET, build_config_secret),
    (Stage.PREPARE, OwnedKind.SECRET, build_admin_secret),
    (Stage.PREPARE, OwnedKind.CONFIG_MAP, build_configmap),
    (Stage.PREPARE, OwnedKind.SERVICE, build_service),
    (Stage.INSTALL, OwnedKind.JOB, build_install_job),
    (Stage.SERVE, OwnedKind.DEPLOYMENT, build_deployment),
)

# Data is never pruned (it goes by its own rules, when the Site goes), and Secrets are never seen.
_PRUNABLE = frozenset(OwnedKind) - {OwnedKind.PERSISTENT_VOLUME_CLAIM, OwnedKind.SECRET}


def desired_site(site: Site, inputs: SiteInputs) -> DesiredSite:
    """Compute everything the Site should own from its spec and the decided inputs."""
    objects: list[DesiredObject] = []
    withheld: set[OwnedKind] = set()
    for stage, kind, build in _BUILDERS:
        built = build(site, inputs)
        if built is None:
            withheld.add(kind)
        else:
            objects += [DesiredObject(stage, manifest) for manifest in built]
    proven = tuple(_with_evidence(item, objects, inputs) for item in objects)
    return DesiredSite(site.metadata.uid or "", proven, frozenset(withheld))


def released(
    desired: DesiredSite, observed: ObservedSite, *, database_ready: bool
) -> tuple[DesiredObject, ...]:
    """Return what may be written now, in apply order.

    `database_ready` is also true where the Site wants no database.
    """
    return tuple(
        _as_far_as_possible(item, observed)
        for item in desired.objects
        if item.ref in observed.objects or _may_be_created(item.stage, desired, observed, database_ready)
    )


def prunable(desired: DesiredSite, observed: ObservedSite) -> tuple[ObjectRef, ...]:
    """Return owned objects that are no longer desired, data and undecided kinds excepted."""
    wanted = {item.ref for item in desired.objects}
    kinds = _PRUNABLE - desired.withheld
    return tuple(
        ref
        for ref, body in observed.objects.items()
        if ref.kind in kinds and ref not in wanted and _is_owned(body, desired.site_uid)
    )


def is_job_complete(job: Manifest | None) -> bool:
    """Say whether a Job has succeeded."""
    conditions = (job or {}).get("status", {}).get("conditions", [])
    return any(item["type"] == "Complete" and item["status"] == "True" for item in conditions)


def is_installed(desired: DesiredSite, observed: ObservedSite) -> bool:
    """Say whether nothing is left to set up: no install Job is desired, or it has succeeded."""
    job = desired.find(OwnedKind.JOB)
    return job is None or is_job_complete(observed.objects.get(ObjectRef.of(job)))


def _with_evidence(item: DesiredObject, objects: list[DesiredObject], inputs: SiteInputs) -> DesiredObject:
    """Let the Deployment, which is applied last, say which Secrets were written before it."""
    if item.manifest["kind"] != OwnedKind.DEPLOYMENT:
        return item
    digest = secrets_digest(tuple(other.manifest for other in objects), inputs.credentials)
    return DesiredObject(item.stage, with_evidence(item.manifest, digest))


def _may_be_created(stage: Stage, desired: DesiredSite, observed: ObservedSite, database_ready: bool) -> bool:
    if stage is Stage.SERVE:
        return is_installed(desired, observed)
    if stage is Stage.INSTALL:
        # Two installations at once would disturb each other: a Job that is out of date has to go first.
        return database_ready and not any(ref.kind == OwnedKind.JOB for ref in observed.objects)
    return True


def _as_far_as_possible(item: DesiredObject, observed: ObservedSite) -> DesiredObject:
    """Leave the spec of claims alone whose change every API server refuses; StorageReady says what to undo.

    Their labels are written all the same: a volume that is in use must not go on to pass for retained.
    """
    live = observed.objects.get(item.ref)
    if live is None or item.manifest["kind"] != OwnedKind.PERSISTENT_VOLUME_CLAIM:
        return item
    if immutable_difference(item.manifest, live) is None:
        return item
    spec = {**item.manifest["spec"], "resources": live["spec"]["resources"]}
    return DesiredObject(item.stage, seal({**item.manifest, "spec": spec}))


def _is_owned(body: Manifest, site_uid: str) -> bool:
    """Ask for label and owner reference both: a label alone could be copied by a person."""
    metadata = body["metadata"]
    owners = metadata.get("ownerReferences", [])
    return (
        metadata.get("labels", {}).get(labels.LABEL_SITE_UID) == site_uid
        and any(owner.get("uid") == site_uid for owner in owners)
        and "deletionTimestamp" not in metadata
    )
