"""Has stored addresses counted, and rewritten if wanted, when a Domain becomes the address of a Site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_settings import RewriteContent
from frankenpanel_crds.domain_status import RewriteStatus
from frankenpanel_crds.site import Site

from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.promotion import Promotion, promotion_of
from frankenpanel_operator.desired.rewrite_job import (
    RewriteStep,
    build_rewrite_job,
    is_rewrite,
    rewrite_job_name,
)
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    NamespaceTerminatingError,
    ObjectNameTakenError,
)
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef, OwnedKind
from frankenpanel_operator.ports import ObjectApplier, ObjectCache
from frankenpanel_operator.reconcilers.site_scene import SiteScene
from frankenpanel_operator.reconcilers.unreadable import read
from frankenpanel_operator.status.rewrite import Progress, Run, refused_status, rewrite_progress, run_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRewrites:
    """Looks at the promotion of one Domain after another.

    What happened before is in `status.primary` of the Site, so it does not matter when this is called, nor
    how often. A Domain that is not promoted costs a look into that field.
    """

    cache: ObjectCache
    applier: ObjectApplier
    platform_key: bytes = field(repr=False)
    platform: Platform

    async def look(self, domain: Domain, host: str, site_body: Manifest | None) -> RewriteStatus | None:
        """Return how far the rewrite is, having started the Job that comes next; None where there is none."""
        if site_body is None or not _has_former_hosts(site_body):
            return None
        site, _ = read(Site, site_body)
        promotion = promotion_of(domain, host, site.status.primary) if site is not None else None
        if site is None or promotion is None:
            return None
        known = domain.status.rewrite
        if known is not None and known.promoted_at != promotion.since:
            known = None
        if site.spec.paused or site.metadata.is_deleting:
            return known
        return await self._look(domain, site, promotion, known)

    async def _look(
        self, domain: Domain, site: Site, promotion: Promotion, known: RewriteStatus | None
    ) -> RewriteStatus | None:
        mode = domain.spec.on_promote.rewrite_content
        owned = [body for body in self.cache.owned_by(site.metadata.uid or "") if is_rewrite(body)]
        if mode is RewriteContent.NEVER:
            await self._drop_jobs(owned)
            return None
        count = _run(site, promotion, RewriteStep.COUNT, owned)
        change = _run(site, promotion, RewriteStep.CHANGE, owned)
        progress = rewrite_progress(promotion, mode, known, count, change)
        if progress.start is None:
            return progress.status
        return await self._start(site, promotion, progress, progress.start, known)

    async def _start(
        self,
        site: Site,
        promotion: Promotion,
        progress: Progress,
        step: RewriteStep,
        known: RewriteStatus | None,
    ) -> RewriteStatus | None:
        scene = SiteScene(cache=self.cache, platform_key=self.platform_key, platform=self.platform)
        job = build_rewrite_job(site, scene.resolve(site).inputs, promotion, step)
        if job is None:
            return known
        try:
            await self.applier.apply(job, None)
        except NamespaceTerminatingError:
            raise
        except (ClusterRefusedError, ObjectNameTakenError) as error:
            return refused_status(promotion, str(error))
        reached(Failpoint.REWRITE_JOB_CREATED)
        return progress.status

    async def _drop_jobs(self, owned: Iterable[Manifest]) -> None:
        """End what runs, and forget what ran: whoever turns it on again wants it done again."""
        for body in _living_jobs(owned):
            await self.applier.delete(ObjectRef.of(body), uid=body["metadata"]["uid"])
            reached(Failpoint.REWRITE_JOB_DELETED)


def _run(site: Site, promotion: Promotion, step: RewriteStep, owned: list[Manifest]) -> Run:
    name = rewrite_job_name(site, promotion, step)
    jobs = (body for body in _living_jobs(owned) if body["metadata"]["name"] == name)
    return run_of(site, name, next(jobs, None), [body for body in owned if body["kind"] == "Pod"])


def _living_jobs(owned: Iterable[Manifest]) -> list[Manifest]:
    return [
        body
        for body in owned
        if body["kind"] == OwnedKind.JOB and "deletionTimestamp" not in body["metadata"]
    ]


def _has_former_hosts(site_body: Manifest) -> bool:
    status = site_body.get("status")
    primary = status.get("primary") if isinstance(status, dict) else None
    return isinstance(primary, dict) and bool(primary.get("formerHosts"))
