"""The end of a Site: its data is retained or deleted as the spec says, then the finalizer goes.

Everything else a Site owns is collected by Kubernetes through owner references. Every step may be repeated,
and none needs another to have been taken. What does not answer is waited for with patience; then the Site
goes without it, and an Event names what stays where.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import structlog
from frankenpanel_crds import labels
from frankenpanel_crds.databaseserver import DatabaseServer
from frankenpanel_crds.reasons import EventReason
from frankenpanel_crds.site import Site
from frankenpanel_crds.site_storage import DeletionData

from frankenpanel_operator import naming
from frankenpanel_operator.desired.database_secret import build_database_secret
from frankenpanel_operator.desired.inputs import SiteInputs
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.desired.resolution import wants_database
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    FrankenPanelError,
    ObjectNameTakenError,
    TransientError,
    database_dependency,
)
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef, OwnedKind
from frankenpanel_operator.ports import (
    DatabaseAddress,
    DatabaseProvisioner,
    EventRecorder,
    ObjectApplier,
    ObjectCache,
)
from frankenpanel_operator.reconcilers.addresses import account_of, address_of
from frankenpanel_operator.reconcilers.deletion import Patience, can_be_left_behind, is_forced
from frankenpanel_operator.reconcilers.finalizers import release_finalizer
from frankenpanel_operator.reconcilers.statuses import StatusWriter
from frankenpanel_operator.reconcilers.unreadable import read

log = structlog.stdlib.get_logger(__name__)

Step = tuple[str, Callable[[], Awaitable[None]]]
"""What stays where if the step cannot be taken, and the step."""


@dataclass(slots=True)
class _Ending:
    """One deletion under way: what it is about, and what had to be left behind so far."""

    site: Site
    body: Manifest
    inputs: SiteInputs
    server_name: str | None
    server: DatabaseAddress | None
    left_behind: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDeletion:
    """Carries out `spec.deletion.data` for one Site after another."""

    cache: ObjectCache
    applier: ObjectApplier
    databases: DatabaseProvisioner
    events: EventRecorder
    statuses: StatusWriter
    patience: Patience

    async def finalize(self, site: Site, body: Manifest, inputs: SiteInputs) -> Outcome:
        """Retain or delete the data, say so, and let the Site go; or say what it waits for.

        Raises:
            ConflictError: somebody else wrote first.
            ClusterUnavailableError: the API server has to answer, whatever is left behind.
        """
        ending = self._begin(site, body, inputs)
        for what, step in self._steps(ending):
            error = await _attempt(step)
            if error is None:
                continue
            if not self.patience.is_over(body):
                return await self._wait(ending, error)
            log.warning(
                "a deletion goes on without what fails", site=_text(site), left=what, cause=str(error)
            )
            ending.left_behind.append(what)
        await self._tell(ending)
        if await release_finalizer(self.applier, body, labels.FINALIZER_DATA):
            reached(Failpoint.SITE_FINALIZER_RELEASED)
        answered = ending.server is not None and not ending.left_behind
        return Outcome(healthy=(database_dependency(ending.server_name or ""),) if answered else ())

    def _begin(self, site: Site, body: Manifest, inputs: SiteInputs) -> _Ending:
        """Look up where the database is.

        A database can be older than the status that names its server: the operator may have ended in between.
        """
        recorded = site.status.database or inputs.database
        name = recorded.server_name if recorded is not None else None
        found = self.cache.get(ObjectRef(DatabaseServer.NAMES.kind, "", name)) if name else None
        server, _ = read(DatabaseServer, found)
        address = address_of(server) if server is not None else None
        ending = _Ending(site, body, inputs, name, address)
        if address is None and site.status.database is not None:
            # Nobody knows how to ask it any more, and the object that says so may never come back.
            ending.left_behind.append(_database_text(ending))
        return ending

    def _steps(self, ending: _Ending) -> list[Step]:
        is_deleting_data = ending.site.spec.deletion.data is DeletionData.DELETE
        steps: list[Step] = []
        if ending.server is not None:
            end_database = self._drop if is_deleting_data else self._retain
            steps.append((_database_text(ending), partial(end_database, ending, ending.server)))
        end_claim = self._delete_claim if is_deleting_data else self._retain_claim
        for claim in self._claims(ending.site):
            steps.append((f"the volume {claim['metadata']['name']}", partial(end_claim, claim)))
        end_secret = self._delete_secret if is_deleting_data else self._retain_secret
        steps.append(("the Secret of the database", partial(end_secret, ending)))
        return steps

    async def _wait(self, ending: _Ending, error: FrankenPanelError) -> Outcome:
        """Say what the deletion waits for and until when; the time in it stays the same from try to try."""
        cause = (
            "The database server does not answer"
            if isinstance(error, TransientError) and ending.server is not None
            else "What the Site leaves behind cannot be dealt with"
        )
        deadline = self.patience.deadline(ending.body).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = (
            f"{cause}; it is tried again until {deadline}, then the Site goes and leaves its data as it is. "
            f"The annotation {labels.ANNOTATION_FORCE_DELETE}: {ending.site.metadata.name} ends the wait."
        )
        log.warning("a deletion waits", site=_text(ending.site), cause=str(error))
        await self.statuses.tell_deleting(ending.body, message)
        dependency = error.dependency if isinstance(error, TransientError) else None
        return Outcome(
            requeue_after_seconds=self.patience.pause_seconds(ending.body),
            down=(dependency,) if dependency is not None else (),
        )

    async def _drop(self, ending: _Ending, server: DatabaseAddress) -> None:
        await self.databases.drop(server, account_of(ending.site, ending.inputs.data_id))
        reached(Failpoint.DATABASE_DROPPED)

    async def _retain(self, ending: _Ending, server: DatabaseAddress) -> None:
        await self.databases.retain(server, account_of(ending.site, ending.inputs.data_id))
        reached(Failpoint.DATABASE_RETAINED)

    async def _delete_claim(self, claim: Manifest) -> None:
        await self.applier.delete(ObjectRef.of(claim), uid=claim["metadata"]["uid"])
        reached(Failpoint.VOLUME_CLAIM_DELETED)

    async def _retain_claim(self, claim: Manifest) -> None:
        retained = {labels.LABEL_RETAINED: "true"}
        if not retained.items() <= claim["metadata"].get("labels", {}).items():
            await self.applier.change_metadata(claim, {"labels": retained})
            reached(Failpoint.VOLUME_CLAIM_RETAINED)

    async def _delete_secret(self, ending: _Ending) -> None:
        metadata = ending.site.metadata
        name = naming.database_secret_name(metadata.name, ending.inputs.data_id)
        if wants_database(ending.site):
            await self.applier.delete(ObjectRef(OwnedKind.SECRET, metadata.namespace or "", name))
            reached(Failpoint.DATABASE_SECRET_DELETED)

    async def _retain_secret(self, ending: _Ending) -> None:
        for secret in build_database_secret(ending.site, ending.inputs) or ():
            metadata = secret["metadata"]
            marked = {**metadata, "labels": {**metadata["labels"], labels.LABEL_RETAINED: "true"}}
            try:
                await self.applier.apply_blind(seal({**secret, "metadata": marked}))
            except (ClusterRefusedError, ObjectNameTakenError):
                # The namespace is being deleted and takes the Secret with it, or somebody else has its name.
                # The database is retained, and its credentials can be derived again.
                return
            reached(Failpoint.DATABASE_SECRET_RETAINED)

    def _claims(self, site: Site) -> list[Manifest]:
        owned = self.cache.owned_by(site.metadata.uid or "")
        return [item for item in owned if item["kind"] == OwnedKind.PERSISTENT_VOLUME_CLAIM]

    async def _tell(self, ending: _Ending) -> None:
        """Post what happened before the finalizer goes: nobody can look it up at the Site afterwards."""
        if ending.left_behind:
            await self._tell_left_behind(ending)
        elif ending.site.spec.deletion.data is DeletionData.RETAIN:
            await self._tell_retained(ending)

    async def _tell_retained(self, ending: _Ending) -> None:
        site = ending.site
        source = site.spec.bootstrap_from
        uid = source.retained.uid if source is not None else site.metadata.uid
        message = (
            f"The data of Site {site.metadata.name} is retained; a new Site in this namespace takes it up "
            f"again with spec.bootstrapFrom.retained.uid: {uid}."
        )
        await self.events.record(
            ending.body, type_="Normal", reason=EventReason.DATA_RETAINED, message=message
        )

    async def _tell_left_behind(self, ending: _Ending) -> None:
        """Tell at the Site, and at the server too: the Site's namespace may be on its way out itself."""
        why = "it was forced" if is_forced(ending.body) else "what holds it does not answer"
        message = (
            f"The Site {_text(ending.site)} went and left its data as it was, because {why}: "
            f"{', '.join(ending.left_behind)}."
        )
        server_ref = ObjectRef(DatabaseServer.NAMES.kind, "", ending.server_name or "")
        for subject in (ending.body, self.cache.get(server_ref)):
            if subject is not None:
                await self.events.record(
                    subject, type_="Warning", reason=EventReason.DATA_LEFT_BEHIND, message=message
                )


async def _attempt(step: Callable[[], Awaitable[None]]) -> FrankenPanelError | None:
    """Take a step; return the error that a deletion may go on with, and raise any other."""
    try:
        await step()
    except FrankenPanelError as error:
        if not can_be_left_behind(error):
            raise
        return error
    return None


def _database_text(ending: _Ending) -> str:
    name = naming.database_name(ending.inputs.data_id)
    return f"the database {name} on the server {ending.server_name}"


def _text(site: Site) -> str:
    return f"{site.metadata.namespace}/{site.metadata.name}"
