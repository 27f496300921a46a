"""Apply by hash, drift and ownership against a real API server."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    ConflictError,
    ObjectNameTakenError,
    TransientError,
)
from frankenpanel_operator.observed import ObjectRef
from frankenpanel_operator.ports import Change
from owned_objects import (
    BUILDERS,
    OTHER_UID,
    SITE_UID,
    Bench,
    config_map,
    deployment,
    network_policy,
    service,
    service_account,
    volume_claim,
)

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("build", BUILDERS)
async def test_second_apply_makes_no_call(
    bench: Bench, build: Callable[[str], dict[str, Any]], count_requests: Callable[[], float]
) -> None:
    manifest = build(bench.namespace)
    assert await bench.apply(manifest) is Change.CREATED
    assert count_requests() == 1
    assert await bench.apply(manifest) is Change.UNCHANGED
    assert count_requests() == 0
    stored = bench.get(manifest)
    assert stored["metadata"]["annotations"]["frankenpanel.io/hash"]
    assert stored["metadata"]["managedFields"][0]["manager"] == "frankenpanel-operator"


async def test_a_changed_manifest_is_one_patch_that_also_removes_fields(
    bench: Bench, count_requests: Callable[[], float]
) -> None:
    await bench.apply(deployment(bench.namespace))
    changed = deployment(bench.namespace)
    container = changed["spec"]["template"]["spec"]["containers"][0]
    del container["env"][1]
    del container["resources"]["limits"]
    count_requests()
    assert await bench.apply(changed) is Change.PATCHED
    assert await bench.apply(changed) is Change.UNCHANGED
    assert count_requests() == 1
    live = bench.get(changed)["spec"]["template"]["spec"]["containers"][0]
    assert live["env"] == [{"name": "SITE_THREADS", "value": "4"}]
    assert "limits" not in live["resources"]


DRIFTS: list[tuple[Callable[[str], dict[str, Any]], dict[str, Any]]] = [
    (config_map, {"data": {"php.ini": "memory_limit = 4G"}}),
    (config_map, {"data": {"extra.ini": "x"}}),
    (service, {"spec": {"selector": {"frankenpanel.io/site-uid": "other"}}}),
    (service, {"spec": {"selector": {"extra": "label"}}}),
    (deployment, {"spec": {"replicas": 3}}),
    (deployment, {"spec": {"template": {"spec": {"automountServiceAccountToken": True}}}}),
    (network_policy, {"spec": {"ingress": []}}),
    (network_policy, {"spec": {"podSelector": {"matchLabels": {"extra": "label"}}}}),
    (service_account, {"automountServiceAccountToken": True}),
    (service_account, {"metadata": {"labels": {"frankenpanel.io/site": "wrong"}}}),
]


@pytest.mark.parametrize(("build", "foreign_edit"), DRIFTS)
async def test_drift_by_a_foreign_hand_is_one_patch(
    bench: Bench,
    build: Callable[[str], dict[str, Any]],
    foreign_edit: dict[str, Any],
    count_requests: Callable[[], float],
) -> None:
    manifest = build(bench.namespace)
    await bench.apply(manifest)
    bench.edit(manifest, foreign_edit)
    count_requests()
    assert await bench.apply(manifest) is Change.PATCHED
    assert await bench.apply(manifest) is Change.UNCHANGED
    assert count_requests() == 1


async def test_foreign_labels_and_unowned_fields_are_left_alone(bench: Bench) -> None:
    manifest = service(bench.namespace)
    await bench.apply(manifest)
    bench.edit(manifest, {"metadata": {"labels": {"team": "blue"}}, "spec": {"externalIPs": ["192.0.2.7"]}})
    assert await bench.apply(manifest) is Change.UNCHANGED
    bench.edit(manifest, {"spec": {"selector": {"extra": "x"}}})
    assert await bench.apply(manifest) is Change.PATCHED
    live = bench.get(manifest)
    assert live["metadata"]["labels"]["team"] == "blue"
    assert live["spec"]["externalIPs"] == ["192.0.2.7"]


async def test_a_lost_owner_reference_comes_back(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    owner = {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "Site",
        "name": "shop",
        "uid": SITE_UID,
        "controller": True,
    }
    manifest["metadata"]["ownerReferences"] = [owner]
    await bench.apply(manifest)
    bench.edit(manifest, {"metadata": {"ownerReferences": None}})
    assert await bench.apply(manifest) is Change.PATCHED
    assert bench.get(manifest)["metadata"]["ownerReferences"] == [owner]


async def test_a_foreign_object_of_the_name_is_refused_and_untouched(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    foreign = {**config_map(bench.namespace, mine="1"), "metadata": {"name": "shop-config"}}
    path = bench.path(manifest).rsplit("/", 1)[0]
    assert bench.api.request("POST", path, foreign).status == 201
    with pytest.raises(ObjectNameTakenError):
        await bench.apply(manifest)
    assert bench.get(manifest)["data"] == {"mine": "1"}


async def test_own_object_that_the_cache_missed_is_taken_in_rather_than_refused(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    await bench.apply(manifest)
    with pytest.raises(ConflictError):
        await bench.applier.apply(seal(manifest), None)
    assert await bench.apply(manifest) is Change.UNCHANGED


async def test_an_object_of_a_deleted_site_of_the_same_name_is_waited_for(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    await bench.apply(manifest)
    successor = config_map(bench.namespace)
    successor["metadata"]["labels"]["frankenpanel.io/site-uid"] = OTHER_UID
    with pytest.raises(TransientError):
        await bench.apply(successor)
    stranger = config_map(bench.namespace)
    stranger["metadata"]["labels"] |= {
        "frankenpanel.io/site-uid": OTHER_UID,
        "frankenpanel.io/site": "other",
    }
    with pytest.raises(ObjectNameTakenError):
        await bench.apply(stranger)


async def test_retained_data_changes_its_site_by_data_id(bench: Bench) -> None:
    manifest = volume_claim(bench.namespace)
    manifest["metadata"]["labels"]["frankenpanel.io/data-id"] = "abcdefghijklmnop"
    await bench.apply(manifest)
    taken_up = volume_claim(bench.namespace)
    taken_up["metadata"]["labels"] |= {
        "frankenpanel.io/data-id": "abcdefghijklmnop",
        "frankenpanel.io/site-uid": OTHER_UID,
    }
    assert await bench.apply(taken_up) is Change.PATCHED
    assert bench.get(taken_up)["metadata"]["labels"]["frankenpanel.io/site-uid"] == OTHER_UID


async def test_a_replaced_object_does_not_get_its_predecessors_patch(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    await bench.apply(manifest)
    bench.api.request("DELETE", bench.path(manifest))
    foreign = {**config_map(bench.namespace, mine="1"), "metadata": {"name": "shop-config"}}
    bench.api.request("POST", bench.path(manifest).rsplit("/", 1)[0], foreign)
    with pytest.raises(ConflictError):
        await bench.apply(config_map(bench.namespace, changed="1"))
    assert bench.get(manifest)["data"] == {"mine": "1"}


async def test_an_invalid_manifest_and_a_missing_namespace_are_refusals(bench: Bench) -> None:
    broken = service(bench.namespace)
    broken["spec"]["ports"][0]["port"] = 70000
    with pytest.raises(ClusterRefusedError, match=r"spec\.ports") as caught:
        await bench.apply(broken)
    assert caught.value.status == 422
    with pytest.raises(ClusterRefusedError):
        await bench.apply(config_map("no-such-namespace"))


async def test_an_object_that_is_being_deleted_is_left_alone(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    manifest["metadata"]["finalizers"] = ["example.com/hold"]
    await bench.apply(manifest)
    answer = bench.api.request("DELETE", bench.path(manifest))
    bench.cache.put(answer.body)
    assert await bench.apply(config_map(bench.namespace, changed="1")) is Change.UNCHANGED


async def test_delete_respects_the_uid_and_forgives_absence(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    ref = ObjectRef.of(manifest)
    await bench.apply(manifest)
    await bench.applier.delete(ref, uid=OTHER_UID)
    uid = bench.get(manifest)["metadata"]["uid"]
    await bench.applier.delete(ref, uid=uid)
    assert bench.api.request("GET", bench.path(manifest)).status == 404
    await bench.applier.delete(ref)


async def test_metadata_is_changed_in_the_version_that_was_read_and_in_no_other(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    await bench.apply(manifest)
    live = bench.get(manifest)
    await bench.applier.change_metadata(live, {"finalizers": ["example.com/hold"]})
    with pytest.raises(ConflictError):
        await bench.applier.change_metadata(live, {"finalizers": []})
    assert bench.get(manifest)["metadata"]["finalizers"] == ["example.com/hold"]


async def test_what_another_replica_wrote_meanwhile_is_not_overwritten(bench: Bench) -> None:
    """Both replicas knew the same object; the slower one would bring an older manifest back."""
    manifest = config_map(bench.namespace)
    await bench.apply(manifest)
    known = copy.deepcopy(bench.cache.get(ObjectRef.of(manifest)))
    await bench.apply(config_map(bench.namespace, newer="1"))
    with pytest.raises(ConflictError):
        await bench.applier.apply(seal(config_map(bench.namespace, older="1")), known)
    assert bench.get(manifest)["data"] == {"newer": "1"}


async def test_an_object_without_our_hash_is_only_changed_in_the_version_that_was_read(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    await bench.apply(manifest)
    bench.edit(manifest, {"metadata": {"annotations": None}})
    known = copy.deepcopy(bench.cache.get(ObjectRef.of(manifest)))
    bench.edit(manifest, {"data": {"foreign": "1"}})
    with pytest.raises(ConflictError):
        await bench.applier.apply(seal(manifest), known)
    assert await bench.apply(manifest) is Change.PATCHED
    assert bench.get(manifest)["data"] == manifest["data"]


async def test_what_is_not_sealed_is_not_written(bench: Bench, count_requests: Callable[[], float]) -> None:
    with pytest.raises(ValueError, match="not sealed"):
        await bench.applier.apply(config_map(bench.namespace), None)
    assert count_requests() == 0


async def test_taking_the_last_finalizer_ends_the_object_in_the_cache_too(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    manifest["metadata"]["finalizers"] = ["example.com/hold"]
    ref = ObjectRef.of(manifest)
    await bench.apply(manifest)
    answer = bench.api.request("DELETE", bench.path(manifest))
    bench.cache.put(answer.body)
    await bench.applier.change_metadata(answer.body, {"finalizers": []})
    assert bench.cache.get(ref) is None
    await bench.applier.change_metadata(answer.body, {"finalizers": []})
