"""From one address of a Site to another: what is started, what is said, and what a lost memory does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_status import RewriteStatus
from frankenpanel_crds.site import Site
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.promotion import Promotion
from frankenpanel_operator.desired.rewrite_job import RewriteStep, rewrite_job_name
from frankenpanel_operator.errors import ClusterRefusedError, ConflictError
from frankenpanel_operator.observed import ObjectRef
from frankenpanel_operator.reconcilers.domain_rewrite import DomainRewrites

OLD, NEW = "old.example", "new.example"
SITE = ObjectRef("Site", "demo", "shop")
DOMAIN = ObjectRef("Domain", "demo", "new-example")
REWRITE = {"rewrite": {"command": ["php-cli", "/app/rewrite.php"]}}
ROLE = {"siteRef": {"name": "shop"}, "role": "Primary", "host": NEW}
PLATFORM_KEY = bytes(range(32))
COUNT, CHANGE = RewriteStep


class Story:
    """A Site that was at the old host, and a Domain that has become its Primary."""

    def __init__(self, world: Any, body: dict[str, Any]) -> None:
        self.world, self.body = world, body
        self.rewrites = DomainRewrites(
            cache=world.cache,
            applier=world.cluster,
            platform_key=PLATFORM_KEY,
            platform=Platform(namespace="frankenpanel-system"),
        )

    async def look(self) -> RewriteStatus | None:
        """Look as the Domain's reconcile does, and write down what it says."""
        domain = Domain.parse(self.world.cache.get(DOMAIN))
        rewrite = await self.rewrites.look(domain, NEW, self.world.cache.get(SITE))
        status = domain.status.model_copy(update={"rewrite": rewrite}).to_manifest()
        if status != self.world.cache.get(DOMAIN)["status"]:
            self.world.cluster.edit(DOMAIN, status=status)
        return rewrite

    async def said(self) -> tuple[str | None, int | None]:
        rewrite = await self.look()
        return (None, None) if rewrite is None else (rewrite.phase.value, rewrite.values)

    def want(self, mode: str) -> None:
        self.world.cluster.edit(DOMAIN, spec={**ROLE, "onPromote": {"rewriteContent": mode}})

    def jobs(self) -> list[RewriteStep]:
        """Return the steps that have a Job for the present promotion."""
        return [step for step in RewriteStep if self.world.cache.get(self.ref(step)) is not None]

    def ref(self, step: RewriteStep) -> ObjectRef:
        site = Site.parse(self.world.cache.get(SITE))
        assert site.status.primary is not None
        promotion = Promotion(site.status.primary.former_hosts, NEW, site.status.primary.since)
        return ObjectRef("Job", "demo", rewrite_job_name(site, promotion, step))

    def job(self, step: RewriteStep) -> dict[str, Any]:
        body: dict[str, Any] = self.world.cluster.read(self.ref(step))
        return body

    def finish(self, step: RewriteStep, message: str | None = None, *, failed: bool = False) -> None:
        job = self.job(step)
        if message is not None:
            self.end_pod(job, message)
        self.set_condition(job, "Failed" if failed else "Complete")

    def set_condition(self, job: dict[str, Any], type_: str) -> None:
        status = {"conditions": [{"type": type_, "status": "True"}]}
        self.world.cluster.edit(ObjectRef.of(job), status=status)

    def end_pod(self, job: dict[str, Any], message: str) -> None:
        end = {"exitCode": 0, "reason": "Completed", "message": message}
        metadata = {
            "name": f"{job['metadata']['name']}-x",
            "namespace": "demo",
            "labels": job["metadata"]["labels"],
            "ownerReferences": [{"kind": "Job", "uid": job["metadata"]["uid"]}],
        }
        statuses = [{"name": "rewrite", "state": {"terminated": end}}]
        self.world.cluster.add(
            {"kind": "Pod", "metadata": metadata, "status": {"containerStatuses": statuses}}
        )

    def forget_jobs(self) -> None:
        """Let the Jobs' time to live be over."""
        for kind in ("Job", "Pod"):
            for body in list(self.world.cache.list(kind, "demo")):
                self.world.cache.remove(body)


def counted(values: int, skipped: int = 0) -> str:
    return json.dumps({"values": values, "skipped": skipped}) + "\n"


@pytest.fixture
def story(
    world: Any,
    make_site: Callable[..., Any],
    make_domain: Callable[..., Domain],
    make_preset: Callable[..., Any],
) -> Story:
    world.cluster.edit(
        ObjectRef("SitePreset", "", "wordpress"), spec=make_preset(REWRITE).to_manifest()["spec"]
    )
    primary = {"host": NEW, "since": "2026-08-01T12:00:00Z", "formerHosts": [OLD]}
    world.cluster.add(make_site(status={"primary": primary}).to_manifest())
    body = world.cluster.add(make_domain(NEW).to_manifest())
    return Story(world, body)


async def test_asked_for_it_counts_and_changes_nothing(story: Story) -> None:
    assert await story.said() == ("Counting", None)
    assert await story.said() == ("Counting", None)
    assert story.jobs() == [COUNT]
    story.finish(COUNT, counted(12, 1))
    rewrite = await story.look()
    assert rewrite is not None
    assert (rewrite.phase, rewrite.values, rewrite.from_host) == ("Counted", 12, OLD)
    assert rewrite.message is not None
    assert "12 stored values" in rewrite.message
    assert "rewriteContent to Always" in rewrite.message
    assert "1 value" in rewrite.message
    assert story.jobs() == [COUNT]


