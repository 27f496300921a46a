from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from frankenpanel_crds.base import ObjectMeta
from frankenpanel_crds.site import Site
from pydantic import ValidationError

BODY = {
    "apiVersion": "frankenpanel.io/v1alpha1",
    "kind": "Site",
    "metadata": {
        "name": "shop",
        "namespace": "demo",
        "uid": "u-1",
        "generation": 3,
        "resourceVersion": "77",
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "finalizers": ["frankenpanel.io/data"],
        "labels": {"a": "b"},
        "managedFields": [{"manager": "kubectl"}],
    },
    "spec": {
        "source": {"preset": {"name": "wordpress", "colour": "blue"}},
        "storage": [{"name": "content", "class": "fast", "size": 1024}],
        "fromTheFuture": {"x": 1},
    },
}


def test_stored_object_is_read_although_it_has_unknown_fields() -> None:
    site = Site.parse(BODY)
    assert site.metadata.resource_version == "77"
    assert site.metadata.creation_timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert site.metadata.finalizers == ("frankenpanel.io/data",)
    assert site.spec.source.preset.name == "wordpress"
    assert site.spec.storage[0].storage_class == "fast"


def test_whole_number_is_read_as_a_quantity() -> None:
    assert Site.parse(BODY).spec.storage[0].size == "1024"


def test_truth_value_is_not_a_quantity() -> None:
    body = {**BODY, "spec": {**BODY["spec"], "storage": [{"name": "content", "size": True}]}}
    with pytest.raises(ValidationError, match="size"):
        Site.parse(body)


def test_absent_parts_have_their_defaults() -> None:
    site = Site.parse(BODY)
    assert site.status.observed_generation == -1
    assert site.spec.scaling.replicas == 1
    assert site.spec.database.engine == "MariaDB"
    assert site.spec.deletion.data == "Retain"
    assert site.spec.runtime is None


def test_null_status_is_an_absent_status() -> None:
    assert Site.parse({**BODY, "status": None}).status.observed_generation == -1


def test_missing_spec_is_an_error_that_names_the_field() -> None:
    with pytest.raises(ValidationError, match=r"spec\.source"):
        Site.parse({"metadata": {"name": "shop"}})


def test_models_cannot_be_changed() -> None:
    site = Site.parse(BODY)
    with pytest.raises(ValidationError, match="frozen"):
        site.spec.paused = True  # type: ignore[misc]


def test_manifest_has_camel_case_names_and_no_nulls() -> None:
    manifest = Site.parse(BODY).to_manifest()
    assert manifest["apiVersion"] == "frankenpanel.io/v1alpha1"
    assert manifest["kind"] == "Site"
    assert manifest["metadata"]["creationTimestamp"] == "2026-01-02T03:04:05Z"
    assert manifest["spec"]["storage"] == [{"name": "content", "size": "1024", "class": "fast"}]
    assert "runtime" not in manifest["spec"]


def test_manifest_reads_back_as_the_same_object() -> None:
    site = Site.parse(BODY)
    assert Site.parse(site.to_manifest()) == site


def test_times_are_written_in_utc() -> None:
    moment = datetime(2026, 1, 2, 5, 4, 5, 678, tzinfo=timezone(timedelta(hours=2)))
    metadata = ObjectMeta(name="shop", deletion_timestamp=moment)
    assert metadata.to_manifest()["deletionTimestamp"] == "2026-01-02T03:04:05Z"


def test_object_is_deleting_once_it_has_a_deletion_time() -> None:
    assert not ObjectMeta(name="shop").is_deleting
    assert ObjectMeta(name="shop", deletion_timestamp=datetime(2026, 1, 1, tzinfo=UTC)).is_deleting
