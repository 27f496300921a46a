"""What a new Site costs the API server: its objects, one finalizer where data is at stake, one status.

No controllers run here, so that nothing but the operator writes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from frankenpanel_operator.observed import ObjectRef
from installation import OURS

pytestmark = pytest.mark.integration

PLAIN = {
    "title": "Plain PHP",
    "defaultVersion": "1.0",
    "versions": [{"version": "1.0", "image": "frankenpanel/plain:test"}],
    "documentRoot": ".",
    "configFormat": "EnvOnly",
    "healthPath": "/",
}


@pytest.fixture
def plain_preset(installation: Any) -> Any:
    """Yield the spec of a Site that has neither database nor volumes."""
    name = f"plain-{installation.platform}"
    path = f"{OURS}/sitepresets/{name}"
    body = {"apiVersion": "frankenpanel.io/v1alpha1", "kind": "SitePreset", "metadata": {"name": name}}
    assert installation.api.apply(path, {**body, "spec": PLAIN}).status in (200, 201)
    yield {"source": {"preset": {"name": name}}, "database": {"engine": "None"}}
    installation.api.request("DELETE", path)


def count_reads(running: Any) -> Counter[str]:
    """Count the GETs of single objects from now on, by kind."""
    reads: Counter[str] = Counter()
    get = running.runtime.client.get

    async def counted(resource: Any, *arguments: Any) -> Any:
        reads[resource.kind] += 1
        return await get(resource, *arguments)

    running.runtime.client.get = counted
    return reads


def report(title: str, running: Any) -> None:
    lines = [f"{count:3} {write}" for write, count in sorted(running.counts().items())]
    print(f"\n{title}: {len(running.writes)} requests", *lines, sep="\n  ")  # noqa: T201


async def rest(running: Any, until: Any) -> None:
    """Wait until every change has been looked at, echoes of our own writes included."""
    for _ in range(3):
        await until(running.is_idle, "nothing is left to do")


async def test_a_site_without_data_costs_its_objects_and_one_status(
    installation: Any, operator: Any, until: Any, plain_preset: Any
) -> None:
    async with operator() as running:
        reads = count_reads(running)
        installation.create_site("shop", **plain_preset)
        await until(lambda: installation.child("Deployment", "shop"), "the last object")
        await until(lambda: installation.condition("shop", "Ready"), "the status")
        await rest(running, until)
        report("a new Site without a database", running)
        kinds = Counter(item["kind"] for item in installation.children("shop"))
        assert set(kinds.values()) == {1}
        expected = Counter({f"create {kind}": 1 for kind in kinds}) + Counter({"patch Site/status": 1})
        assert running.counts() == expected, "C + 1: nothing outlives this Site, so it has no finalizer"
        assert reads == {}


async def test_a_site_with_data_costs_its_objects_its_finalizer_and_one_status(
    installation: Any, operator: Any, until: Any
) -> None:
    async with operator() as running:
        reads = count_reads(running)
        installation.create_site("shop")
        await until(lambda: installation.child("Job", "shop"), "the last object before the installation")
        await until(lambda: installation.condition("shop", "Ready"), "the status")
        await rest(running, until)
        report("a new Site with a database, up to its installation", running)
        kinds = Counter(item["kind"] for item in installation.children("shop"))
        expected = Counter({f"create {kind}": number for kind, number in kinds.items()})
        assert running.counts() == expected + Counter({"patch Site": 1, "patch Site/status": 1}), "C + 2"
        assert set(reads) <= {"Secret"}, "nothing but the server's account, which is the platform's"


async def test_what_nobody_changed_costs_nothing(
    installation: Any, operator: Any, until: Any, plain_preset: Any
) -> None:
    async with operator() as running:
        installation.create_site("shop", **plain_preset)
        await until(lambda: installation.child("Deployment", "shop"), "the last object")
        await until(lambda: installation.condition("shop", "Ready"), "the status")
        await rest(running, until)
        reads = count_reads(running)
        running.writes.clear()
        path = f"{OURS}/namespaces/{installation.tenant}/sites/shop"
        touch = {"metadata": {"annotations": {"example.com/touched": "yes"}}}
        merge = "application/merge-patch+json"
        touched = installation.api.request("PATCH", path, touch, content_type=merge)
        version = touched.body["metadata"]["resourceVersion"]
        ref = ObjectRef("Site", installation.tenant, "shop")
        async with asyncio.timeout(60):
            while running.runtime.cache.get(ref)["metadata"]["resourceVersion"] != version:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await rest(running, until)
        assert (running.counts(), reads) == ({}, {})
