"""The reconcile of a Site: the same for its creation, an edit, drift, a restart and the periodic resync."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from frankenpanel_crds import labels
from frankenpanel_crds.site import Site

from frankenpanel_operator.desired.evidence import are_secrets_written
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.resolution import Resolution, data_owner_uid, wants_database
from frankenpanel_operator.desired.site import DesiredSite, desired_site, prunable, released
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.errors import FrankenPanelError
from frankenpanel_operator.naming import database_name
from frankenpanel_operator.observed import Manifest, ObjectRef, ObservedSite, OwnedKind
from frankenpanel_operator.ports import (
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
from frankenpanel_operator.status.site import Progress, site_status


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
            FrankenPanelError: a step failed; the status says so already, and what did not depend on it is done.
        """
        body = self.cache.get(ObjectRef(Site.NAMES.kind, key.namespace, key.name))
        if body is None:
            return Outcome()
        site = Site.parse(body)
        scene = SiteScene(cache=self.cache, platform_key=self.platform_key, platform=self.platform)
        resolution = scene.resolve(site)
        if site.metadata.is_deleting:
            await self._finalize(site, body, resolution)
        elif site.spec.paused:
            await self._report(site, resolution, scene.observe(site), Progress())
        else:
            await ensure_finalizer(self.applier, body, labels.FINALIZER_DATA)
            await self._converge(site, resolution, scene)
        return Outcome()

    async def _converge(self, site: Site, resolution: Resolution, scene: SiteScene) -> None:
        progress = await self._provision_database(site, resolution)
        desired = desired_site(site, resolution.inputs)
        try:
            await self._apply(desired, scene.observe(site), database_ready=progress.is_database_ready)
        except FrankenPanelError as error:
            progress = replace(progress, apply_error=error)
        await self._report(site, resolution, scene.observe(site), progress)
        for error in (progress.apply_error, progress.database_error):
            if error is not None:
                raise error

    async def _provision_database(self, site: Site, resolution: Resolution) -> Progress:
        database = resolution.inputs.database
        if database is None:
            return Progress(is_database_ready=not wants_database(site))
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
            return Progress(database_error=error)
        return Progress(is_database_ready=True)

    async def _apply(self, desired: DesiredSite, observed: ObservedSite, *, database_ready: bool) -> None:
        deployment = desired.find(OwnedKind.DEPLOYMENT)
        live = observed.objects.get(ObjectRef.of(deployment)) if deployment else None
        skip_secrets = are_secrets_written(deployment, live)
        for item in released(desired, observed, database_ready=database_ready):
            if item.ref.kind != OwnedKind.SECRET:
                await self.applier.apply(item.manifest, observed.objects.get(item.ref))
            elif not skip_secrets:
                await self.applier.apply_blind(item.manifest)
        for ref in prunable(desired, observed):
            await self.applier.delete(ref, uid=observed.objects[ref]["metadata"]["uid"])

    async def _report(
        self, site: Site, resolution: Resolution, observed: ObservedSite, progress: Progress
    ) -> None:
        status = site_status(site, resolution, observed, progress, now=self.clock.now())
        if status != site.status:
            ref = ObjectRef(Site.NAMES.kind, site.metadata.namespace or "", site.metadata.name)
            await self.applier.write_status(ref, status.to_manifest())

    async def _finalize(self, site: Site, body: Manifest, resolution: Resolution) -> None:
        if not has_finalizer(body, labels.FINALIZER_DATA):
            return
        deletion = SiteDeletion(
            cache=self.cache, applier=self.applier, databases=self.databases, events=self.events
        )
        await deletion.finalize(site, body, resolution.inputs, _account(site, resolution))


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
