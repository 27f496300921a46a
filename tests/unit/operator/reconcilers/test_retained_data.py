"""A Site that takes up the data of a deleted one, and what it must not take."""

from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_crds.labels import LABEL_RETAINED, LABEL_SITE_UID
from frankenpanel_operator.observed import ObjectRef

OLD_UID = "0b0f6d0e-7d0a-4b0a-8f0e-0123456789ab"
NEW_UID = "11111111-7d0a-4b0a-8f0e-0123456789ab"
BOOTSTRAP = {"bootstrapFrom": {"retained": {"uid": OLD_UID}}}


def claim_labels(world: Any) -> dict[str, str]:
    (claim,) = world.cache.list("PersistentVolumeClaim")
    labels: dict[str, str] = claim["metadata"]["labels"]
    return labels


@pytest.fixture
async def world_with_retained(world: Any, add_site: Any) -> Any:
    """Return a world in which the Site "shop" was deleted and its data retained."""
    add_site(spec={"storage": [{"name": "content", "size": "2Gi"}]})
    await world.settle()
    world.delete()
    await world.reconcile()
    for kind in ("Deployment", "Job", "Service", "ConfigMap", "ServiceAccount", "NetworkPolicy"):
        for body in list(world.cache.list(kind)):
            world.cache.remove(body)
    world.cluster.secrets = {
        name: body for name, body in world.cluster.secrets.items() if "-database-" in name
    }
    world.cluster.writes.clear()
    world.databases.accounts.clear()
    return world


async def test_takes_volumes_and_database_over(world_with_retained: Any, add_site: Any) -> None:
    world, spec = world_with_retained, {"storage": [{"name": "content", "size": "2Gi"}], **BOOTSTRAP}
    before = world.names("PersistentVolumeClaim")
    add_site(spec=spec, metadata={"name": "again", "uid": NEW_UID})
    await world.reconcile(name="again")
    assert world.names("PersistentVolumeClaim") == before, "the same volume, and no other"
    labels = claim_labels(world)
    assert (labels[LABEL_RETAINED], labels[LABEL_SITE_UID]) == ("false", NEW_UID)
    (account,) = world.databases.accounts
    assert (account.site_uid, account.adopt_uid) == (NEW_UID, OLD_UID)
    assert world.reasons(name="again")["DatabaseReady"] == "True Provisioned"


async def test_needs_no_second_pass(world_with_retained: Any, add_site: Any) -> None:
    world = world_with_retained
    add_site(spec={"storage": [{"name": "content", "size": "2Gi"}], **BOOTSTRAP}, metadata={"uid": NEW_UID})
    await world.reconcile()
    assert await world.writes_of() == []


async def test_a_volume_that_is_asked_for_smaller_is_taken_over_all_the_same(
    world_with_retained: Any, add_site: Any
) -> None:
    """Otherwise it would pass for retained, free for all, while pods use it."""
    world = world_with_retained
    add_site(spec=BOOTSTRAP, metadata={"uid": NEW_UID})
    await world.reconcile()
    labels = claim_labels(world)
    assert (labels[LABEL_RETAINED], labels[LABEL_SITE_UID]) == ("false", NEW_UID)
    assert world.reasons()["StorageReady"] == "False StorageInvalid"
    assert await world.writes_of() == []


async def test_never_takes_a_volume_that_a_living_site_uses(world_with_retained: Any, add_site: Any) -> None:
    world = world_with_retained
    spec = {"storage": [{"name": "content", "size": "2Gi"}], **BOOTSTRAP}
    add_site(spec=spec, metadata={"uid": NEW_UID})
    await world.reconcile()
    add_site(spec=spec, metadata={"name": "thief", "uid": "22222222-7d0a-4b0a-8f0e-0123456789ab"})
    await world.reconcile(name="thief")
    assert claim_labels(world)[LABEL_SITE_UID] == NEW_UID
    assert world.reasons(name="thief")["StorageReady"] == "False RetainedDataNotFound"
    assert [name for name in world.names("Job") if name.startswith("thief")] == []


async def test_without_asking_a_new_site_of_the_name_starts_empty(
    world_with_retained: Any, add_site: Any
) -> None:
    world = world_with_retained
    add_site(metadata={"uid": NEW_UID})
    await world.reconcile()
    assert len(world.names("PersistentVolumeClaim")) == 2
    assert world.databases.accounts[-1].adopt_uid is None


async def test_what_is_not_there_is_not_made_up(world: Any, add_site: Any) -> None:
    add_site(spec=BOOTSTRAP, metadata={"uid": NEW_UID})
    await world.reconcile()
    assert world.names("PersistentVolumeClaim") == []
    assert world.names("Job") == []
    assert world.reasons()["Ready"] == "False RetainedDataNotFound"


async def test_is_retained_again_under_the_first_uid(world_with_retained: Any, add_site: Any) -> None:
    world = world_with_retained
    spec = {"storage": [{"name": "content", "size": "2Gi"}], **BOOTSTRAP}
    add_site(spec=spec, metadata={"uid": NEW_UID})
    await world.reconcile()
    world.delete()
    await world.reconcile()
    assert world.cache.get(ObjectRef("Site", "demo", "shop")) is None
    assert claim_labels(world)[LABEL_RETAINED] == "true"
    assert f"uid: {OLD_UID}" in world.events.posted[-1][1]
