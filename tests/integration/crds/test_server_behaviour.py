"""What the CRDs make a real API server do: defaults, subresources, columns, names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds")]

SITE = {
    "apiVersion": "frankenpanel.io/v1alpha1",
    "kind": "Site",
    "metadata": {"name": "shop"},
    "spec": {"source": {"preset": {"name": "wordpress"}}},
}

ObjectPath = Callable[[Mapping[str, Any]], str]


@pytest.fixture
def site_path(kubernetes_api: Any, object_path: ObjectPath, namespace: str) -> Iterator[str]:
    """Store the smallest Site and yield its path."""
    manifest = {**SITE, "metadata": {"name": "shop", "namespace": namespace}}
    path = object_path(manifest)
    answer = kubernetes_api.apply(path, manifest)
    assert answer.status == 201, answer.message
    yield path
    kubernetes_api.request("DELETE", path)


def test_new_site_is_not_taken_for_a_finished_one(kubernetes_api: Any, site_path: str) -> None:
    body = kubernetes_api.request("GET", site_path).body
    assert body["status"] == {"observedGeneration": -1}


def test_defaults_are_filled_in_and_only_those(kubernetes_api: Any, site_path: str) -> None:
    spec = kubernetes_api.request("GET", site_path).body["spec"]
    assert spec == {
        "source": {"preset": {"name": "wordpress"}},
        "paused": False,
        "database": {"engine": "MariaDB", "charset": "utf8mb4", "maxConnections": 20},
        "scaling": {"replicas": 1},
        "health": {"timeoutSeconds": 5},
        "deletion": {"data": "Retain"},
    }


def test_applying_the_same_again_writes_nothing(kubernetes_api: Any, site_path: str) -> None:
    write_status(kubernetes_api, site_path, {"status": {"observedGeneration": 1}})
    before = kubernetes_api.request("GET", site_path).body["metadata"]
    manifest = {**SITE, "metadata": {"name": "shop", "namespace": before["namespace"]}}
    after = kubernetes_api.apply(site_path, manifest).body["metadata"]
    assert after["resourceVersion"] == before["resourceVersion"]


def test_scale_subresource_changes_the_replicas(kubernetes_api: Any, site_path: str) -> None:
    scale = kubernetes_api.request("GET", f"{site_path}/scale").body
    assert scale["spec"] == {"replicas": 1}
    scale["spec"]["replicas"] = 3
    assert kubernetes_api.request("PUT", f"{site_path}/scale", scale).status == 200
    body = kubernetes_api.request("GET", site_path).body
    assert body["spec"]["scaling"]["replicas"] == 3


def test_scale_subresource_reports_pods_and_their_selector(kubernetes_api: Any, site_path: str) -> None:
    status = {"status": {"observedGeneration": 1, "replicas": 2, "selector": "a=b"}}
    write_status(kubernetes_api, site_path, status)
    scale = kubernetes_api.request("GET", f"{site_path}/scale").body
    assert scale["status"] == {"replicas": 2, "selector": "a=b"}


def test_status_write_does_not_touch_the_spec(kubernetes_api: Any, site_path: str) -> None:
    body = {"spec": {"paused": True}, "status": {"observedGeneration": 1}}
    write_status(kubernetes_api, site_path, body)
    stored = kubernetes_api.request("GET", site_path).body
    assert stored["spec"]["paused"] is False
    assert stored["metadata"]["generation"] == 1
    assert stored["status"]["observedGeneration"] == 1


def test_site_columns_are_read_from_conditions(kubernetes_api: Any, site_path: str) -> None:
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": "PresetNotFound",
        "message": "There is no such preset.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {"url": "http://shop.localhost", "runtime": {"php": "8.4"}, "conditions": [ready]}
    write_status(kubernetes_api, site_path, {"status": status})
    table = kubernetes_api.request(
        "GET", site_path, accept="application/json;as=Table;v=v1;g=meta.k8s.io"
    ).body
    columns = {column["name"]: column for column in table["columnDefinitions"]}
    row = dict(zip(columns, table["rows"][0]["cells"], strict=True))
    narrow = [name for name, column in columns.items() if not column["priority"]]
    assert narrow == ["Name", "Ready", "Reason", "URL", "PHP", "Age"]
    assert list(columns)[len(narrow) :] == ["Database", "Replicas", "Message"]
    assert (row["Ready"], row["Reason"], row["PHP"]) == ("False", "PresetNotFound", "8.4")


def test_kinds_are_found_by_short_name_and_category(kubernetes_api: Any) -> None:
    listed = kubernetes_api.request("GET", "/apis/frankenpanel.io/v1alpha1").body["resources"]
    kinds = {item["kind"]: item for item in listed if "/" not in item["name"]}
    short_names = {kind: item["shortNames"] for kind, item in kinds.items()}
    assert short_names == {
        "Site": ["fpsite"],
        "Domain": ["fpdom"],
        "DomainClaim": ["fpclaim"],
        "RuntimeCatalog": ["fpruntime"],
        "SitePreset": ["fppreset"],
        "DatabaseServer": ["fpdbs"],
    }
    assert all(item["categories"] == ["frankenpanel"] for item in kinds.values())


def test_the_schemas_are_published_for_explain(kubernetes_api: Any) -> None:
    published = kubernetes_api.request("GET", "/openapi/v3/apis/frankenpanel.io/v1alpha1").body
    site = published["components"]["schemas"]["io.frankenpanel.v1alpha1.Site"]
    assert site["properties"]["spec"]["properties"]["runtime"]["properties"]["php"]["description"]


def test_no_rule_is_reported_as_broken(kubernetes_api: Any, installed_crds: list[str]) -> None:
    for name in installed_crds:
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
        conditions = kubernetes_api.request("GET", path).body["status"]["conditions"]
        found = {condition["type"]: condition["status"] for condition in conditions}
        assert found.get("NonStructuralSchema", "False") == "False"
        assert found["NamesAccepted"] == "True"


def write_status(api: Any, path: str, body: Mapping[str, Any]) -> None:
    answer = api.request("PATCH", f"{path}/status", body, content_type="application/merge-patch+json")
    assert answer.status == 200, answer.message
