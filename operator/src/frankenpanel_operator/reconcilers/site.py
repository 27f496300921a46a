"""The reconcile of a Site: the same for its creation, an edit, drift, a restart and the periodic resync."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from frankenpanel_crds import labels
from frankenpanel_crds.conditions import SiteCondition, find_condition
from frankenpanel_crds.site import Site
from pydantic import ValidationError

from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.resolution import Resolution, wants_database
from frankenpanel_operator.desired.site import desired_site
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.errors import (
    FrankenPanelError,
    NamespaceTerminatingError,
    TransientError,
    database_dependency,
)
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef, ObservedSite
from frankenpanel_operator.ports import Clock, DatabaseProvisioner, EventRecorder, ObjectApplier, ObjectCache
from frankenpanel_operator.reconcilers.addresses import account_of, address_in
from frankenpanel_operator.reconcilers.deletion import Patience
from frankenpanel_operator.reconcilers.finalizers import ensure_finalizer, has_finalizer
from frankenpanel_operator.reconcilers.owned_objects import OwnedObjects
from frankenpanel_operator.reconcilers.site_deletion import SiteDeletion
from frankenpanel_operator.reconcilers.site_scene import SiteScene
from frankenpanel_operator.reconcilers.statuses import StatusWriter
from frankenpanel_operator.reconcilers.unreadable import readable_site
from frankenpanel_operator.status.facts import Progress
from frankenpanel_operator.status.site import site_status


@dataclass(frozen=True, slots=True)
class _Database:
    """How an attempt at the database went; `answered` names the server where it was asked and said yes."""

    error: FrankenPanelError | None = None
    answered: tuple[str, ...] = ()


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
    deletion_patience_seconds: float = 600.0

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
            async with self._statuses.telling_defects(body):
                return await self._reconcile(body)
        return Outcome()

    async def _reconcile(self, body: Manifest) -> Outcome:
        scene = SiteScene(cache=self.cache, platform_key=self.platform_key, platform=self.platform)
        if body["metadata"].get("deletionTimestamp"):
            return await self._finalize(body, scene)
        try:
            site = Site.parse(body)
        except ValidationError as error:
            await self._statuses.tell_invalid(body, error)
            return Outcome()
        resolution = scene.resolve(site)
        if site.spec.paused:
            await self._report_paused(site, body, resolution, scene.observe(site))
            return Outcome()
        if leaves_data(site, resolution) and await ensure_finalizer(
            self.applier, body, labels.FINALIZER_DATA
        ):
            reached(Failpoint.SITE_FINALIZER_ADDED)
        return await self._converge(site, body, resolution, scene)

    async def _converge(
        self, site: Site, body: Manifest, resolution: Resolution, scene: SiteScene
    ) -> Outcome:
        database = await self._provision_database(site, resolution)
        is_database_ready = resolution.inputs.database is not None and database.error is None
        desired = desired_site(site, resolution.inputs)
        may_use_database = is_database_ready or not wants_database(site)
        apply_error = await OwnedObjects(self.applier).converge(
            desired, scene.observe(site), database_ready=may_use_database
        )
        progress = Progress(is_database_ready, database.error, apply_error, desired)
        await self._report(site, body, resolution, scene.observe(site), progress)
        raise_first(apply_error, database.error)
        return Outcome(healthy=database.answered)

    async def _provision_database(self, site: Site, resolution: Resolution) -> _Database:
        database = resolution.inputs.database
        if database is None:
            return _Database()
        password = resolution.inputs.credentials.database_password
        try:
            was_asked = await self.databases.ensure(
                address_in(database), account_of(site, resolution.inputs.data_id), password
            )
        except FrankenPanelError as error:
            return _Database(error)
        reached(Failpoint.DATABASE_ENSURED)
        return _Database(answered=(database_dependency(database.server_name),) if was_asked else ())

    async def _report_paused(
        self, site: Site, body: Manifest, resolution: Resolution, observed: ObservedSite
    ) -> None:
        """Say how the Site is without touching the database: the last word on that stands."""
        last = find_condition(site.status.conditions, SiteCondition.DATABASE_READY)
        progress = Progress(is_database_ready=last is not None and last.is_true)
        await self._report(site, body, resolution, observed, progress)

    async def _report(
        self,
        site: Site,
        body: Manifest,
        resolution: Resolution,
        observed: ObservedSite,
        progress: Progress,
    ) -> None:
        status = site_status(site, resolution, observed, progress, now=self.clock.now())
        if status != site.status:
            await self._statuses.write(body, status.to_manifest())
            reached(Failpoint.SITE_STATUS_WRITTEN)

    async def _finalize(self, body: Manifest, scene: SiteScene) -> Outcome:
        if not has_finalizer(body, labels.FINALIZER_DATA):
            return Outcome()
        site = readable_site(body)
        deletion = SiteDeletion(
            cache=self.cache,
            applier=self.applier,
            databases=self.databases,
            events=self.events,
            statuses=self._statuses,
            patience=Patience(self.clock, self.deletion_patience_seconds),
        )
        return await deletion.finalize(site, body, scene.resolve(site).inputs)

    @property
    def _statuses(self) -> StatusWriter:
        return StatusWriter(applier=self.applier, events=self.events, clock=self.clock)


def leaves_data(site: Site, resolution: Resolution) -> bool:
    """Say whether the Site has, or is about to have, anything that does not go with it by itself."""
    inputs = resolution.inputs
    return bool(inputs.storage) or inputs.database is not None or site.status.database is not None


def raise_first(*errors: FrankenPanelError | None) -> None:
    """Raise what comes to an end by itself, if there is such an error, and else what needs a person."""
    found = [error for error in errors if error is not None]
    for error in sorted(found, key=lambda item: not isinstance(item, TransientError)):
        raise error
