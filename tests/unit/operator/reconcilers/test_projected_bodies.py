"""A reconcile must come to the same end whether it sees whole objects or what the cache keeps of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from frankenpanel_operator.cluster import cache as cache_module
from frankenpanel_operator.observed import Manifest, ObjectRef

SITE = ObjectRef("Site", "demo", "shop")
FOREIGN = {"example.com/theirs": "x"}


def whole(body: Manifest) -> Manifest:
    """Keep everything but what the cache keeps beside the object."""
    kept = copy.deepcopy(body)
    kept["metadata"].pop("managedFields", None)
    kept["metadata"].pop("resourceVersion", None)
    return kept


async def life(world: Any, site: Manifest, domain: Manifest) -> list[Any]:
    """Take a Site through trouble, drift and deletion; return what was written and reported on the way."""
    world.cluster.add(site)
    world.cluster.add({**domain, "status": {}})
    seen: list[Any] = []

    async def step() -> None:
        for kind, name in (("Site", "shop"), ("Domain", "shop-localhost"), ("DatabaseServer", "embedded")):
            await world.reconcile(kind, name)
        seen.append((world.status(), world.status("Domain", "shop-localhost"), len(world.cluster.writes)))

    await step()
    service = world.cluster.read(ObjectRef("Service", "demo", "shop"))
    address = {**service["spec"], "clusterIP": "10.96.0.7", "sessionAffinity": "None"}
    world.cluster.edit(ObjectRef.of(service), spec=address)
    for pod in (UNSCHEDULABLE, CRASHING):
        world.cluster.add(pod_of(world, pod))
        await step()
    world.finish_job()
    await step()
    world.roll_out()
    await step()
    world.cluster.edit(ObjectRef("Deployment", "demo", "shop"), status=FAILED_ROLLOUT)
    await step()
    (claim,) = world.cache.list("PersistentVolumeClaim")
    world.cluster.edit(ObjectRef.of(claim), status={"phase": "Bound", "capacity": {"storage": "1Gi"}})
    await step()
    world.delete()
    await world.reconcile()
    return [*seen, world.cluster.writes, world.events.posted]


UNSCHEDULABLE = {
    "conditions": [{"type": "PodScheduled", "reason": "Unschedulable", "message": "Insufficient cpu"}]
}
CRASHING = {
    "podIP": "10.0.0.7",
    "containerStatuses": [
        {
            "name": "php",
            "image": "i",
            "restartCount": 7,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": "now"}},
        }
    ],
}
FAILED_ROLLOUT = {
    "observedGeneration": 1,
    "replicas": 2,
    "unavailableReplicas": 1,
    "conditions": [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "m"},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"},
    ],
}


def pod_of(world: Any, status: dict[str, Any]) -> dict[str, Any]:
    site = world.cluster.read(SITE)
    labels = {"frankenpanel.io/site-uid": site["metadata"]["uid"], "app.kubernetes.io/component": "install"}
    name = f"shop-{len(world.names('Pod'))}"
    metadata = {"name": name, "namespace": "demo", "labels": {**labels, **FOREIGN}}
    return {"kind": "Pod", "metadata": metadata, "spec": {"nodeName": "n"}, "status": status}


async def test_whole_and_projected_bodies_lead_to_the_same(
    world: Any,
    make_site: Callable[..., Any],
    make_domain: Callable[..., Any],
    now: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = make_site(metadata={"annotations": FOREIGN, "labels": FOREIGN}).to_manifest()
    domain = make_domain().to_manifest()
    other = type(world)(now)
    for kind in ("RuntimeCatalog", "SitePreset", "DatabaseServer"):
        for item in world.cache.list(kind):
            other.cluster.add(item)
    projected = await life(world, site, domain)
    monkeypatch.setattr(cache_module, "project", whole)
    assert await life(other, site, domain) == projected
