"""Objects as a Site owns them, in forms that the API server stores differently, and a foreign hand."""

from __future__ import annotations

from typing import Any

from frankenpanel_operator.cluster.applier import KubernetesApplier
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.resources import resource_of
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.observed import ObjectRef
from frankenpanel_operator.ports import Change

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
        return await self.applier.apply(seal(manifest), self.cache.get(ObjectRef.of(manifest)))

    async def apply_blind(self, manifest: dict[str, Any]) -> None:
        await self.applier.apply_blind(seal(manifest))

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
