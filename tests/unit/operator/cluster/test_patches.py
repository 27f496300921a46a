from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_operator.cluster.patches import (
    build_guarded_patch,
    build_patch,
    build_status_patch,
    escape,
    hash_of,
    sealed_hash,
    without_hash,
)
from frankenpanel_operator.desired.metadata import seal

UID_TEST = {"op": "test", "path": "/metadata/uid", "value": "u"}
HASH_PATH = "/metadata/annotations/frankenpanel.io~1hash"


def changes(desired: dict[str, Any], live: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a patch does, without what it tests first."""
    patch = build_patch(desired, live)
    assert not patch or patch[0] == UID_TEST
    return [operation for operation in patch if operation["op"] != "test"]


def config_map(**data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "n", "labels": {"a/b": "1"}},
        "data": data,
    }


def live_of(manifest: dict[str, Any], **changes: Any) -> dict[str, Any]:
    sealed = seal(manifest)
    return {**sealed, "metadata": {**sealed["metadata"], "uid": "u"}, **changes}


def test_only_what_is_sealed_has_a_hash() -> None:
    manifest = config_map(x="1")
    assert hash_of(manifest) is None
    with pytest.raises(ValueError, match="ConfigMap c is not sealed"):
        sealed_hash(manifest)
    assert sealed_hash(seal(manifest)) == hash_of(seal(manifest))
    assert without_hash(seal(manifest))["metadata"]["annotations"] == {}


def test_a_patch_tests_the_hash_that_it_was_computed_from() -> None:
    live = live_of(config_map(x="1"))
    test = {"op": "test", "path": HASH_PATH, "value": hash_of(live)}
    assert build_patch(seal(config_map(x="2")), live)[:2] == [UID_TEST, test]


def test_without_a_hash_a_patch_tests_the_version() -> None:
    live = live_of(config_map(x="1"))
    live["metadata"] |= {"annotations": {}, "resourceVersion": "7"}
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert build_patch(seal(config_map(x="1")), live)[:2] == [UID_TEST, test]


def test_a_status_is_replaced_as_a_whole_in_this_very_object() -> None:
    patch = build_status_patch(live_of(config_map()), {"url": "x"})
    assert patch == [UID_TEST, {"op": "add", "path": "/status", "value": {"url": "x"}}]


def test_equal_hash_and_no_drift_is_no_patch() -> None:
    assert build_patch(seal(config_map(x="1")), live_of(config_map(x="1"))) == []


def test_another_hash_replaces_the_section_and_the_hash() -> None:
    desired = seal(config_map(x="2"))
    patch = changes(desired, live_of(config_map(x="1", gone="1")))
    assert patch == [
        {"op": "add", "path": "/data", "value": {"x": "2"}},
        {
            "op": "add",
            "path": HASH_PATH,
            "value": desired["metadata"]["annotations"]["frankenpanel.io/hash"],
        },
    ]


def test_drift_of_one_label_touches_only_that_label() -> None:
    live = live_of(config_map(x="1"))
    live["metadata"]["labels"] = {"a/b": "2", "foreign": "x"}
    assert changes(seal(config_map(x="1")), live) == [
        {"op": "add", "path": "/metadata/labels/a~1b", "value": "1"},
    ]


def test_missing_parents_are_created_with_what_they_hold() -> None:
    live = live_of(config_map(x="1"))
    del live["data"], live["metadata"]["labels"]
    assert changes(seal(config_map(x="1")), live) == [
        {"op": "add", "path": "/data", "value": {"x": "1"}},
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "1"}},
    ]
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "v"},
        "spec": {"resources": {"requests": {"storage": "1Gi"}}},
    }
    bare = {"kind": "PersistentVolumeClaim", "metadata": {"name": "v", "uid": "u"}, "spec": {}}
    bare["metadata"]["resourceVersion"] = "7"  # type: ignore[index]
    patch = changes(seal(claim), bare)
    assert patch[0] == {
        "op": "add",
        "path": "/spec/resources",
        "value": {"requests": {"storage": "1Gi"}},
    }


def test_jobs_are_never_patched() -> None:
    job = {"kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {"spec": {}}}}
    assert build_patch(seal(job), {"kind": "Job", "metadata": {"uid": "u"}, "spec": {}}) == []


def test_what_is_immutable_or_unowned_is_never_mentioned() -> None:
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"a": "1"}}, "template": {"spec": {}}},
    }
    live = live_of(deployment)
    live["spec"] = {"selector": {"matchLabels": {"a": "other"}}, "template": {"spec": {}}, "paused": True}
    assert build_patch(seal(deployment), live) == []


def test_a_lost_owner_reference_is_put_back() -> None:
    manifest = config_map(x="1")
    manifest["metadata"]["ownerReferences"] = [{"uid": "site", "controller": True}]
    live = live_of(manifest)
    assert build_patch(seal(manifest), live) == []
    live["metadata"]["ownerReferences"] = [{"uid": "other"}]
    operations = changes(seal(manifest), live)
    assert operations[0]["path"] == "/metadata/ownerReferences"


@pytest.mark.parametrize(
    ("key", "escaped"), [("a/b", "a~1b"), ("a~b", "a~0b"), ("~1", "~01"), ("plain", "plain")]
)
def test_escape(key: str, escaped: str) -> None:
    assert escape(key) == escaped


def test_a_guarded_patch_tests_before_it_writes() -> None:
    secret = {
        "kind": "Secret",
        "metadata": {"name": "s", "labels": {"managed": "us", "uid": "1", "team": "x"}},
        "data": {"k": "v"},
    }
    operations = build_guarded_patch(secret, ("managed", "uid"))
    assert operations == [
        {"op": "test", "path": "/metadata/labels/managed", "value": "us"},
        {"op": "test", "path": "/metadata/labels/uid", "value": "1"},
        {"op": "add", "path": "/data", "value": {"k": "v"}},
        {"op": "add", "path": "/metadata/labels/team", "value": "x"},
    ]
