"""Apply by hash, drift and ownership against a real API server."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from frankenpanel_operator.cluster.applier import KubernetesApplier
from frankenpanel_operator.cluster.blind_writes import BlindWrites
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.resources import resource_of
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    ConflictError,
    ObjectNameTakenError,
    TransientError,
)
from frankenpanel_operator.observed import ObjectRef
from frankenpanel_operator.ports import Change

pytestmark = pytest.mark.integration

SITE_UID = "5f0c8a4e-0000-4000-8000-000000000001"
OTHER_UID = "5f0c8a4e-0000-4000-8000-000000000002"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


def metadata(namespace: str, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": namespace,
        "labels": {
            "app.kubernetes.io/managed-by": "frankenpanel-operator",
            "frankenpanel.io/site": "shop",
            "frankenpanel.io/site-uid": SITE_UID,
        },
    }


def config_map(namespace: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(namespace, "shop-config"),
        "data": data or {"php.ini": "memory_limit = 256M"},
    }


def service(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(namespace, "shop"),
        "spec": {
            "selector": {"frankenpanel.io/site-uid": SITE_UID},
            "ports": [{"name": "http", "port": 8080, "targetPort": 8080}],
        },
    }


def deployment(namespace: str) -> dict[str, Any]:
    selector = {"frankenpanel.io/site-uid": SITE_UID, "app.kubernetes.io/component": "web"}
    container = {
        "name": "php",
        "image": "frankenpanel/frankenphp:test",
        "env": [{"name": "SITE_THREADS", "value": "4"}, {"name": "EMPTY", "value": ""}],
        "ports": [{"name": "http", "containerPort": 8080}],
        # Written in forms that the API server stores differently.
        "resources": {"requests": {"cpu": "0.1", "memory": "1024Mi"}, "limits": {"cpu": "1000m"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp", "readOnly": False}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(namespace, "shop"),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {"labels": {**selector, "app.kubernetes.io/managed-by": "frankenpanel-operator"}},
                "spec": {
                    "automountServiceAccountToken": False,
                    "containers": [container],
                    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "0.5Gi"}}],
                },
            },
        },
    }


def network_policy(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(namespace, "shop"),
        "spec": {
            "podSelector": {"matchLabels": {"frankenpanel.io/site-uid": SITE_UID}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"port": 8080}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}],
        },
    }


def volume_claim(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(namespace, "shop-content-abcde"),
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}},
    }


def service_account(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(namespace, "shop"),
        "automountServiceAccountToken": False,
    }


def job(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(namespace, "shop-install-1"),
        "spec": {
            "backoffLimit": 2,
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/component": "install"}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "php", "image": "i"}]},
            },
        },
    }


BUILDERS = [config_map, service, deployment, network_policy, volume_claim, service_account, job]


class Bench:
    """One namespace with an applier, its cache, and a plain client that plays the foreign hand."""

    def __init__(
        self, applier: KubernetesApplier, cache: MemoryObjectCache, api: Any, namespace: str
    ) -> None:
        self.applier, self.cache, self.api, self.namespace = applier, cache, api, namespace

    async def apply(self, manifest: dict[str, Any]) -> Change:
        return await self.applier.apply(manifest, self.cache.get(ObjectRef.of(manifest)))

    def path(self, manifest: dict[str, Any]) -> str:
        return resource_of(manifest["kind"]).path(self.namespace, manifest["metadata"]["name"])

    def get(self, manifest: dict[str, Any]) -> dict[str, Any]:
        answer = self.api.request("GET", self.path(manifest))
        assert answer.status == 200, answer.message
        return dict(answer.body)

    def edit(self, manifest: dict[str, Any], patch: Any, content_type: str = MERGE_PATCH) -> None:
        """Change an object behind the operator's back, and let its cache learn of it."""
        answer = self.api.request("PATCH", self.path(manifest), patch, content_type=content_type)
        assert answer.status == 200, answer.message
        self.cache.put(answer.body)


@pytest.fixture
def bench(applier: KubernetesApplier, cache: MemoryObjectCache, kubernetes_api: Any, namespace: str) -> Bench:
    return Bench(applier, cache, kubernetes_api, namespace)


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
        await bench.applier.apply(manifest, None)
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


