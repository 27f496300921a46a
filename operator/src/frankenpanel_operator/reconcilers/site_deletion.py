"""The end of a Site: its data is retained or deleted as the spec says, then the finalizer goes.

Everything else a Site owns is collected by Kubernetes through owner references. Every step may be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds import labels
from frankenpanel_crds.databaseserver import DatabaseServer
from frankenpanel_crds.site import Site
from frankenpanel_crds.site_storage import DeletionData

from frankenpanel_operator import naming
from frankenpanel_operator.desired.database_secret import build_database_secret
from frankenpanel_operator.desired.inputs import SiteInputs
from frankenpanel_operator.desired.resolution import site_data_id
from frankenpanel_operator.errors import ClusterRefusedError, ObjectNameTakenError
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef, OwnedKind
from frankenpanel_operator.ports import (
    DatabaseAccount,
    DatabaseAddress,
    DatabaseProvisioner,
    EventRecorder,
    ObjectApplier,
    ObjectCache,
)
from frankenpanel_operator.reconcilers.addresses import address_of
from frankenpanel_operator.reconcilers.finalizers import release_finalizer


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDeletion:
    """Carries out `spec.deletion.data` for one Site after another."""

    cache: ObjectCache
    applier: ObjectApplier
    databases: DatabaseProvisioner
    events: EventRecorder

    async def finalize(
        self, site: Site, body: Manifest, inputs: SiteInputs, account: DatabaseAccount
    ) -> None:
        """Retain or delete the data, say so, and let the Site go.

        Raises:
            DatabaseUnavailableError: the server has to be told first; try again.
        """
        server = self._server_of(site, inputs)
        if site.spec.deletion.data is DeletionData.DELETE:
            await self._delete_data(site, server, account)
        else:
            await self._retain_data(site, inputs, server, account)
            await self._tell_retained(site, body)
        if server is None and site.status.database is not None:
            await self._tell_server_gone(site, body)
        if await release_finalizer(self.applier, body, labels.FINALIZER_DATA):
            reached(Failpoint.SITE_FINALIZER_RELEASED)

    def _server_of(self, site: Site, inputs: SiteInputs) -> DatabaseAddress | None:
        """Return where the database is; None where there never was one, or its server is unknown by now.

        A database can be older than the status that names its server: the operator may have ended in between.
        """
        recorded = site.status.database or inputs.database
        if recorded is None or recorded.server_name is None:
            return None
        body = self.cache.get(ObjectRef(DatabaseServer.NAMES.kind, "", recorded.server_name))
        return address_of(DatabaseServer.parse(body)) if body is not None else None

    async def _delete_data(
        self, site: Site, server: DatabaseAddress | None, account: DatabaseAccount
    ) -> None:
        if server is not None:
            await self.databases.drop(server, account)
            reached(Failpoint.DATABASE_DROPPED)
        for claim in self._claims(site):
            await self.applier.delete(ObjectRef.of(claim), uid=claim["metadata"]["uid"])
            reached(Failpoint.VOLUME_CLAIM_DELETED)
        secret = naming.database_secret_name(site.metadata.name, site_data_id(site))
        await self.applier.delete(ObjectRef(OwnedKind.SECRET, site.metadata.namespace or "", secret))
        reached(Failpoint.DATABASE_SECRET_DELETED)

    async def _retain_data(
        self, site: Site, inputs: SiteInputs, server: DatabaseAddress | None, account: DatabaseAccount
    ) -> None:
        if server is not None:
            await self.databases.retain(server, account)
            reached(Failpoint.DATABASE_RETAINED)
        retained = {labels.LABEL_RETAINED: "true"}
        for claim in self._claims(site):
            if retained.items() <= claim["metadata"].get("labels", {}).items():
                continue
            await self.applier.merge_patch(ObjectRef.of(claim), {"metadata": {"labels": retained}})
            reached(Failpoint.VOLUME_CLAIM_RETAINED)
        for secret in build_database_secret(site, inputs) or ():
            await self._mark_retained(secret)

    async def _mark_retained(self, secret: Manifest) -> None:
        metadata = secret["metadata"]
        marked = {**metadata, "labels": {**metadata["labels"], labels.LABEL_RETAINED: "true"}}
        try:
            await self.applier.apply_blind({**secret, "metadata": marked})
        except (ClusterRefusedError, ObjectNameTakenError):
            # The namespace is being deleted and takes the Secret with it, or somebody else has its name. The
            # database is retained, and its credentials can be derived again.
            return
        reached(Failpoint.DATABASE_SECRET_RETAINED)

    def _claims(self, site: Site) -> list[Manifest]:
        owned = self.cache.owned_by(site.metadata.uid or "")
        return [item for item in owned if item["kind"] == OwnedKind.PERSISTENT_VOLUME_CLAIM]

    async def _tell_retained(self, site: Site, body: Manifest) -> None:
        source = site.spec.bootstrap_from
        uid = source.retained.uid if source is not None else site.metadata.uid
        message = (
            f"The data of Site {site.metadata.name} is retained; a new Site in this namespace takes it up "
            f"again with spec.bootstrapFrom.retained.uid: {uid}."
        )
        await self.events.record(body, type_="Normal", reason="DataRetained", message=message)

    async def _tell_server_gone(self, site: Site, body: Manifest) -> None:
        message = (
            f"The database server that held the data of Site {site.metadata.name} is not known any more; its "
            "database was left as it is."
        )
        await self.events.record(body, type_="Warning", reason="DatabaseServerNotFound", message=message)
