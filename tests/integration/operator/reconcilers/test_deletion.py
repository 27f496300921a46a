"""Ends with something in their way: a lost server, a namespace that goes, a person in a hurry."""

from __future__ import annotations

from typing import Any

import pytest
from installation import MERGE_PATCH, OURS

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("controllers")]


def events(installation: Any, reason: str, namespace: str = "") -> list[str]:
    """Return the messages of the Events of a reason that are about this installation."""
    path = f"/api/v1/namespaces/{namespace or installation.tenant}/events"
    items = installation.api.request("GET", path).body["items"]
    return [
        item["message"]
        for item in items
        if item["reason"] == reason and installation.tenant in item["message"] + item["metadata"]["namespace"]
    ]


async def test_a_lost_server_keeps_a_site_for_a_while_only(
    installation: Any, operator: Any, until: Any, settled: Any, process: Any
) -> None:
    async with operator() as running:
        installation.create_site("shop", deletion={"data": "Delete"})
        await settled(running, "shop")
    (database,) = installation.database.databases()
    process.kill()
    installation.delete_site("shop")
    async with operator(deletion_patience_seconds=3):
        await until(lambda: installation.is_gone("shop"), "the Site goes without its server", 60)
    (message,) = events(installation, "DataLeftBehind")
    assert f"the database {database} on the server {installation.server_name}" in message
    assert events(installation, "DataLeftBehind", "default") == [message], "at the server as well"
    volume = installation.child("PersistentVolumeClaim", "shop")
    assert volume is None or "deletionTimestamp" in volume["metadata"]
    process.start()
    assert installation.database.databases() == {database}


async def test_the_annotation_ends_the_wait(
    installation: Any, operator: Any, until: Any, settled: Any, process: Any
) -> None:
    path = f"{OURS}/namespaces/{installation.tenant}/sites/shop"

    def annotate(name: str) -> None:
        patch = {"metadata": {"annotations": {"frankenpanel.io/force-delete": name}}}
        assert installation.api.request("PATCH", path, patch, content_type=MERGE_PATCH).status == 200

    async with operator() as running:
        installation.create_site("shop")
        await settled(running, "shop")
        process.kill()
        installation.delete_site("shop")
        await until(lambda: installation.condition("shop", "Ready") == "False Deleting", "it is told", 60)
        (ready,) = (i for i in installation.site("shop")["status"]["conditions"] if i["type"] == "Ready")
        assert "frankenpanel.io/force-delete: shop" in ready["message"]
        annotate("another")
        await until(running.is_idle, "the wrong name was looked at")
        assert not installation.is_gone("shop")
        annotate("shop")
        await until(lambda: installation.is_gone("shop"), "the Site is gone", 60)
    assert len(events(installation, "DataLeftBehind")) == 1


async def test_a_namespace_that_was_deleted_without_the_operator_ends_with_it(
    installation: Any, operator: Any, until: Any, settled: Any
) -> None:
    """The namespace controller, which does not run here, deletes the objects in any order."""
    async with operator() as running:
        for site in ("shop", "blog"):
            installation.create_site(site)
            host = installation.create_domain(site)
        for site in ("shop", "blog"):
            await settled(running, site, installation.serves)
    names = installation.database.databases()
    assert len(names) == 2
    tenant = f"/api/v1/namespaces/{installation.tenant}"
    assert installation.api.request("DELETE", tenant).body["status"]["phase"] == "Terminating"
    base = f"{OURS}/namespaces/{installation.tenant}"
    for path in ("sites/shop", "domains/shop", "domains/blog", "sites/blog"):
        assert installation.api.request("DELETE", f"{base}/{path}").status == 200
    async with operator():

        def is_empty() -> bool:
            lists = (installation.api.request("GET", f"{base}/{plural}") for plural in ("sites", "domains"))
            return all(answer.body["items"] == [] for answer in lists)

        seconds = await until(is_empty, "the namespace is empty", 60)
        print(f"\na namespace of two Sites was given back after {seconds:.2f} s")  # noqa: T201
    assert installation.api.request("GET", f"{OURS}/domainclaims/{host}").status == 404
    assert installation.database.databases() == names
    assert all(installation.database.row(name)["retained_at"] for name in names), "recorded as retained"
