"""The reconcile of a Domain: claim its host, find out about it, and keep the route to its Site in the claim.

```text
host ─► refused? ─► claim, proof, DNS (domain_claiming) ─► certificate ─► route ─► one write of the claim
     ─► the other form with or without www ─► rewrite of stored addresses ─► one write of the status
```
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from frankenpanel_crds import labels
from frankenpanel_crds.conditions import DomainReason
from frankenpanel_crds.domain import Domain, DomainRole
from frankenpanel_crds.domain_status import RewriteStatus
from frankenpanel_crds.domainclaim import DomainClaim
from frankenpanel_crds.hosts import normalise_host
from frankenpanel_crds.site import Site
from pydantic import ValidationError

from frankenpanel_operator import naming
from frankenpanel_operator.desired.claim import Content
from frankenpanel_operator.desired.claiming import Step
from frankenpanel_operator.desired.domains import leading_primary
from frankenpanel_operator.desired.holding import holding_of, is_held_by
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.redirects import sends_to
from frankenpanel_operator.desired.refused_hosts import Refusal, refusal_of
from frankenpanel_operator.desired.route import Compiled, Destination, compile_route
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.findings import Certificate, HostChecks
from frankenpanel_operator.observed import Manifest, ObjectRef, OwnedKind
from frankenpanel_operator.ports import Clock, EventRecorder, ObjectApplier, ObjectCache
from frankenpanel_operator.reconcilers.claim_writes import give_up_claim
from frankenpanel_operator.reconcilers.deletion import Patience
from frankenpanel_operator.reconcilers.domain_claiming import Checks, DomainClaiming, Inquiry
from frankenpanel_operator.reconcilers.domain_deletion import DomainDeletion
from frankenpanel_operator.reconcilers.domain_www import WwwDomains
from frankenpanel_operator.reconcilers.finalizers import ensure_finalizer
from frankenpanel_operator.reconcilers.statuses import StatusWriter
from frankenpanel_operator.reconcilers.unreadable import readable_domain
from frankenpanel_operator.status.domain import DomainScene, domain_status, url_of


class Certificates(Protocol):
    """Finds out what certificate a host has."""

    async def look(
        self, domain: Domain, host: str, claim: Manifest | None, checks: HostChecks
    ) -> Certificate:
        """Return what the host has and what its claim should say; `claim` is this Domain's, or None."""

    async def forget(self, domain: ObjectRef, claim: Manifest | None) -> None:
        """Take away what was brought to the gateway for a Domain that goes, or loses its host."""


