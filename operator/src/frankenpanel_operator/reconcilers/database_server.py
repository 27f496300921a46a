"""The reconcile of a DatabaseServer: ask it for its version, at intervals, and report what came back."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds.databaseserver import DatabaseServer
from pydantic import ValidationError

from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.errors import DatabaseUnavailableError, database_dependency
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef
from frankenpanel_operator.ports import (
    Clock,
    DatabaseProvisioner,
    EventRecorder,
    ObjectApplier,
    ObjectCache,
)
from frankenpanel_operator.reconcilers.addresses import address_of
from frankenpanel_operator.reconcilers.statuses import StatusWriter
from frankenpanel_operator.status.database_server import Probe, database_server_status

# No watch tells of a server's health. While it is down Sites wait for it, so then the look is more frequent.
PROBE_INTERVAL_SECONDS = 30.0
PROBE_INTERVAL_WHEN_DOWN_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseServerReconciler:
    """Probes one server after another."""

    cache: ObjectCache
    applier: ObjectApplier
    databases: DatabaseProvisioner
    events: EventRecorder
    clock: Clock

    async def reconcile(self, key: Key) -> Outcome:
        """Probe and report; an unreachable server is a result here, not an error."""
        body = self.cache.get(ObjectRef(DatabaseServer.NAMES.kind, "", key.name))
        if body is None:
            return Outcome()
        statuses = StatusWriter(applier=self.applier, events=self.events, clock=self.clock)
        async with statuses.telling_defects(body):
            return await self._reconcile(body, statuses)

    async def _reconcile(self, body: Manifest, statuses: StatusWriter) -> Outcome:
        try:
            server = DatabaseServer.parse(body)
        except ValidationError as error:
            await statuses.tell_invalid(body, error)
            return Outcome()
        probe = await self._probe(server)
        status = database_server_status(server, probe, now=self.clock.now())
        if status != server.status:
            await statuses.write(body, status.to_manifest())
            reached(Failpoint.DATABASE_SERVER_STATUS_WRITTEN)
        dependency = (database_dependency(server.metadata.name),)
        if probe.error is not None:
            return Outcome(requeue_after_seconds=PROBE_INTERVAL_WHEN_DOWN_SECONDS, down=dependency)
        return Outcome(requeue_after_seconds=PROBE_INTERVAL_SECONDS, healthy=dependency)

    async def _probe(self, server: DatabaseServer) -> Probe:
        try:
            return Probe(version=await self.databases.probe(address_of(server)))
        except DatabaseUnavailableError as error:
            return Probe(error=error)
