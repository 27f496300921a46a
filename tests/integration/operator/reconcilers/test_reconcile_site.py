"""One Site on its way through the real queue, watches, applier and reconcilers, to a real database."""

from __future__ import annotations

import time
from typing import Any

import pymysql
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("controllers")]


def report(title: str, running: Any, seconds: float) -> None:
    lines = [f"{count:3} {write}" for write, count in sorted(running.counts().items())]
    print(f"\n{title}: {len(running.writes)} writes in {seconds:.2f} s", *lines, sep="\n  ")  # noqa: T201


async def test_a_site_alone(installation: Any, operator: Any, until: Any, settled: Any) -> None:
    async with operator() as running:
        started = time.monotonic()
        installation.create_site("shop")
        await settled(running, "shop")
        report("a Site without a Domain", running, time.monotonic() - started)
        creates = [write for write in running.writes if write.verb == "create"]
        assert len(creates) == len(installation.children("shop")) == 10
        assert all(write.succeeded for write in running.writes)
        patches = {write: count for write, count in running.counts().items() if "create" not in write}
        assert patches.pop("patch Site") == 1, "the finalizer"
        # Preparing; installed, with the Deployment; rolled out; the volume may be bound in between.
        assert patches.pop("patch Site/status") <= 4
        assert patches == {}
    assert installation.condition("shop", "Ready") == "True Ready"


async def test_a_site_with_its_domain(installation: Any, operator: Any, until: Any, settled: Any) -> None:
    async with operator() as running:
        started = time.monotonic()
        installation.create_site("shop")
        host = installation.create_domain("shop")
        await until(lambda: installation.condition("shop", "RouteReady") == "True Routed", "the route")
        await settled(running, "shop")
        report("a Site and its Domain", running, time.monotonic() - started)
        assert installation.condition("shop", "Ready", "domains") == "True Ready"
        assert installation.site("shop")["status"]["url"] == f"http://{host}"
        path = f"/apis/frankenpanel.io/v1alpha1/domainclaims/{host}"
        service = installation.child("Service", "shop")
        claim = installation.api.request("GET", path).body
        assert claim["spec"]["route"]["upstream"] == f"{service['spec']['clusterIP']}:8080"


async def test_the_site_s_account_opens_its_database(
    installation: Any, operator: Any, until: Any, settled: Any
) -> None:
    async with operator() as running:
        installation.create_site("shop")
        await settled(running, "shop")
    (values,) = (
        item for name, item in installation.values_of_secrets("shop").items() if "-database-" in name
    )
    assert installation.database.databases() == {values["name"]}
    connection = pymysql.connect(
        host=values["host"],
        port=int(values["port"]),
        user=values["username"],
        password=values["password"],
        database=values["name"],
    )
    connection.close()


async def test_a_second_start_writes_nothing(
    installation: Any, operator: Any, until: Any, settled: Any
) -> None:
    async with operator() as running:
        installation.create_site("shop")
        installation.create_domain("shop")
        await until(lambda: installation.condition("shop", "RouteReady") == "True Routed", "the route")
        await settled(running, "shop")
    before = installation.end_state("shop")
    async with operator() as running:
        await until(running.is_idle, "the first round is done")
        assert running.counts() == {}
    assert installation.end_state("shop") == before


async def test_a_foreign_edit_is_put_right_from_its_event(
    installation: Any, operator: Any, until: Any, settled: Any
) -> None:
    async with operator() as running:
        installation.create_site("shop")
        await settled(running, "shop")
        wanted = installation.child("Deployment", "shop")["spec"]
        name = installation.child("Deployment", "shop")["metadata"]["name"]
        container = {**wanted["template"]["spec"]["containers"][0], "image": "evil/miner:latest"}
        template = {"spec": {"containers": [container]}}
        running.writes.clear()
        installation.patch_child("Deployment", name, {"spec": {"replicas": 3, "template": template}})
        seconds = await until(
            lambda: installation.child("Deployment", "shop")["spec"] == wanted, "the Deployment is ours again"
        )
        print(f"\na foreign edit was put right after {seconds:.3f} s")  # noqa: T201
        assert running.counts()["patch Deployment"] == 1


