"""Everybody around the operator in one tenant's namespace: people, kubelets, controllers."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from database_servers import ADMIN, ADMIN_PASSWORD, ServerUnderTest
from frankenpanel_crds.group import API_VERSION
from frankenpanel_crds.labels import LABEL_MANAGED_BY, MANAGED_BY
from frankenpanel_operator import naming
from frankenpanel_operator.cluster.resources import OUR_RESOURCES

OURS = "/apis/frankenpanel.io/v1alpha1"
MERGE_PATCH = "application/merge-patch+json"
CHILDREN = {
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Service": "/api/v1/namespaces/{}/services",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
}
PRESET = {
    "title": "WordPress",
    "defaultVersion": "6.8",
    "versions": [{"version": "6.8", "image": "frankenpanel/wordpress:test"}],
    "documentRoot": ".",
    "persistentPaths": [{"name": "content", "mountPath": "wp-content", "size": "1Gi"}],
    "configFormat": "WpConfig",
    "install": {"command": ["frankenpanel-php", "php-cli", "/app/install.php"]},
    "rewrite": {"command": ["php-cli", "/app/rewrite.php"]},
    "healthPath": "/wp-login.php",
}
FINISHED = {
    "succeeded": 1,
    "startTime": "2026-08-01T12:00:00Z",
    "completionTime": "2026-08-01T12:00:05Z",
    "conditions": [{"type": type_, "status": "True"} for type_ in ("SuccessCriteriaMet", "Complete")],
}


class Installation:
    """People, kubelets and controllers around the operator: they create, edit and carry out."""

    def __init__(self, api: Any, platform: str, tenant: str, database: ServerUnderTest) -> None:
        self.api, self.platform, self.tenant, self.database = api, platform, tenant, database
        self.server_name = self.preset_name = platform

    def install(self) -> None:
        """Create what a chart creates."""
        self.offer_server(self.server_name, self.database)
        self._put("sitepresets", "SitePreset", self.preset_name, PRESET)
        self.offer_php("frankenpanel/frankenphp:test")
        data = {"username": ADMIN, "password": ADMIN_PASSWORD}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "admin-account"},
            "stringData": data,
        }
        self._ok(self.api.request("POST", f"/api/v1/namespaces/{self.platform}/secrets", body))

    def offer_server(self, name: str, database: ServerUnderTest) -> None:
        """Create a DatabaseServer with the account that `install` made the Secret for."""
        spec = {
            "engine": "MariaDB",
            "host": database.address.host,
            "port": database.address.port,
            "adminSecretRef": {"name": "admin-account"},
        }
        self._put("databaseservers", "DatabaseServer", name, spec)

    def withdraw_server(self, name: str) -> None:
        """Delete a DatabaseServer; the server itself stays."""
        self._destroy(f"{OURS}/databaseservers/{name}")

    def offer_php(self, image: str) -> None:
        spec = {"default": "8.4", "runtimes": [{"php": "8.4", "image": image}]}
        self._put("runtimecatalogs", "RuntimeCatalog", "default", spec)

    def uninstall(self) -> None:
        """Remove what later tests would see: without controllers a deleted namespace keeps its objects."""
        self.evict()
        self.withdraw_server(self.server_name)
        self._destroy(f"{OURS}/sitepresets/{self.preset_name}")
        self._destroy(f"{OURS}/runtimecatalogs/default")

    def evict(self) -> None:
        """Remove the tenant's own objects by force, and leave what was made for them."""
        for plural in ("sites", "domains"):
            path = f"{OURS}/namespaces/{self.tenant}/{plural}"
            for item in self.api.request("GET", path).body["items"]:
                self._destroy(f"{path}/{item['metadata']['name']}")
        for claim in self.api.request("GET", f"{OURS}/domainclaims").body["items"]:
            if claim["spec"]["domainRef"]["namespace"] == self.tenant:
                self._destroy(f"{OURS}/domainclaims/{claim['metadata']['name']}")

    def create_site(self, name: str, **spec: Any) -> dict[str, Any]:
        spec = {"source": {"preset": {"name": self.preset_name}}, **spec}
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Site",
            "metadata": {"name": name},
            "spec": spec,
        }
        return self._ok(self.api.request("POST", f"{OURS}/namespaces/{self.tenant}/sites", body))

    def create_domain(self, site: str, name: str = "", *, label: str = "", **spec: Any) -> str:
        """Create a Domain named after its Site, with a host named after it, unless told otherwise."""
        host = f"{label or site}.{self.tenant}.example.com"
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Domain",
            "metadata": {"name": name or site},
            "spec": {"host": host, "siteRef": {"name": site}, **spec},
        }
        self._ok(self.api.request("POST", f"{OURS}/namespaces/{self.tenant}/domains", body))
        return host

    def leave_claim(self, site: str, namespace: str) -> None:
        """Leave the unproven claim of a Site's host which a Domain of another namespace once made."""
        host = f"{site}.{self.tenant}.example.com"
        manifest = {
            "apiVersion": API_VERSION,
            "kind": "DomainClaim",
            "metadata": {"name": host, "labels": {LABEL_MANAGED_BY: MANAGED_BY}},
            "spec": {"host": host, "domainRef": {"namespace": namespace, "name": "gone", "uid": "gone"}},
        }
        self._ok(self.api.request("POST", f"{OURS}/domainclaims", manifest))

    def edit(self, plural: str, name: str, spec: Mapping[str, Any]) -> None:
        """Merge into the spec of a Site or Domain, as a person does."""
        path = f"{OURS}/namespaces/{self.tenant}/{plural}/{name}"
        self._ok(self.api.request("PATCH", path, {"spec": spec}, content_type=MERGE_PATCH))

    def delete(self, plural: str, name: str) -> None:
        """Delete a Site or Domain, and leave the rest to the operator."""
        self._ok(self.api.request("DELETE", f"{OURS}/namespaces/{self.tenant}/{plural}/{name}"))

    def tear_out(self, plural: str, name: str) -> None:
        """Delete a Site or Domain against all finalizers, as a person in a hurry does."""
        self._destroy(f"{OURS}/namespaces/{self.tenant}/{plural}/{name}")

    def site(self, name: str) -> dict[str, Any]:
        body: dict[str, Any] = self.api.request("GET", f"{OURS}/namespaces/{self.tenant}/sites/{name}").body
        return body

    def condition(self, site: str, type_: str, plural: str = "sites") -> str:
        """Return "<status> <reason>" of a condition, or nothing."""
        path = f"{OURS}/namespaces/{self.tenant}/{plural}/{site}"
        status = self.api.request("GET", path).body.get("status", {})
        found = {item["type"]: f"{item['status']} {item['reason']}" for item in status.get("conditions", [])}
        return found.get(type_, "")

    def rewrite_phase(self, domain: str) -> str:
        """Return how far the rewrite of stored addresses is, by the word of a Domain."""
        path = f"{OURS}/namespaces/{self.tenant}/domains/{domain}"
        return str(self.api.request("GET", path).body.get("status", {}).get("rewrite", {}).get("phase", ""))

    def children(self, site: str) -> list[dict[str, Any]]:
        """Return everything that carries the label of a Site of this name."""
        query = f"?labelSelector=frankenpanel.io/site={site}"
        return [
            {**item, "kind": kind}
            for kind, path in CHILDREN.items()
            for item in self.api.request("GET", path.format(self.tenant) + query).body["items"]
        ]

    def serves(self, site: str) -> bool:
        """Say whether a Site and its Domain of the same name report that visitors reach it."""
        routed = self.condition(site, "RouteReady") == self.condition(site, "RouteProgrammed", "domains")
        return self.condition(site, "Ready") == "True Ready" and routed

    def is_gone(self, name: str, plural: str = "sites") -> bool:
        """Say whether a Site (or Domain) does not exist any more."""
        return bool(self.api.request("GET", f"{OURS}/namespaces/{self.tenant}/{plural}/{name}").status == 404)

    def child(self, kind: str, site: str) -> dict[str, Any] | None:
        return next((item for item in self.children(site) if item["kind"] == kind), None)

    def patch_child(self, kind: str, name: str, patch: Mapping[str, Any], subresource: str = "") -> None:
        path = f"{CHILDREN[kind].format(self.tenant)}/{name}{subresource}"
        self._ok(self.api.request("PATCH", path, patch, content_type=MERGE_PATCH))

    def delete_child(self, body: Mapping[str, Any]) -> None:
        self._destroy(f"{CHILDREN[body['kind']].format(self.tenant)}/{body['metadata']['name']}")

    def delete_site(self, name: str) -> None:
        self.delete("sites", name)

    async def play_controllers(self) -> None:
        """Bind volumes, finish Jobs and roll Deployments out until cancelled."""
        while True:
            await asyncio.to_thread(self.play_once)
            await asyncio.sleep(0.02)

    def values_of_secrets(self, site: str) -> dict[str, dict[str, str]]:
        """Return what the Secrets of a Site hold, by their names without the Site's."""
        return {
            item["metadata"]["name"]: {
                key: base64.b64decode(value).decode() for key, value in item["data"].items()
            }
            for item in self.children(site)
            if item["kind"] == "Secret"
        }

    def end_state(self, site: str) -> dict[str, Any]:
        """Return what a Site has come to, in a form that is the same for every Site that went well."""
        body = self.site(site)
        uid = body["metadata"]["uid"]
        data = naming.data_id(uid)
        children = sorted(
            (without_server_fields(item) for item in self.children(site)),
            key=lambda item: (item["kind"], item["metadata"]["name"]),
        )
        state = {
            "children": [item for item in children if item["kind"] != "Secret"],
            "secrets": sorted(self.values_of_secrets(site)),
            "conditions": {
                item["type"]: f"{item['status']} {item['reason']}" for item in body["status"]["conditions"]
            },
            "finalizers": body["metadata"].get("finalizers"),
        }
        text = json.dumps(state, sort_keys=True).replace(uid, "UID").replace(site, "NAME")
        text = re.sub(r"install-[0-9a-f]{8}", "install-HASH", text.replace(data, "DATA"))
        plain: dict[str, Any] = json.loads(text.replace(data[:5], "SHORT"))
        return plain

    def play_once(self) -> None:
        """Do what the controllers have to do just now."""
        query = "?labelSelector=app.kubernetes.io/managed-by=frankenpanel-operator"
        for kind in ("PersistentVolumeClaim", "Job", "Deployment"):
            for item in self.api.request("GET", CHILDREN[kind].format(self.tenant) + query).body["items"]:
                if (status := _controller_status(kind, item)) is not None:
                    with suppress(AssertionError):  # it went or changed meanwhile
                        self.patch_child(kind, item["metadata"]["name"], {"status": status}, "/status")

    def _put(self, plural: str, kind: str, name: str, spec: Mapping[str, Any]) -> None:
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        self._ok(self.api.apply(f"{OURS}/{plural}/{name}", body))

    def _destroy(self, path: str) -> None:
        self.api.request("PATCH", path, {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
        self.api.request("DELETE", path, {"gracePeriodSeconds": 0})

    @staticmethod
    def _ok(answer: Any) -> dict[str, Any]:
        assert answer.status < 300, answer.message
        body: dict[str, Any] = answer.body
        return body


def leave_nothing_of_ours(api: Any, seconds: float = 30.0) -> None:
    """Remove every object of our kinds from an API server, by force."""
    for resource in OUR_RESOURCES:
        deadline = time.monotonic() + seconds
        # A kind whose CRD was made just now may not be served for a moment.
        while (answer := api.request("GET", resource.path())).status != 200:
            assert time.monotonic() < deadline, answer.message
            time.sleep(0.1)
        for item in answer.body["items"]:
            path = resource.path(item["metadata"].get("namespace", ""), item["metadata"]["name"])
            free = {"metadata": {"finalizers": None}}
            api.request("PATCH", path, free, content_type=MERGE_PATCH)
            api.request("DELETE", path)


def _controller_status(kind: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the status that a controller would write, or None where it wrote it before."""
    status = body.get("status", {})
    if kind == "PersistentVolumeClaim":
        bound = {"phase": "Bound", "capacity": body["spec"]["resources"]["requests"]}
        return None if status.get("phase") == "Bound" else bound
    if kind == "Job":
        return None if status.get("succeeded") else FINISHED
    if status.get("observedGeneration") == body["metadata"]["generation"]:
        return None
    names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    counts = dict.fromkeys(names, body["spec"]["replicas"])
    return {"observedGeneration": body["metadata"]["generation"], **counts}


def without_server_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Drop times, versions, addresses and digests (which differ by uid) from an object."""
    kept = {key: body["metadata"].get(key) for key in ("name", "labels", "ownerReferences")}
    text = json.dumps({"kind": body["kind"], "metadata": kept, "spec": body.get("spec", body.get("data"))})
    text = re.sub(r'"(clusterIP|[a-z.-]+/[a-z-]*(digest|hash))": "[^"]*"', r'"\1": ""', text)
    text = re.sub(r'"[a-z.-]*/?controller-uid": "[^"]*"', '"controller-uid": ""', text)
    plain: dict[str, Any] = json.loads(re.sub(r'"clusterIPs": \["[^"]*"\]', '"clusterIPs": []', text))
    return plain
