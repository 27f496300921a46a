"""The end of a Site, whatever is there of its database server and its namespace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from frankenpanel_crds.labels import ANNOTATION_FORCE_DELETE, FINALIZER_DATA, LABEL_RETAINED
from frankenpanel_operator.errors import (
    KUBERNETES,
    ClusterRefusedError,
    ClusterUnavailableError,
    ConflictError,
    DatabaseUnavailableError,
    ObjectNameTakenError,
    database_dependency,
)
from frankenpanel_operator.observed import ObjectRef

SITE = ObjectRef("Site", "demo", "shop")
SERVER = ObjectRef("DatabaseServer", "", "embedded")
DOWN = DatabaseUnavailableError("down", dependency=database_dependency("embedded"))
PATIENCE_SECONDS = 600


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
    careless.databases.error = DOWN
    careless.delete()
    outcome = await careless.reconcile()
    assert outcome.down == ("database/embedded",)
    assert careless.reasons()["Ready"] == "False Deleting"
    assert "database server" in careless.status()["conditions"][0]["message"]
    assert len(careless.names("PersistentVolumeClaim")) == 1
    careless.clock.time += timedelta(seconds=30)
    assert await careless.writes_of() == [], "the status is written once"
    careless.databases.error = None
    outcome = await careless.reconcile()
    assert outcome.healthy == ("database/embedded",)
    assert is_gone(careless)
    assert careless.events.posted == []


async def test_a_deletion_that_waits_is_looked_at_less_and_less_but_in_time(careless: Any) -> None:
    careless.databases.error = DOWN
    careless.delete()
    pauses = []
    while True:
        outcome = await careless.reconcile()
        if is_gone(careless):
            break
        pauses.append(outcome.requeue_after_seconds)
        careless.clock.time += timedelta(seconds=pauses[-1])
    assert sum(pauses) == PATIENCE_SECONDS
    assert pauses[0] == 5.0
    assert max(pauses) == 60.0
    assert len(pauses) < 20


@pytest.mark.parametrize("data", ["Retain", "Delete"])
async def test_after_its_patience_a_site_goes_and_names_what_stays(
    world: Any, add_site: Any, data: str
) -> None:
    add_site(spec={"deletion": {"data": data}})
    await world.settle()
    world.databases.error = DOWN
    world.delete()
    world.clock.time += timedelta(seconds=PATIENCE_SECONDS + 1)
    await world.reconcile()
    assert is_gone(world)
    posted = dict(world.events.posted)
    assert set(posted) == {"DataLeftBehind"}
    assert "the database fp" in posted["DataLeftBehind"]
    assert "on the server embedded" in posted["DataLeftBehind"]
    assert len(world.events.posted) == 2, "at the Site, and at the server, which stays"


async def test_the_rest_of_the_data_is_dealt_with_all_the_same(careless: Any) -> None:
    careless.databases.error = DOWN
    careless.delete()
    careless.clock.time += timedelta(seconds=PATIENCE_SECONDS + 1)
    await careless.reconcile()
    assert careless.names("PersistentVolumeClaim") == []


def force(world: Any, name: str) -> None:
    metadata = world.cluster.read(SITE)["metadata"]
    world.cluster.edit(SITE, metadata={**metadata, "annotations": {ANNOTATION_FORCE_DELETE: name}})


async def test_the_annotation_with_the_site_s_name_ends_the_wait(careless: Any) -> None:
    careless.databases.error = DOWN
    careless.delete()
    await careless.reconcile()
    force(careless, "another")
    await careless.reconcile()
    assert not is_gone(careless), "an annotation that was copied from elsewhere says nothing"
    force(careless, "shop")
    await careless.reconcile()
    assert is_gone(careless)
    assert {reason for reason, _ in careless.events.posted} == {"DataLeftBehind"}


async def test_the_annotation_alone_deletes_nothing_and_spoils_nothing(careless: Any) -> None:
    force(careless, "shop")
    await careless.reconcile()
    assert not is_gone(careless)
    assert careless.databases.calls == ["ensure"]
    careless.delete()
    await careless.reconcile()
    assert is_gone(careless)
    assert careless.databases.calls == ["ensure", "drop"], "what answers is dealt with as ever"
    assert careless.events.posted == []


async def test_a_claim_that_the_cluster_will_not_touch_is_left_after_the_patience(settled: Any) -> None:
    refused = ClusterRefusedError("a webhook says no", status=403)
    settled.cluster.refusals["label", "PersistentVolumeClaim"] = refused
    settled.delete()
    await settled.reconcile()
    assert settled.reasons()["Ready"] == "False Deleting"
    settled.clock.time += timedelta(seconds=PATIENCE_SECONDS)
    await settled.reconcile()
    assert is_gone(settled)
    assert "the volume shop-content-" in settled.events.posted[-1][1]


@pytest.mark.parametrize(
    "error", [ConflictError("changed"), ClusterUnavailableError("down", dependency=KUBERNETES)]
)
async def test_no_patience_and_no_force_goes_without_the_cluster(settled: Any, error: Exception) -> None:
    settled.cluster.refusals["label", "PersistentVolumeClaim"] = error
    settled.delete()
    force(settled, "shop")
    with pytest.raises(type(error)):
        await settled.reconcile()
    assert not is_gone(settled)


async def test_a_site_that_leaves_nothing_has_no_finalizer(world: Any, add_site: Any) -> None:
    add_site(spec={"database": {"engine": "None"}, "source": {"preset": {"name": "plain"}}})
    preset = world.cluster.read(ObjectRef("SitePreset", "", "wordpress"))
    plain = {"title": "Plain", "persistentPaths": [], "configFormat": "EnvOnly", "install": None}
    world.cluster.add(
        {**preset, "metadata": {"name": "plain"}, "spec": {**preset["spec"], **plain}, "status": {}}
    )
    await world.reconcile()
    assert world.names("Deployment") == ["shop"]
    assert not world.cluster.read(SITE)["metadata"].get("finalizers")


@pytest.mark.parametrize("data", ["Retain", "Delete"])
async def test_a_server_that_is_gone_stops_nobody(world: Any, add_site: Any, data: str) -> None:
    add_site(spec={"deletion": {"data": data}})
    await world.settle()
    world.cache.remove(world.cluster.read(SERVER))
    world.delete()
    await world.reconcile()
    assert is_gone(world)
    assert world.databases.calls == []
    assert [reason for reason, _ in world.events.posted] == ["DataLeftBehind"]


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
    settled.cluster.refusals["finalizer", "Site"] = ConflictError("cut off before the end")
    with pytest.raises(ConflictError):
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
