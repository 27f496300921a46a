"""The end of a Site, whatever is there of its database server and its namespace."""

from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_crds.labels import FINALIZER_DATA, LABEL_RETAINED
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    DatabaseUnavailableError,
    ObjectNameTakenError,
)
from frankenpanel_operator.observed import ObjectRef

SITE = ObjectRef("Site", "demo", "shop")
SERVER = ObjectRef("DatabaseServer", "", "embedded")


def is_gone(world: Any) -> bool:
    return world.cache.get(SITE) is None


def claim_labels(world: Any) -> dict[str, str]:
    (claim,) = world.cache.list("PersistentVolumeClaim")
    labels: dict[str, str] = claim["metadata"]["labels"]
    return labels


def database_secret(world: Any) -> Any:
    (name,) = (name for name in world.cluster.secrets if "-database-" in name)
    return world.cluster.secrets[name]


@pytest.fixture
async def settled(world: Any, add_site: Any) -> Any:
    """Return a world with a Site that serves visitors and keeps its data when it goes."""
    add_site()
    await world.settle()
    return world


@pytest.fixture
async def careless(world: Any, add_site: Any) -> Any:
    """Return a world with a Site whose data goes with it."""
    add_site(spec={"deletion": {"data": "Delete"}})
    await world.settle()
    return world


async def test_retain_marks_everything_that_stays(settled: Any) -> None:
    settled.delete()
    writes = [f"{write.verb} {write.kind}" for write in await settled.writes_of()]
    assert writes == ["label PersistentVolumeClaim", "write Secret", "finalizer Site"]
    assert settled.databases.calls == ["retain"]
    assert claim_labels(settled)[LABEL_RETAINED] == "true"
    assert database_secret(settled)["metadata"]["labels"][LABEL_RETAINED] == "true"
    assert is_gone(settled)


async def test_retain_tells_how_to_get_the_data_back(settled: Any) -> None:
    uid = settled.cluster.read(SITE)["metadata"]["uid"]
    settled.delete()
    await settled.reconcile()
    ((reason, message),) = settled.events.posted
    assert reason == "DataRetained"
    assert f"spec.bootstrapFrom.retained.uid: {uid}" in message


async def test_delete_removes_database_volumes_and_secret(careless: Any) -> None:
    name = database_secret(careless)["metadata"]["name"]
    careless.delete()
    writes = [f"{write.verb} {write.kind}" for write in await careless.writes_of()]
    assert writes == ["delete PersistentVolumeClaim", "delete Secret", "finalizer Site"]
    assert careless.databases.calls == ["drop"]
    assert name not in careless.cluster.secrets
    assert careless.names("PersistentVolumeClaim") == []
    assert is_gone(careless)


async def test_a_server_that_is_down_keeps_the_site_and_everything_of_it(careless: Any) -> None:
    careless.databases.error = DatabaseUnavailableError("down")
    careless.delete()
    with pytest.raises(DatabaseUnavailableError):
        await careless.reconcile()
    assert careless.reasons()["Ready"] == "False Deleting"
    assert "database server" in careless.status()["conditions"][0]["message"]
    assert len(careless.names("PersistentVolumeClaim")) == 1
    written = len(careless.cluster.writes)
    with pytest.raises(DatabaseUnavailableError):
        await careless.reconcile()
    assert len(careless.cluster.writes) == written, "the status is written once"
    careless.databases.error = None
    await careless.reconcile()
    assert is_gone(careless)


@pytest.mark.parametrize("data", ["Retain", "Delete"])
async def test_a_server_that_is_gone_stops_nobody(world: Any, add_site: Any, data: str) -> None:
    add_site(spec={"deletion": {"data": data}})
    await world.settle()
    world.cache.remove(world.cluster.read(SERVER))
    world.delete()
    await world.reconcile()
    assert is_gone(world)
    assert world.databases.calls == []
    assert "DatabaseServerNotFound" in [reason for reason, _ in world.events.posted]


async def test_a_terminating_namespace_takes_no_secret_and_stops_nobody(settled: Any) -> None:
    settled.cluster.refusals["write", "Secret"] = ClusterRefusedError("being terminated", status=403)
    settled.delete()
    await settled.reconcile()
    assert is_gone(settled)
    assert settled.databases.calls == ["retain"]


async def test_a_foreign_secret_of_the_name_stops_nobody(settled: Any) -> None:
    settled.cluster.refusals["write", "Secret"] = ObjectNameTakenError("Secret", "shop-database-abcde")
    settled.delete()
    await settled.reconcile()
    assert is_gone(settled)


async def test_a_volume_that_is_marked_already_is_not_marked_again(settled: Any) -> None:
    settled.delete()
    settled.cluster.refusals["finalizer", "Site"] = DatabaseUnavailableError("cut off before the end")
    with pytest.raises(DatabaseUnavailableError):
        await settled.reconcile()
    settled.cluster.refusals.clear()
    writes = [f"{write.verb} {write.kind}" for write in await settled.writes_of()]
    assert writes == ["finalizer Site"]


async def test_other_finalizers_stay(settled: Any) -> None:
    metadata = settled.cluster.read(SITE)["metadata"]
    settled.cluster.edit(SITE, metadata={**metadata, "finalizers": ["other", FINALIZER_DATA]})
    settled.delete()
    await settled.reconcile()
    assert settled.cluster.read(SITE)["metadata"]["finalizers"] == ["other"]
    assert await settled.writes_of() == [], "what remains is not ours"


async def test_a_paused_site_can_be_deleted(settled: Any) -> None:
    settled.cluster.edit(SITE, spec={**settled.cluster.read(SITE)["spec"], "paused": True})
    settled.delete()
    await settled.reconcile()
    assert is_gone(settled)


async def test_a_site_that_nobody_began_goes_at_once(world: Any, add_site: Any) -> None:
    add_site(metadata={"deletionTimestamp": "2026-08-01T13:00:00Z", "finalizers": ["other"]})
    assert await world.writes_of() == []
    assert world.databases.calls == []


@pytest.mark.parametrize(("data", "call"), [("Retain", "retain"), ("Delete", "drop")])
async def test_a_database_that_the_status_does_not_know_of_is_found(
    world: Any, add_site: Any, data: str, call: str
) -> None:
    """The operator ended between making the database and writing the status that names its server."""
    add_site(spec={"deletion": {"data": data}}, metadata={"finalizers": [FINALIZER_DATA]})
    world.delete()
    await world.reconcile()
    assert world.databases.calls == [call]
    assert is_gone(world)