async def test_a_deleted_object_comes_back(
    installation: Any, operator: Any, until: Any, settled: Any
) -> None:
    async with operator() as running:
        installation.create_site("shop")
        await settled(running, "shop")
        for kind in ("ConfigMap", "NetworkPolicy", "Deployment"):
            old = installation.child(kind, "shop")
            installation.delete_child(old)
            await until(
                lambda kind=kind, old=old: (
                    (new := installation.child(kind, "shop"))
                    and new["metadata"]["uid"] != old["metadata"]["uid"]
                ),
                f"the {kind} is there again",
            )


async def test_another_image_in_the_catalogue_rolls_every_site(
    installation: Any, operator: Any, until: Any, settled: Any
) -> None:
    async with operator() as running:
        for site in ("shop", "blog"):
            installation.create_site(site)
        for site in ("shop", "blog"):
            await settled(running, site)
        running.writes.clear()
        installation.offer_php("frankenpanel/frankenphp:newer")

        def images() -> set[str]:
            found = (installation.child("Deployment", site) for site in ("shop", "blog"))
            return {item["spec"]["template"]["spec"]["containers"][0]["image"] for item in found}

        seconds = await until(lambda: images() == {"frankenpanel/frankenphp:newer"}, "both have the image")
        for site in ("shop", "blog"):
            await settled(running, site)
        report("another PHP image for two Sites", running, seconds)
        assert running.counts()["patch Deployment"] == 2
        assert running.counts()["create Job"] == 0, "an installed application is not installed again"


async def test_deletion_retains_and_a_new_site_takes_up(
    installation: Any, operator: Any, until: Any, settled: Any
) -> None:
    async with operator() as running:
        uid = installation.create_site("shop")["metadata"]["uid"]
        await settled(running, "shop")
        secrets = installation.values_of_secrets("shop")
        installation.delete_site("shop")
        await until(lambda: installation.is_gone("shop"), "the Site is gone")
        (name,) = installation.database.databases()
        assert installation.database.row(name)["retained_at"] is not None
        claim = installation.child("PersistentVolumeClaim", "shop")
        assert claim["metadata"]["labels"]["frankenpanel.io/retained"] == "true"
        installation.create_site("again", bootstrapFrom={"retained": {"uid": uid}})
        await settled(running, "again")
        assert installation.database.databases() == {name}
        assert installation.database.row(name)["retained_at"] is None
        taken = installation.child("PersistentVolumeClaim", "again")
        assert taken["metadata"]["uid"] == claim["metadata"]["uid"]
        passwords = {values["password"] for values in secrets.values() if "host" in values}
        now = installation.values_of_secrets("again").values()
        assert {values["password"] for values in now if "host" in values} == passwords


async def test_deletion_with_data_leaves_nothing(
    installation: Any, operator: Any, until: Any, settled: Any
) -> None:
    async with operator() as running:
        installation.create_site("shop", deletion={"data": "Delete"})
        await settled(running, "shop")
        installation.delete_site("shop")
        await until(lambda: installation.is_gone("shop"), "the Site is gone")
        assert installation.database.databases() == set()
        assert all("-database-" not in name for name in installation.values_of_secrets("shop"))


async def test_a_site_of_a_deleted_one_s_name_waits_for_the_garbage_collector(
    installation: Any, operator: Any, until: Any, settled: Any
) -> None:
    """Owned objects go a moment after their Site; Secrets, which nobody sees, may be the last."""
    async with operator() as running:
        installation.create_site("shop")
        await settled(running, "shop")
        installation.delete_site("shop")
        await until(lambda: installation.is_gone("shop"), "the Site is gone")
        garbage = [item for item in installation.children("shop") if item["metadata"].get("ownerReferences")]
        installation.create_site("shop")
        for body in (item for item in garbage if item["kind"] != "Secret"):
            installation.delete_child(body)
        await until(lambda: installation.condition("shop", "Ready").startswith("False"), "it was looked at")
        assert "ObjectNameTaken" not in installation.condition("shop", "Ready")
        for body in (item for item in garbage if item["kind"] == "Secret"):
            installation.delete_child(body)
        await settled(running, "shop")
