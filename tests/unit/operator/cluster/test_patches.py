from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_operator.cluster.patches import (
    build_guarded_patch,
    build_patch,
    escape,
    manifest_hash,
    with_hash,
    without_hash,
)

UID_TEST = {"op": "test", "path": "/metadata/uid", "value": "u"}


def config_map(**data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "n", "labels": {"a/b": "1"}},
        "data": data,
    }


def live_of(manifest: dict[str, Any], **changes: Any) -> dict[str, Any]:
    sealed = with_hash(manifest)
    return {**sealed, "metadata": {**sealed["metadata"], "uid": "u"}, **changes}


def test_hash_depends_on_content_and_neither_on_order_nor_on_itself() -> None:
    manifest = config_map(x="1", y="2")
    reordered = dict(reversed(config_map(y="2", x="1").items()))
    assert manifest_hash(manifest) == manifest_hash(reordered) == manifest_hash(with_hash(manifest))
    assert manifest_hash(manifest) != manifest_hash(config_map(x="1"))
    assert len(manifest_hash(manifest)) == 16
    assert with_hash(with_hash(manifest)) == with_hash(manifest)
    assert without_hash(with_hash(manifest))["metadata"]["annotations"] == {}


def test_equal_hash_and_no_drift_is_no_patch() -> None:
    assert build_patch(with_hash(config_map(x="1")), live_of(config_map(x="1"))) == []


def test_another_hash_replaces_the_section_and_the_hash() -> None:
    desired = with_hash(config_map(x="2"))
    patch = build_patch(desired, live_of(config_map(x="1", gone="1")))
    hash_path = "/metadata/annotations/frankenpanel.io~1hash"
    assert patch == [
        UID_TEST,
        {"op": "add", "path": "/data", "value": {"x": "2"}},
        {
            "op": "add",
            "path": hash_path,
            "value": desired["metadata"]["annotations"]["frankenpanel.io/hash"],
        },
    ]


def test_drift_of_one_label_touches_only_that_label() -> None:
    live = live_of(config_map(x="1"))
    live["metadata"]["labels"] = {"a/b": "2", "foreign": "x"}
    assert build_patch(with_hash(config_map(x="1")), live) == [
        UID_TEST,
        {"op": "add", "path": "/metadata/labels/a~1b", "value": "1"},
    ]


def test_missing_parents_are_created_with_what_they_hold() -> None:
    live = live_of(config_map(x="1"))
    del live["data"], live["metadata"]["labels"]
    assert build_patch(with_hash(config_map(x="1")), live)[1:] == [
        {"op": "add", "path": "/data", "value": {"x": "1"}},
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "1"}},
    ]
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "v"},
        "spec": {"resources": {"requests": {"storage": "1Gi"}}},
    }
    bare = {"kind": "PersistentVolumeClaim", "metadata": {"name": "v", "uid": "u"}, "spec": {}}
    patch = build_patch(with_hash(claim), bare)
    assert patch[1] == {
        "op": "add",
        "path": "/spec/resources",
        "value": {"requests": {"storage": "1Gi"}},
    }


def test_jobs_are_never_patched() -> None:
    job = {"kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {"spec": {}}}}
    assert build_patch(with_hash(job), {"kind": "Job", "metadata": {"uid": "u"}, "spec": {}}) == []


def test_what_is_immutable_or_unowned_is_never_mentioned() -> None:
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"a": "1"}}, "template": {"spec": {}}},
    }
    live = live_of(deployment)
    live["spec"] = {"selector": {"matchLabels": {"a": "other"}}, "template": {"spec": {}}, "paused": True}
    assert build_patch(with_hash(deployment), live) == []


def test_a_lost_owner_reference_is_put_back() -> None:
    manifest = config_map(x="1")
    manifest["metadata"]["ownerReferences"] = [{"uid": "site", "controller": True}]
    live = live_of(manifest)
    assert build_patch(with_hash(manifest), live) == []
    live["metadata"]["ownerReferences"] = [{"uid": "other"}]
    operations = build_patch(with_hash(manifest), live)
    assert operations[1]["path"] == "/metadata/ownerReferences"


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
