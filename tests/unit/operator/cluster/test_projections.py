from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from frankenpanel_crds.labels import ANNOTATION_HASH, LABEL_MANAGED_BY
from frankenpanel_operator.cluster.patches import SECTIONS, build_patch
from frankenpanel_operator.cluster.projections import FOREIGN, project
from frankenpanel_operator.desired.metadata import seal

METADATA = {"name": "x", "namespace": "n", "uid": "u", "resourceVersion": "7", "generation": 2}


def body(kind: str, metadata: Mapping[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {**METADATA, **(metadata or {})}, **sections}


def test_of_metadata_what_is_ours_is_kept() -> None:
    kept = project(
        body(
            "Service",
            {
                "managedFields": [{}],
                "selfLink": "/x",
                "finalizers": ["theirs"],
                "labels": {LABEL_MANAGED_BY: "us"},
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
            },
        )
    )["metadata"]
    assert kept == {
        "name": "x",
        "namespace": "n",
        "uid": "u",
        "generation": 2,
        "finalizers": ["theirs"],
        "labels": {LABEL_MANAGED_BY: "us"},
        "annotations": {FOREIGN: ""},
    }


def test_foreign_labels_and_annotations_are_no_change_but_known_to_exist() -> None:
    one, other = ({"annotations": {"a": value, ANNOTATION_HASH: "h"}} for value in ("1", "2"))
    assert project(body("Service", one)) == project(body("Service", other))
    live = project(body("Service", {"labels": {"theirs": "x"}}))
    live["metadata"]["resourceVersion"] = "7"
    desired = seal(body("Service", {"labels": {LABEL_MANAGED_BY: "us"}}))
    patch = build_patch(desired, live)
    assert {"op": "add", "path": "/metadata/labels", "value": {LABEL_MANAGED_BY: "us"}} not in patch
    assert "/metadata/labels/app.kubernetes.io~1managed-by" in [operation["path"] for operation in patch]


@pytest.mark.parametrize("kind", ["Site", "Domain", "DatabaseServer"])
def test_what_people_annotate_is_no_change_of_what_they_write(kind: str) -> None:
    """Not even the first entry, nor the last one that goes."""
    annotated = body(kind, {"annotations": {"theirs": "x"}, "labels": {"theirs": "x"}}, spec={})
    assert project(annotated) == project(body(kind, spec={})) == project(body(kind, {"labels": {}}, spec={}))


def test_an_object_is_not_changed_by_its_projection() -> None:
    original = body("Deployment", {"labels": {"theirs": "x"}}, spec={"replicas": 1, "paused": True})
    copy = body("Deployment", {"labels": {"theirs": "x"}}, spec={"replicas": 1, "paused": True})
    project(original)
    assert original == copy


@pytest.mark.parametrize("kind", ["Site", "Domain", "DatabaseServer", "SitePreset", "DomainClaim"])
def test_of_our_own_kinds_spec_and_status_are_kept_as_they_are(kind: str) -> None:
    sections = {"spec": {"a": [1, {"b": None}]}, "status": {"conditions": [{"message": "m"}]}}
    kept = project(body(kind, **sections))
    assert {name: kept[name] for name in sections} == sections


@pytest.mark.parametrize("kind", sorted(SECTIONS.keys() - {"Secret"}))
def test_every_section_that_is_compared_is_kept(kind: str) -> None:
    sections: dict[str, Any] = {}
    for path in SECTIONS[kind]:
        inner = sections
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = {"any": ["thing"]}
    kept = project(body(kind, **sections))
    assert {name: kept[name] for name in sections} == sections


@pytest.mark.parametrize(
    ("kind", "dropped"),
    [
        ("Deployment", {"spec": {"paused": True}}),
        ("Deployment", {"status": {"collisionCount": 7}}),
        ("Pod", {"spec": {"nodeName": "node-1"}}),
        ("Pod", {"status": {"podIP": "10.0.0.7", "conditions": [{"type": "Ready", "status": "True"}]}}),
        ("Job", {"spec": {"backoffLimit": 2}}),
        ("Service", {"spec": {"sessionAffinity": "None"}}),
        ("PersistentVolumeClaim", {"spec": {"volumeName": "pv-7"}}),
    ],
)
def test_what_nobody_reads_is_dropped(kind: str, dropped: dict[str, Any]) -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [leaf for item in value.values() for leaf in leaves(item)]
        if isinstance(value, list):
            return [leaf for item in value for leaf in leaves(item)]
        return [value]

    kept = project(body(kind, **dropped))
    assert leaves({name: kept.get(name, {}) for name in dropped}) == []


def test_a_pods_troubles_are_kept() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "back-off"}}
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    container = {"name": "php", "image": "i", "state": waiting, "lastState": ended}
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "m"}
    status = {
        "conditions": [unschedulable],
        "containerStatuses": [container],
        "initContainerStatuses": [{**container, "state": {"running": {}}}],
    }
    kept = project(body("Pod", status=status))["status"]
    assert kept["conditions"] == [unschedulable]
    assert kept["containerStatuses"] == [container]
    assert kept["initContainerStatuses"][0]["state"] == {}


def test_a_containers_last_word_is_kept_as_far_as_it_is_short() -> None:
    def word(message: str) -> str:
        ended = {"name": "php", "state": {"terminated": {"exitCode": 0, "message": message}}}
        kept = project(body("Pod", status={"containerStatuses": [ended]}))["status"]["containerStatuses"]
        text: str = kept[0]["state"]["terminated"]["message"]
        return text

    assert word('{"values": 3}') == '{"values": 3}'
    assert len(word("x" * 4096)) == 200


@pytest.mark.parametrize("odd", [None, "text", 7, [], {}])
@pytest.mark.parametrize("kind", ["Deployment", "Pod", "Job", "Site"])
def test_objects_of_another_form_break_nothing(kind: str, odd: Any) -> None:
    assert project(body(kind, spec=odd, status=odd))["kind"] == kind
