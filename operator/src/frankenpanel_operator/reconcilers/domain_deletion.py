"""The end of a Domain: its claim, which lies outside of the namespace, is given up first, then the finalizer.

A host that was proven and still leads here is kept from other namespaces for a while: whoever claimed it
next would get visitors who come for the former owner. So its claim stays, released and without a route;
`claim_expiry` ends it. In all other cases the claim goes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from frankenpanel_crds import labels
from frankenpanel_crds.conditions import DomainCondition, DomainReason
from frankenpanel_crds.domainclaim import DomainClaim
from frankenpanel_crds.hosts import normalise_host
from frankenpanel_crds.reasons import EventReason
from pydantic import ValidationError

from frankenpanel_operator import naming
from frankenpanel_operator.desired.claim import build_released_claim
from frankenpanel_operator.desired.holding import holding_of, is_held_by
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.errors import FrankenPanelError
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef
from frankenpanel_operator.ports import EventRecorder, ObjectApplier, ObjectCache
from frankenpanel_operator.reconcilers.claim_writes import apply_claim, give_up_claim
from frankenpanel_operator.reconcilers.deletion import Patience, can_be_left_behind
from frankenpanel_operator.reconcilers.finalizers import has_finalizer, release_finalizer
from frankenpanel_operator.reconcilers.statuses import StatusWriter

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainDeletion:
    """Gives up the host of one Domain after another; works on the raw object, which may be unreadable.

    Attributes:
        forget: takes away what was brought to the gateway for a Domain, given its claim.
    """

    cache: ObjectCache
    applier: ObjectApplier
    events: EventRecorder
    statuses: StatusWriter
    patience: Patience
    forget: Callable[[ObjectRef, Manifest | None], Awaitable[None]]

    async def finalize(self, body: Manifest) -> Outcome:
        """Give up the claim and let the Domain go; or say what it waits for."""
        if not has_finalizer(body, labels.FINALIZER_CLAIM):
            return Outcome()
        for claim in self._claims(body):
            try:
                await self._give_up(body, claim)
            except FrankenPanelError as error:
                if not can_be_left_behind(error):
                    raise
                if not self.patience.is_over(body):
                    return await self._wait(body, error)
                await self._tell_left_behind(body, claim)
        if await release_finalizer(self.applier, body, labels.FINALIZER_CLAIM):
            reached(Failpoint.DOMAIN_FINALIZER_RELEASED)
        return Outcome()

    def _claims(self, body: Manifest) -> list[Manifest]:
        """Return the claim of this very Domain: by its host, or by a search where none can be read."""
        kind, host = DomainClaim.NAMES.kind, _host_of(body)
        if host is None:
            found = list(self.cache.list(kind))
        else:
            claim = self.cache.get(ObjectRef(kind, "", naming.claim_name(host)))
            found = [claim] if claim is not None else []
        return [claim for claim in found if is_held_by(claim, body["metadata"]["uid"])]

    async def _give_up(self, body: Manifest, claim: Manifest) -> None:
        await self.forget(ObjectRef.of(body), claim)
        released = self._released(claim) if _leads_here(body) and holding_of(claim).is_proven else None
        if released is None:
            await give_up_claim(self.applier, claim)
        else:
            await apply_claim(self.applier, released, claim)

    def _released(self, claim: Manifest) -> Manifest | None:
        try:
            return build_released_claim(claim, self.patience.clock.now())
        except ValidationError:
            return None

    async def _wait(self, body: Manifest, error: FrankenPanelError) -> Outcome:
        log.warning("a deletion waits", domain=_text(body), cause=str(error))
        deadline = self.patience.deadline(body).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = (
            f"The cluster refuses to give up the host; it is tried again until {deadline}, then the Domain "
            f"goes all the same. The annotation {labels.ANNOTATION_FORCE_DELETE}: "
            f"{body['metadata']['name']} ends the wait."
        )
        await self.statuses.tell_deleting(body, message)
        return Outcome(requeue_after_seconds=self.patience.pause_seconds(body))

    async def _tell_left_behind(self, body: Manifest, claim: Manifest) -> None:
        message = (
            f"The Domain {_text(body)} went and left the DomainClaim {claim['metadata']['name']} as it was, "
            "because the cluster refused its deletion; another Domain of the host takes it over."
        )
        log.warning("a deletion goes on without what fails", domain=_text(body), left=message)
        for subject in (body, claim):
            await self.events.record(
                subject, type_="Warning", reason=EventReason.DATA_LEFT_BEHIND, message=message
            )


def _host_of(body: Manifest) -> str | None:
    spec = body.get("spec")
    host = spec.get("host") if isinstance(spec, dict) else None
    try:
        return normalise_host(host) if isinstance(host, str) else None
    except ValueError:
        return None


def _leads_here(body: Manifest) -> bool:
    """Say whether DNS led to this platform when it was last looked up; an unreadable status says nothing."""
    status = body.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return isinstance(conditions, list) and any(
        isinstance(item, dict)
        and item.get("type") == DomainCondition.DNS_RESOLVES
        and item.get("status") == "True"
        and item.get("reason") != DomainReason.NOT_CHECKED
        for item in conditions
    )


def _text(body: Manifest) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"
