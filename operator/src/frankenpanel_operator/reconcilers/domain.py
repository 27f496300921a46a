"""The reconcile of a Domain: claim its host, and keep the route to its Site in the claim."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from frankenpanel_crds import labels
from frankenpanel_crds.domain import Domain, DomainRole
from frankenpanel_crds.domainclaim import DomainClaim, Route
from frankenpanel_crds.hosts import normalise_host
from frankenpanel_crds.site import Site
from pydantic import ValidationError

from frankenpanel_operator import naming
from frankenpanel_operator.desired.claim import build_domain_claim, claim_owner, holds_claim, route_to
from frankenpanel_operator.desired.domains import leading_primary
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.errors import ObjectNameTakenError
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef, OwnedKind
from frankenpanel_operator.ports import Change, Clock, EventRecorder, ObjectApplier, ObjectCache
from frankenpanel_operator.reconcilers.deletion import Patience
from frankenpanel_operator.reconcilers.domain_deletion import DomainDeletion
from frankenpanel_operator.reconcilers.finalizers import ensure_finalizer
from frankenpanel_operator.reconcilers.statuses import StatusWriter
from frankenpanel_operator.reconcilers.unreadable import readable_domain
from frankenpanel_operator.status.domain import DomainScene, domain_status


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainReconciler:
    """Claims and routes one Domain after another."""

    cache: ObjectCache
    applier: ObjectApplier
    events: EventRecorder
    clock: Clock
    platform: Platform
    deletion_patience_seconds: float = 600.0

    async def reconcile(self, key: Key) -> Outcome:
        """Claim, route, report; the same for every cause."""
        body = self.cache.get(ObjectRef(Domain.NAMES.kind, key.namespace, key.name))
        if body is None:
            return Outcome()
        statuses = StatusWriter(applier=self.applier, events=self.events, clock=self.clock)
        async with statuses.telling_defects(body):
            if body["metadata"].get("deletionTimestamp"):
                return await self._release(body, statuses)
            await self._reconcile(body, statuses)
        return Outcome()

    async def _reconcile(self, body: Manifest, statuses: StatusWriter) -> None:
        try:
            domain = Domain.parse(body)
        except ValidationError as error:
            await statuses.tell_invalid(body, error)
            return
        scene = self._observe(domain)
        if scene.host is not None:
            if await ensure_finalizer(self.applier, body, labels.FINALIZER_CLAIM):
                reached(Failpoint.DOMAIN_FINALIZER_ADDED)
            scene = await self._claim(domain, scene.host, scene)
        status = domain_status(domain, scene, now=self.clock.now())
        if status != domain.status:
            await statuses.write(body, status.to_manifest())
            reached(Failpoint.DOMAIN_STATUS_WRITTEN)

    def _observe(self, domain: Domain) -> DomainScene:
        try:
            host, host_error = normalise_host(domain.spec.host), ""
        except ValueError as error:
            host, host_error = None, str(error)
        namespace, site_name = domain.metadata.namespace or "", domain.spec.site_ref.name
        site = self.cache.get(ObjectRef(Site.NAMES.kind, namespace, site_name))
        return DomainScene(
            platform=self.platform,
            host=host,
            host_error=host_error,
            claim=self._claim_of(host) if host is not None else None,
            is_site_found=site is not None,
            route=self._route(namespace, site_name) if site is not None else None,
            leader=self._rival(domain),
        )

    def _claim_of(self, host: str) -> Manifest | None:
        return self.cache.get(ObjectRef(DomainClaim.NAMES.kind, "", naming.claim_name(host)))

    def _route(self, namespace: str, site_name: str) -> Route | None:
        service = self.cache.get(ObjectRef(OwnedKind.SERVICE, namespace, naming.web_name(site_name)))
        return route_to(namespace, site_name, service)

    def _rival(self, domain: Domain) -> Domain | None:
        """Return the Primary that the Site uses, if this one is Primary too and comes after it."""
        if domain.spec.role is not DomainRole.PRIMARY:
            return None
        bodies = self.cache.domains_of(domain.metadata.namespace or "", domain.spec.site_ref.name)
        leader = leading_primary(readable_domain(body) for body in bodies)
        return leader if leader is not None and leader.metadata.uid != domain.metadata.uid else None

    async def _claim(self, domain: Domain, host: str, scene: DomainScene) -> DomainScene:
        """Reserve the host if it is free, and write the route if the claim is ours; return what is so now."""
        claim = scene.claim
        if claim is not None and not holds_claim(domain, claim):
            if self._is_orphan(claim):
                # Its Domain went without us, by force. The claim's own deletion brings us here again.
                await self.applier.delete(ObjectRef.of(claim), uid=claim["metadata"]["uid"])
                reached(Failpoint.ORPHANED_CLAIM_DELETED)
            return scene
        # Refused: somebody was faster than the watch that would have told us, and tells us now.
        with suppress(ObjectNameTakenError):
            change = await self.applier.apply(build_domain_claim(domain, host, scene.route), claim)
            if change is Change.CREATED:
                reached(Failpoint.CLAIM_CREATED)
            elif change is Change.PATCHED:
                reached(Failpoint.CLAIM_PATCHED)
        return replace(scene, claim=self._claim_of(host))

    def _is_orphan(self, claim: Manifest) -> bool:
        """Say whether the Domain that a claim names is gone, or is another one of the same name."""
        owner = claim_owner(claim)
        ref = ObjectRef(Domain.NAMES.kind, str(owner.get("namespace", "")), str(owner.get("name", "")))
        body = self.cache.get(ref)
        return body is None or body["metadata"]["uid"] != owner.get("uid")

    async def _release(self, body: Manifest, statuses: StatusWriter) -> Outcome:
        deletion = DomainDeletion(
            cache=self.cache,
            applier=self.applier,
            events=self.events,
            statuses=statuses,
            patience=Patience(self.clock, self.deletion_patience_seconds),
        )
        return await deletion.finalize(body)
