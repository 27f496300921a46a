"""The reconcile of a DatabaseServer: ask it for its version, at intervals, and report what came back."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds.databaseserver import DatabaseServer

from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.errors import DatabaseUnavailableError
from frankenpanel_operator.observed import ObjectRef
from frankenpanel_operator.ports import (
    Clock,
    DatabaseAddress,
    DatabaseProvisioner,
    ObjectApplier,
    ObjectCache,
)
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
    clock: Clock

    async def reconcile(self, key: Key) -> Outcome:
        """Probe and report; an unreachable server is a result here, not an error."""
        ref = ObjectRef(DatabaseServer.NAMES.kind, "", key.name)
        body = self.cache.get(ref)
        if body is None:
            return Outcome()
        server = DatabaseServer.parse(body)
        probe = await self._probe(server)
        status = database_server_status(server, probe, now=self.clock.now())
        if status != server.status:
            await self.applier.write_status(ref, status.to_manifest())
        if probe.error is not None:
            return Outcome(requeue_after_seconds=PROBE_INTERVAL_WHEN_DOWN_SECONDS)
        return Outcome(requeue_after_seconds=PROBE_INTERVAL_SECONDS)

    async def _probe(self, server: DatabaseServer) -> Probe:
        address = DatabaseAddress(
            server_name=server.metadata.name,
            host=server.spec.host,
            port=server.spec.port,
            admin_secret=server.spec.admin_secret_ref.name,
        )
        try:
            return Probe(version=await self.databases.probe(address))
        except DatabaseUnavailableError as error:
            return Probe(error=error)