async def test_merge_patch_can_be_conditional(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    ref = ObjectRef.of(manifest)
    await bench.apply(manifest)
    version = bench.get(manifest)["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version, "finalizers": ["example.com/hold"]}}
    await bench.applier.merge_patch(ref, patch)
    with pytest.raises(ConflictError):
        await bench.applier.merge_patch(ref, patch)


async def test_taking_the_last_finalizer_ends_the_object_in_the_cache_too(bench: Bench) -> None:
    manifest = config_map(bench.namespace)
    manifest["metadata"]["finalizers"] = ["example.com/hold"]
    ref = ObjectRef.of(manifest)
    await bench.apply(manifest)
    answer = bench.api.request("DELETE", bench.path(manifest))
    bench.cache.put(answer.body)
    await bench.applier.merge_patch(ref, {"metadata": {"finalizers": []}})
    assert bench.cache.get(ref) is None
    await bench.applier.merge_patch(ref, {"metadata": {"finalizers": []}})


class TestSecrets:
    """Written without ever being read."""

    def secret(self, namespace: str, value: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata(namespace, "shop-admin"),
            "type": "Opaque",
            "stringData": {"password": value},
        }

    def value(self, bench: Bench) -> str:
        found = bench.get(self.secret(bench.namespace, ""))
        return base64.b64decode(found["data"]["password"]).decode()

    async def test_written_once_and_again_only_when_it_changed(
        self, bench: Bench, count_requests: Callable[[], float]
    ) -> None:
        await bench.applier.apply_blind(self.secret(bench.namespace, "one"))
        await bench.applier.apply_blind(self.secret(bench.namespace, "one"))
        assert count_requests() == 1
        await bench.applier.apply_blind(self.secret(bench.namespace, "two"))
        assert count_requests() == 1
        assert self.value(bench) == "two"

    async def test_a_new_process_overwrites_its_own(self, bench: Bench, client: KubernetesClient) -> None:
        await bench.applier.apply_blind(self.secret(bench.namespace, "one"))
        successor = KubernetesApplier(client, bench.cache, BlindWrites(lambda: 0.0))
        await successor.apply_blind(self.secret(bench.namespace, "two"))
        assert self.value(bench) == "two"

    async def test_one_that_was_deleted_by_hand_is_written_again_after_the_trust_expired(
        self, bench: Bench, client: KubernetesClient
    ) -> None:
        now = 0.0
        applier = KubernetesApplier(client, bench.cache, BlindWrites(lambda: now, trust_seconds=60))
        await applier.apply_blind(self.secret(bench.namespace, "one"))
        bench.api.request("DELETE", bench.path(self.secret(bench.namespace, "")))
        now = 61.0
        await applier.apply_blind(self.secret(bench.namespace, "one"))
        assert self.value(bench) == "one"

    @pytest.mark.parametrize(
        "labels",
        [
            {},
            {"app.kubernetes.io/managed-by": "helm"},
            {
                "app.kubernetes.io/managed-by": "frankenpanel-operator",
                "frankenpanel.io/site-uid": OTHER_UID,
            },
        ],
    )
    async def test_a_foreign_one_is_never_overwritten(self, bench: Bench, labels: dict[str, str]) -> None:
        manifest = self.secret(bench.namespace, "foreign")
        manifest["metadata"]["labels"] = labels
        path = bench.path(manifest).rsplit("/", 1)[0]
        assert bench.api.request("POST", path, manifest).status == 201
        with pytest.raises(ObjectNameTakenError):
            await bench.applier.apply_blind(self.secret(bench.namespace, "ours"))
        assert self.value(bench) == "foreign"

    async def test_a_refusal_does_not_quote_the_value(self, bench: Bench) -> None:
        manifest = self.secret(bench.namespace, "x")
        manifest["data"] = {"password": "hunter2 is no base64"}
        with pytest.raises(ClusterRefusedError) as caught:
            await bench.applier.apply_blind(manifest)
        assert "hunter2" not in str(caught.value)


@pytest.mark.usefixtures("installed_crds")
class TestStatus:
    async def test_status_is_replaced_as_a_whole_and_comes_back_into_the_cache(
        self, bench: Bench, count_requests: Callable[[], float]
    ) -> None:
        site = _site(bench.namespace)
        created = bench.api.request(
            "POST", f"/apis/frankenpanel.io/v1alpha1/namespaces/{bench.namespace}/sites", site
        )
        assert created.status == 201, created.message
        ref = ObjectRef("Site", bench.namespace, "shop")
        condition = {
            "type": "Ready",
            "status": "True",
            "reason": "Ready",
            "message": "",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        await bench.applier.write_status(
            ref, {"observedGeneration": 1, "url": "http://shop.localhost", "conditions": [condition]}
        )
        count_requests()
        await bench.applier.write_status(ref, {"observedGeneration": 2, "conditions": []})
        assert count_requests() == 1
        cached = bench.cache.get(ref)
        assert cached is not None
        assert cached["status"] == {"observedGeneration": 2, "conditions": []}
        assert cached["spec"] == created.body["spec"]

    async def test_a_missing_object_is_fine(self, bench: Bench) -> None:
        ref = ObjectRef("Site", bench.namespace, f"gone-{secrets.token_hex(2)}")
        await bench.applier.write_status(ref, {"observedGeneration": 1})


def _site(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "Site",
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": {"source": {"preset": {"name": "wordpress"}}},
    }
