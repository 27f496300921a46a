"""The reconcile of a Site: the same for its creation, an edit, drift, a restart and the periodic resync."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from frankenpanel_crds import labels
from frankenpanel_crds.conditions import SiteCondition, find_condition
from frankenpanel_crds.site import Site
from pydantic import ValidationError

from frankenpanel_operator.desired.evidence import are_secrets_written
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.resolution import Resolution, data_owner_uid, wants_database
from frankenpanel_operator.desired.site import (
    DesiredObject,
    DesiredSite,
    Stage,
    desired_site,
    prunable,
    released,
)
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.errors import (
    ConflictError,
    DatabaseUnavailableError,
    FrankenPanelError,
    NamespaceTerminatingError,
)
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.naming import database_name
from frankenpanel_operator.observed import Manifest, ObjectRef, ObservedSite, OwnedKind
from frankenpanel_operator.ports import (
    Change,
    Clock,
    DatabaseAccount,
    DatabaseAddress,
    DatabaseProvisioner,
    EventRecorder,
    ObjectApplier,
    ObjectCache,
)
from frankenpanel_operator.reconcilers.finalizers import ensure_finalizer, has_finalizer
from frankenpanel_operator.reconcilers.site_deletion import SiteDeletion
from frankenpanel_operator.reconcilers.site_scene import SiteScene
from frankenpanel_operator.reconcilers.statuses import telling_defects, write_raw_status
from frankenpanel_operator.status.facts import Progress
from frankenpanel_operator.status.site import site_status
from frankenpanel_operator.status.whole import deleting_status, spec_invalid_status

_APPLIED = {
    OwnedKind.SERVICE_ACCOUNT: Failpoint.SERVICE_ACCOUNT_APPLIED,
    OwnedKind.NETWORK_POLICY: Failpoint.NETWORK_POLICY_APPLIED,
    OwnedKind.PERSISTENT_VOLUME_CLAIM: Failpoint.VOLUME_CLAIM_APPLIED,
    OwnedKind.CONFIG_MAP: Failpoint.CONFIG_MAP_APPLIED,
    OwnedKind.SERVICE: Failpoint.SERVICE_APPLIED,
    OwnedKind.JOB: Failpoint.JOB_APPLIED,
    OwnedKind.DEPLOYMENT: Failpoint.DEPLOYMENT_APPLIED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReconciler:
    """Brings one Site after another to its desired state, and says in its status how far it got."""

    cache: ObjectCache
    applier: ObjectApplier
    databases: DatabaseProvisioner
    events: EventRecorder
    clock: Clock
    platform_key: bytes = field(repr=False)
    platform: Platform

    async def reconcile(self, key: Key) -> Outcome:
        """Observe, compute, apply, report.

        Raises:
            FrankenPanelError: a step failed; the status says so, and what did not depend on it is done.
        """
        body = self.cache.get(ObjectRef(Site.NAMES.kind, key.namespace, key.name))
        if body is None:
            return Outcome()
        # In a namespace that goes nothing new can be made; the deletion of the Site itself comes next.
        with suppress(NamespaceTerminatingError):
            async with telling_defects(self.applier, body, self.clock):
                await self._reconcile(body)
        return Outcome()

    async def _reconcile(self, body: Manifest) -> None:
        try:
            site = Site.parse(body)
        except ValidationError as error:
            await write_raw_status(self.applier, body, spec_invalid_status(body, error, self.clock.now()))
            return
        scene = SiteScene(cache=self.cache, platform_key=self.platform_key, platform=self.platform)
        resolution = scene.resolve(site)
        if site.metadata.is_deleting:
            await self._finalize(site, body, resolution)
        elif site.spec.paused:
            await self._report_paused(site, resolution, scene.observe(site))
        else:
            if await ensure_finalizer(self.applier, body, labels.FINALIZER_DATA):
                reached(Failpoint.SITE_FINALIZER_ADDED)
            await self._converge(site, resolution, scene)

    async def _converge(self, site: Site, resolution: Resolution, scene: SiteScene) -> None:
        database_error = await self._provision_database(site, resolution)
        is_database_ready = resolution.inputs.database is not None and database_error is None
        desired = desired_site(site, resolution.inputs)
        may_use_database = is_database_ready or not wants_database(site)
        apply_error = await self._apply(desired, scene.observe(site), database_ready=may_use_database)
        progress = Progress(is_database_ready, database_error, apply_error, desired)
        await self._report(site, resolution, scene.observe(site), progress)
        for error in (apply_error, database_error):
            if error is not None:
                raise error

    async def _provision_database(self, site: Site, resolution: Resolution) -> FrankenPanelError | None:
        database = resolution.inputs.database
        if database is None:
            return None
        server = DatabaseAddress(
            server_name=database.server_name,
            host=database.host,
            port=database.port,
            admin_secret=database.admin_secret,
        )
        password = resolution.inputs.credentials.database_password
        try:
            await self.databases.ensure(server, _account(site, resolution), password)
        except FrankenPanelError as error:
            return error
        reached(Failpoint.DATABASE_ENSURED)
        return None

    async def _apply(
        self, desired: DesiredSite, observed: ObservedSite, *, database_ready: bool
    ) -> FrankenPanelError | None:
        """Write what may be written now, then prune; return the first refusal; the rest goes on."""
        first_error: FrankenPanelError | None = None
        skip_secrets = _are_secrets_written(desired, observed)
        for item in released(desired, observed, database_ready=database_ready):
            if first_error is not None and item.stage is not Stage.PREPARE:
                # Pods change only when what they stand on is written; the Deployment is the proof of it.
                continue
            try:
                await self._write(item, observed, skip_secrets=skip_secrets)
            except (ConflictError, NamespaceTerminatingError):
                # The rest of the pass would rest on what is out of date, or be refused just the same.
                raise
            except FrankenPanelError as error:
                first_error = first_error or error
        for ref in prunable(desired, observed):
            await self.applier.delete(ref, uid=observed.objects[ref]["metadata"]["uid"])
            reached(Failpoint.OBJECT_PRUNED)
        return first_error

    async def _write(self, item: DesiredObject, observed: ObservedSite, *, skip_secrets: bool) -> None:
        if item.ref.kind != OwnedKind.SECRET:
            change = await self.applier.apply(item.manifest, observed.objects.get(item.ref))
            if change is not Change.UNCHANGED:
                reached(_APPLIED[OwnedKind(item.ref.kind)])
        elif not skip_secrets:
            await self.applier.apply_blind(item.manifest)

    async def _report_paused(self, site: Site, resolution: Resolution, observed: ObservedSite) -> None:
        """Say how the Site is without touching the database: the last word on that stands."""
        last = find_condition(site.status.conditions, SiteCondition.DATABASE_READY)
        progress = Progress(is_database_ready=last is not None and last.is_true)
        await self._report(site, resolution, observed, progress)

    async def _report(
        self, site: Site, resolution: Resolution, observed: ObservedSite, progress: Progress
    ) -> None:
        status = site_status(site, resolution, observed, progress, now=self.clock.now())
        if status != site.status:
            ref = ObjectRef(Site.NAMES.kind, site.metadata.namespace or "", site.metadata.name)
            await self.applier.write_status(ref, status.to_manifest())
            reached(Failpoint.SITE_STATUS_WRITTEN)

    async def _finalize(self, site: Site, body: Manifest, resolution: Resolution) -> None:
        if not has_finalizer(body, labels.FINALIZER_DATA):
            return
        deletion = SiteDeletion(
            cache=self.cache, applier=self.applier, databases=self.databases, events=self.events
        )
        try:
            await deletion.finalize(site, body, resolution.inputs, _account(site, resolution))
        except DatabaseUnavailableError:
            message = "The database server does not answer; the Site goes once its database is dealt with."
            status = deleting_status(body, message, self.clock.now())
            await write_raw_status(self.applier, body, status)
            raise


def _are_secrets_written(desired: DesiredSite, observed: ObservedSite) -> bool:
    deployment = desired.find(OwnedKind.DEPLOYMENT)
    live = observed.objects.get(ObjectRef.of(deployment)) if deployment is not None else None
    return are_secrets_written(deployment, live)


def _account(site: Site, resolution: Resolution) -> DatabaseAccount:
    owner_uid = data_owner_uid(site)
    return DatabaseAccount(
        name=database_name(resolution.inputs.data_id),
        site_uid=site.metadata.uid or "",
        site_namespace=site.metadata.namespace or "",
        site_name=site.metadata.name,
        charset=site.spec.database.charset,
        max_connections=site.spec.database.max_connections,
        adopt_uid=owner_uid if owner_uid != site.metadata.uid else None,
    )