async def test_once_told_to_it_rewrites(story: Story) -> None:
    await story.look()
    story.finish(COUNT, counted(12))
    await story.look()
    story.want("Always")
    assert await story.said() == ("Rewriting", 12)
    assert story.jobs() == [COUNT, CHANGE]
    story.finish(CHANGE, counted(11))
    assert await story.said() == ("Rewritten", 11)


async def test_always_counts_first_and_needs_nobody(story: Story) -> None:
    story.want("Always")
    await story.look()
    assert story.jobs() == [COUNT]
    story.finish(COUNT, counted(2))
    assert await story.said() == ("Rewriting", 2)


async def test_what_was_said_outlives_the_jobs(story: Story) -> None:
    await story.look()
    story.finish(COUNT, counted(12))
    await story.look()
    story.forget_jobs()
    assert await story.said() == ("Counted", 12)
    story.want("Always")
    await story.look()
    story.finish(CHANGE, counted(12))
    await story.look()
    story.forget_jobs()
    assert await story.said() == ("Rewritten", 12)
    assert story.jobs() == []


async def test_where_nothing_names_the_old_host_nothing_is_started(story: Story) -> None:
    story.want("Always")
    await story.look()
    story.finish(COUNT, counted(0))
    assert await story.said() == ("Rewritten", 0)
    assert story.jobs() == [COUNT]


async def test_a_failure_is_told_and_not_repeated(story: Story) -> None:
    await story.look()
    story.finish(COUNT, failed=True)
    rewrite = await story.look()
    assert rewrite is not None
    assert rewrite.phase == "Failed"
    assert story.job(COUNT)["metadata"]["name"] in (rewrite.message or "")
    story.forget_jobs()
    assert (await story.said())[0] == "Failed"
    assert story.jobs() == []


async def test_never_ends_it_and_turning_it_on_again_begins_anew(story: Story) -> None:
    await story.look()
    story.finish(COUNT, failed=True)
    await story.look()
    story.want("Never")
    assert await story.look() is None
    assert story.jobs() == []
    story.want("Ask")
    assert await story.said() == ("Counting", None)
    assert story.jobs() == [COUNT]


async def test_never_starts_nothing(story: Story) -> None:
    story.want("Never")
    assert await story.look() is None
    assert story.jobs() == []


async def test_a_number_that_comes_late_is_waited_for(story: Story) -> None:
    await story.look()
    job = story.job(COUNT)
    metadata = {
        "name": "late",
        "namespace": "demo",
        "labels": job["metadata"]["labels"],
        "ownerReferences": [{"uid": job["metadata"]["uid"]}],
    }
    pod = story.world.cluster.add({"kind": "Pod", "metadata": metadata, "status": {}})
    story.set_condition(job, "Complete")
    assert await story.said() == ("Counting", None)
    story.world.cache.remove(pod)
    assert await story.said() == ("Counted", None)
    story.end_pod(job, counted(3))
    assert await story.said() == ("Counted", 3)


@pytest.mark.parametrize(
    "message", ["", "nonsense", "[]", '{"values": -1}', '{"values": true}', '{"values": "7"}']
)
async def test_nonsense_of_a_foreign_command_is_no_number(story: Story, message: str) -> None:
    await story.look()
    story.finish(COUNT, message)
    assert await story.said() == ("Counted", None)


async def test_a_later_promotion_is_another_one(story: Story) -> None:
    await story.look()
    story.finish(COUNT, counted(12))
    await story.look()
    primary = {"host": NEW, "since": "2026-09-01T12:00:00Z", "formerHosts": ["third.example"]}
    story.world.cluster.edit(SITE, status={"primary": primary})
    rewrite = await story.look()
    assert rewrite is not None
    assert (rewrite.phase, rewrite.from_host) == ("Counting", "third.example")
    assert story.jobs() == [COUNT]
    assert len(story.world.names("Job")) == 2


async def test_a_paused_site_is_left_alone(story: Story) -> None:
    spec = story.world.cache.get(SITE)["spec"]
    story.world.cluster.edit(SITE, spec={**spec, "paused": True})
    assert await story.look() is None
    assert story.jobs() == []


async def test_without_a_command_of_the_preset_there_is_none(
    story: Story, make_preset: Callable[..., Any]
) -> None:
    ref = ObjectRef("SitePreset", "", "wordpress")
    story.world.cluster.edit(ref, spec=make_preset().to_manifest()["spec"])
    assert await story.look() is None
    assert story.jobs() == []


async def test_a_refusal_is_told_and_a_conflict_is_tried_again(story: Story) -> None:
    story.world.cluster.refusals["create", "Job"] = ConflictError("exists")
    with pytest.raises(ConflictError):
        await story.look()
    story.world.cluster.refusals["create", "Job"] = ClusterRefusedError("exceeded quota: jobs", status=403)
    rewrite = await story.look()
    assert rewrite is not None
    assert rewrite.phase == "Failed"
    assert "exceeded quota" in (rewrite.message or "")


async def test_the_site_neither_prunes_these_jobs_nor_takes_them_for_an_installation(story: Story) -> None:
    await story.look()
    await story.world.reconcile()
    names = story.world.names("Job")
    assert len(names) == 2
    assert story.jobs() == [COUNT]


async def test_a_site_that_never_had_another_address_costs_nothing(story: Story) -> None:
    for status in ({}, {"primary": None}, {"primary": {"host": NEW}}, {"primary": "text"}):
        story.world.cluster.edit(SITE, status=status)
        assert await story.look() is None
    assert await story.rewrites.look(Domain.parse(story.body), NEW, None) is None