class Rewrites(Protocol):
    """Has stored addresses rewritten when a Domain becomes the address of a Site."""

    async def look(self, domain: Domain, host: str, site_body: Manifest | None) -> RewriteStatus | None:
        """Return how far it is, having started what comes next; None where there is nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainReconciler:
    """Claims and routes one Domain after another."""

    cache: ObjectCache
    applier: ObjectApplier
    events: EventRecorder
    clock: Clock
    platform: Platform
    checks: Checks
    certificates: Certificates
    rewrites: Rewrites
    unproven_claim_seconds: float = 604_800.0
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
            return await self._reconcile(body, statuses)

    async def _reconcile(self, body: Manifest, statuses: StatusWriter) -> Outcome:
        try:
            domain = Domain.parse(body)
        except ValidationError as error:
            await statuses.tell_invalid(body, error)
            return Outcome()
        host, refusal = self._host_of(domain)
        scene = DomainScene(
            platform=self.platform,
            host=host,
            is_site_found=self._site_of(domain) is not None,
            refusal=refusal,
            leader=self._rival(domain),
        )
        if host is None or refusal is not None:
            await self._write_status(domain, body, scene, statuses)
            await self._give_up_refused(domain, host)
            return Outcome()
        if await ensure_finalizer(self.applier, body, labels.FINALIZER_CLAIM):
            reached(Failpoint.DOMAIN_FINALIZER_ADDED)
        return await self._serve(domain, body, host, scene, statuses)

    async def _serve(
        self, domain: Domain, body: Manifest, host: str, scene: DomainScene, statuses: StatusWriter
    ) -> Outcome:
        claiming = self._claiming()
        inquiry = await claiming.look(domain, host)
        certificate = None
        if inquiry.proven is not None:
            certificate = await self.certificates.look(domain, host, inquiry.own_claim, inquiry.proven)
        compiled = self._compile(domain, host, certificate) if scene.is_site_found else Compiled()
        content = self._content(inquiry, claiming, certificate, compiled)
        scene = replace(
            scene,
            refusal=inquiry.ruling.refusal,
            claim=await claiming.carry_out(domain, host, inquiry, content),
            checks=inquiry.checks,
            certificate=certificate,
            compiled=compiled,
        )
        scene = await self._with_followers(domain, host, scene)
        await self._write_status(domain, body, scene, statuses)
        if inquiry.ruling.step is Step.RELEASE and inquiry.own_claim is not None:
            await self.certificates.forget(_ref(domain), inquiry.own_claim)
        await claiming.release(inquiry)
        return _next_look(
            inquiry.checks.next_look_seconds if inquiry.checks is not None else None,
            certificate.next_look_seconds if certificate is not None else None,
            claiming.seconds_left(domain, scene.claim, inquiry),
        )

    async def _with_followers(self, domain: Domain, host: str, scene: DomainScene) -> DomainScene:
        """Look after what depends on the host: the Domain of its other form, and stored addresses."""
        www = WwwDomains(cache=self.cache, applier=self.applier)
        remark = await www.look(domain, host, url_of(domain, scene))
        if domain.spec.role is not DomainRole.PRIMARY:
            return replace(scene, remark=remark)
        rewrite = domain.status.rewrite
        if scene.refusal is None and scene.leader is None:
            rewrite = await self.rewrites.look(domain, host, self._site_of(domain))
        return replace(scene, remark=remark, rewrite=rewrite)

    async def _write_status(
        self, domain: Domain, body: Manifest, scene: DomainScene, statuses: StatusWriter
    ) -> None:
        status = domain_status(domain, scene, now=self.clock.now())
        if status != domain.status:
            await statuses.write(body, status.to_manifest())
            reached(Failpoint.DOMAIN_STATUS_WRITTEN)

    async def _give_up_refused(self, domain: Domain, host: str | None) -> None:
        """Give up the claim of a host that an administrator has reserved since."""
        claim = self._claiming().claim_of(host) if host is not None else None
        if claim is None or not is_held_by(claim, domain.metadata.uid):
            return
        await self.certificates.forget(_ref(domain), claim)
        await give_up_claim(self.applier, claim)

    def _host_of(self, domain: Domain) -> tuple[str | None, Refusal | None]:
        try:
            host = normalise_host(domain.spec.host)
        except ValueError as error:
            return None, Refusal(DomainReason.HOST_INVALID, f"spec.host cannot be used: {error}.")
        return host, refusal_of(host, self.platform)

    def _content(
        self,
        inquiry: Inquiry,
        claiming: DomainClaiming,
        certificate: Certificate | None,
        compiled: Compiled,
    ) -> Content:
        if inquiry.proven is None:
            return Content()
        known = claiming.verified_since(inquiry)
        verified_at = known.verified_at if known is not None else None
        return Content(
            verified_at=verified_at or self.clock.now().replace(microsecond=0),
            tls=certificate.tls if certificate is not None else None,
            route=compiled.route,
        )

    def _compile(self, domain: Domain, host: str, certificate: Certificate | None) -> Compiled:
        namespace, site = domain.metadata.namespace or "", domain.spec.site_ref.name
        primary_url = None
        if domain.spec.role is DomainRole.REDIRECT:
            leader = self._leader(domain)
            primary_url = leader.status.url if leader is not None else None
        service = self.cache.get(ObjectRef(OwnedKind.SERVICE, namespace, naming.web_name(site)))
        return compile_route(domain, host, Destination(service, primary_url, self._sends_to), certificate)

    def _sends_to(self, host: str) -> str | None:
        claim = self.cache.get(ObjectRef(DomainClaim.NAMES.kind, "", naming.claim_name(host)))
        if claim is None:
            return None
        holding = holding_of(claim)
        return sends_to(claim, self.cache.get(ObjectRef(Domain.NAMES.kind, holding.namespace, holding.name)))

    def _site_of(self, domain: Domain) -> Manifest | None:
        namespace = domain.metadata.namespace or ""
        return self.cache.get(ObjectRef(Site.NAMES.kind, namespace, domain.spec.site_ref.name))

    def _leader(self, domain: Domain) -> Domain | None:
        bodies = self.cache.domains_of(domain.metadata.namespace or "", domain.spec.site_ref.name)
        return leading_primary(readable_domain(body) for body in bodies)

    def _rival(self, domain: Domain) -> Domain | None:
        """Return the Primary that the Site uses, if this one is Primary too and comes after it."""
        leader = self._leader(domain) if domain.spec.role is DomainRole.PRIMARY else None
        return leader if leader is not None and leader.metadata.uid != domain.metadata.uid else None

    def _claiming(self) -> DomainClaiming:
        return DomainClaiming(
            cache=self.cache,
            applier=self.applier,
            clock=self.clock,
            checks=self.checks,
            unproven_claim_seconds=self.unproven_claim_seconds,
        )

    async def _release(self, body: Manifest, statuses: StatusWriter) -> Outcome:
        deletion = DomainDeletion(
            cache=self.cache,
            applier=self.applier,
            events=self.events,
            statuses=statuses,
            patience=Patience(self.clock, self.deletion_patience_seconds),
            forget=self.certificates.forget,
        )
        return await deletion.finalize(body)


def _next_look(*due_seconds: float | None) -> Outcome:
    """Return when only time can bring something new; whoever names a time has spread it."""
    return Outcome(
        requeue_after_seconds=min((seconds for seconds in due_seconds if seconds is not None), default=None)
    )


def _ref(domain: Domain) -> ObjectRef:
    return ObjectRef(Domain.NAMES.kind, domain.metadata.namespace or "", domain.metadata.name)
