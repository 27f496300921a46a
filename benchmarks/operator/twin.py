"""The stock-kopf twin: the same objects as ours, written the way kopf's documentation does it.

Handlers for creation, update and resumption that call the official client, `kopf.adopt` for ownership, a
timer per object that puts drift right, and kopf's defaults for all the rest. Run by `kopf run twin.py`.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kopf
import kubernetes

sys.path.insert(0, str(Path(__file__).parent))
from population import GROUP, VERSION, owned_objects

TIMER_SECONDS = float(os.environ.get("TWIN_TIMER_SECONDS", "600"))
SITES, DOMAINS = (GROUP, VERSION, "sites"), (GROUP, VERSION, "domains")
SERVICE_RETRY_SECONDS = 5
Manifest = dict[str, Any]


@kopf.on.startup()
def sign_in(**_: Any) -> None:
    kubernetes.config.load_kube_config()


@kopf.on.create(*SITES)
def make_site(body: Any, patch: Any, **_: Any) -> None:
    for manifest in _adopted(body):
        _create_or_patch(manifest)
    _tell_of_site(body, patch)


@kopf.on.update(*SITES, field="spec")
@kopf.on.resume(*SITES)
def renew_site(body: Any, patch: Any, **_: Any) -> None:
    for manifest in _adopted(body):
        _patch_or_create(manifest)
    _tell_of_site(body, patch)


@kopf.timer(*SITES, interval=TIMER_SECONDS, initial_delay=TIMER_SECONDS)
def repair_site(body: Any, **_: Any) -> None:
    for manifest in _adopted(body):
        _patch_or_create(manifest)


@kopf.on.create(*DOMAINS)
def make_domain(body: Any, patch: Any, **_: Any) -> None:
    _create_or_patch(_claim(body))
    _tell_of_domain(body, patch)


@kopf.on.update(*DOMAINS, field="spec")
@kopf.on.resume(*DOMAINS)
def renew_domain(body: Any, patch: Any, **_: Any) -> None:
    _patch_or_create(_claim(body))
    _tell_of_domain(body, patch)


@kopf.timer(*DOMAINS, interval=TIMER_SECONDS, initial_delay=TIMER_SECONDS)
def repair_domain(body: Any, **_: Any) -> None:
    _patch_or_create(_claim(body))


@kopf.on.delete(*DOMAINS)
def release_domain(spec: Any, **_: Any) -> None:
    try:
        kubernetes.client.CustomObjectsApi().delete_cluster_custom_object(
            GROUP, VERSION, "domainclaims", spec["host"]
        )
    except kubernetes.client.ApiException as error:
        if error.status != 404:
            raise


def _tell_of_site(body: Any, patch: Any) -> None:
    message = "the objects exist and no pod runs yet"
    patch.status["observedGeneration"] = body["metadata"]["generation"]
    patch.status["conditions"] = _conditions(body, "False", "Progressing", message)


def _tell_of_domain(body: Any, patch: Any) -> None:
    host = body["spec"]["host"]
    patch.status["observedGeneration"] = body["metadata"]["generation"]
    patch.status["host"] = patch.status["claimName"] = host
    patch.status["conditions"] = _conditions(body, "True", "Ready", "visitors reach the Site")


def _adopted(body: Any) -> list[Manifest]:
    metadata = body["metadata"]
    manifests = owned_objects(metadata["name"], metadata["namespace"], metadata["uid"])
    for manifest in manifests:
        del manifest["metadata"]["ownerReferences"]
    kopf.adopt(manifests, owner=body)
    return manifests


def _claim(body: Any) -> Manifest:
    metadata, spec = body["metadata"], body["spec"]
    namespace, site = metadata["namespace"], spec["siteRef"]["name"]
    try:
        service = kubernetes.client.CoreV1Api().read_namespaced_service(site, namespace)
    except kubernetes.client.ApiException as error:
        raise kopf.TemporaryError("the Site has no Service yet", delay=SERVICE_RETRY_SECONDS) from error
    upstream = f"{service.spec.cluster_ip}:{service.spec.ports[0].port}"
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "DomainClaim",
        "metadata": {"name": spec["host"]},
        "spec": {
            "host": spec["host"],
            "domainRef": {"namespace": namespace, "name": metadata["name"], "uid": metadata["uid"]},
            "route": {"site": f"{namespace}.{site}", "upstream": upstream},
        },
    }


def _conditions(body: Any, status: str, reason: str, message: str) -> list[Manifest]:
    known = body.get("status", {}).get("conditions", [])
    if known and known[0]["status"] == status:
        return list(known)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return [{**condition, "lastTransitionTime": now}]


def _create_or_patch(manifest: Manifest) -> None:
    try:
        _call("create", manifest)
    except kubernetes.client.ApiException as error:
        if error.status != 409:
            raise
        _call("patch", manifest)


def _patch_or_create(manifest: Manifest) -> None:
    try:
        _call("patch", manifest)
    except kubernetes.client.ApiException as error:
        if error.status != 404:
            raise
        _call("create", manifest)


def _call(verb: str, manifest: Manifest) -> None:
    kind, client = manifest["kind"], kubernetes.client
    if kind == "DomainClaim":
        name = [manifest["metadata"]["name"]] * (verb == "patch")
        call = getattr(client.CustomObjectsApi(), f"{verb}_cluster_custom_object")
        call(GROUP, VERSION, "domainclaims", *name, manifest)
        return
    apis = {"Deployment": client.AppsV1Api, "NetworkPolicy": client.NetworkingV1Api}
    api = apis.get(kind, client.CoreV1Api)()
    snake = {
        "ServiceAccount": "service_account",
        "ConfigMap": "config_map",
        "NetworkPolicy": "network_policy",
    }
    call = getattr(api, f"{verb}_namespaced_{snake.get(kind, kind.lower())}")
    name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
    call(*([name, namespace] if verb == "patch" else [namespace]), manifest)
