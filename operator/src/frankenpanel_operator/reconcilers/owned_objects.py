"""Writes what a Site owns in the order in which it may come into being, and removes what is left over."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_operator.desired.evidence import are_secrets_written
from frankenpanel_operator.desired.site import DesiredObject, DesiredSite, Stage, prunable, released
from frankenpanel_operator.errors import (
    ConflictError,
    FrankenPanelError,
    LeadershipLostError,
    NamespaceTerminatingError,
)
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import ObjectRef, ObservedSite, OwnedKind
from frankenpanel_operator.ports import Change, ObjectApplier

# The rest of the pass would rest on what is out of date, or be refused just the same.
_ENDS_THE_PASS = (ConflictError, NamespaceTerminatingError, LeadershipLostError)

_APPLIED = {
    OwnedKind.SERVICE_ACCOUNT: Failpoint.SERVICE_ACCOUNT_APPLIED,
    OwnedKind.NETWORK_POLICY: Failpoint.NETWORK_POLICY_APPLIED,
    OwnedKind.PERSISTENT_VOLUME_CLAIM: Failpoint.VOLUME_CLAIM_APPLIED,
    OwnedKind.CONFIG_MAP: Failpoint.CONFIG_MAP_APPLIED,
    OwnedKind.SERVICE: Failpoint.SERVICE_APPLIED,
    OwnedKind.JOB: Failpoint.JOB_APPLIED,
    OwnedKind.DEPLOYMENT: Failpoint.DEPLOYMENT_APPLIED,
}


@dataclass(frozen=True, slots=True)
class OwnedObjects:
    """Brings the objects of one Site after another to what is desired."""

    applier: ObjectApplier

    async def converge(
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
            except _ENDS_THE_PASS:
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


def _are_secrets_written(desired: DesiredSite, observed: ObservedSite) -> bool:
    deployment = desired.find(OwnedKind.DEPLOYMENT)
    live = observed.objects.get(ObjectRef.of(deployment)) if deployment is not None else None
    return are_secrets_written(deployment, live)
