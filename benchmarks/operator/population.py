"""What the benchmark puts into a cluster, and the objects that a Site owns, in a form for plain requests.

A Site here has no database and no volume, so that it owns five objects: ServiceAccount, NetworkPolicy,
ConfigMap, Service, Deployment. Its five Domains are aliases, which change nothing of what it owns.
"""

from __future__ import annotations

import asyncio
import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from client import Api
from cluster import OTHER, PLATFORM, REPLICAS, REPOSITORY
from frankenpanel_crds.runtimecatalog import RuntimeCatalog
from frankenpanel_crds.site import Site
from frankenpanel_crds.sitepreset import SitePreset
from frankenpanel_operator.credentials import derive_site_credentials
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.resolution import References, resolve
from frankenpanel_operator.desired.site import desired_site

Manifest = dict[str, Any]
GROUP = "frankenpanel.io"
VERSION = "v1alpha1"
API = f"/apis/{GROUP}/{VERSION}"
OWNED_OBJECTS = 5
OWNED_RESOURCES = ("serviceaccounts", "networkpolicies", "configmaps", "services", "deployments")
DOMAINS_PER_SITE = 5
TENANTS = 20
PROBES, TAKEOVER, HOPELESS, OTHERS = "probes", "takeover", "hopeless", "others"
MANAGED = "app.kubernetes.io/managed-by"
PATHS = {
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
}

CATALOG: Manifest = {
    "apiVersion": f"{GROUP}/{VERSION}",
    "kind": "RuntimeCatalog",
    "metadata": {"name": "default"},
    "spec": {"default": "8.4", "runtimes": [{"php": "8.4", "image": "frankenpanel/frankenphp:benchmark"}]},
}
PRESET: Manifest = {
    "apiVersion": f"{GROUP}/{VERSION}",
    "kind": "SitePreset",
    "metadata": {"name": "plain"},
    "spec": {
        "title": "Plain",
        "defaultVersion": "1.0",
        "versions": [{"version": "1.0", "image": "frankenpanel/plain:benchmark"}],
        "documentRoot": ".",
        "configFormat": "EnvOnly",
        "healthPath": "/",
    },
}
# Neither is a part of the other, nor of anything else in the manifests.
_SAMPLE_NAME, _SAMPLE_NAMESPACE = "sample-site", "sample-tenant"
_SAMPLE_UID = "5f0c8a4e-0000-4000-8000-00000000abcd"


def site_name(number: int) -> str:
    return f"s{number:05d}"


def tenant(number: int) -> str:
    return f"tenant-{number % TENANTS:02d}"


def site(name: str, namespace: str) -> Manifest:
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Site",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": {"preset": {"name": "plain"}}, "database": {"engine": "None"}},
    }


def domain(site_number: int, number: int) -> Manifest:
    name = f"{site_name(site_number)}-{number}"
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Domain",
        "metadata": {"name": name, "namespace": tenant(site_number)},
        "spec": {
            "host": f"www{number}.{site_name(site_number)}.benchmark.example",
            "siteRef": {"name": site_name(site_number)},
            "role": "Alias",
        },
    }


def path_of(kind: str, namespace: str) -> str:
    """Return where objects of a kind are created: `Site`, `Domain` or an owned kind."""
    ours = {"Site": "sites", "Domain": "domains"}
    if kind in ours:
        return f"{API}/namespaces/{namespace}/{ours[kind]}"
    return PATHS[kind].format(namespace)


def owned_objects(name: str, namespace: str, uid: str) -> list[Manifest]:
    """Return what a Site owns, as the operator's own builders make it."""
    text = _owned_template()
    for sample, value in ((_SAMPLE_NAME, name), (_SAMPLE_NAMESPACE, namespace), (_SAMPLE_UID, uid)):
        text = text.replace(sample, value)
    objects: list[Manifest] = json.loads(text)
    return objects


@cache
def _owned_template() -> str:
    body = site(_SAMPLE_NAME, _SAMPLE_NAMESPACE)
    body["metadata"]["uid"] = _SAMPLE_UID
    sample = Site.parse(body)
    references = References(
        platform=Platform(PLATFORM),
        credentials=derive_site_credentials(b"k" * 32, _SAMPLE_NAMESPACE, "data"),
        catalog=RuntimeCatalog.parse(CATALOG),
        preset=SitePreset.parse(PRESET),
    )
    desired = desired_site(sample, resolve(sample, references).inputs)
    return json.dumps([item.manifest for item in desired.objects])


def definitions(folder: Path) -> list[Manifest]:
    """Return the CustomResourceDefinitions in a folder."""
    return [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))]


async def install(api: Api) -> None:
    """Create the definitions, the operators' rights, the namespaces, a preset and the PHP versions."""
    for manifest in definitions(REPOSITORY / "crds" / "generated"):
        await install_definition(api, manifest)
    await api.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", _rights())
    tenants = [tenant(number) for number in range(TENANTS)]
    for name in (PLATFORM, PROBES, TAKEOVER, HOPELESS, OTHERS, *tenants):
        await api.create("/api/v1/namespaces", _namespace(name))
    await api.create(f"{API}/runtimecatalogs", CATALOG)
    await api.create(f"{API}/sitepresets", PRESET)


async def install_definition(api: Api, manifest: Manifest) -> None:
    """Create a CustomResourceDefinition and wait until it is served."""
    await api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", manifest)
    group, version = manifest["spec"]["group"], manifest["spec"]["versions"][0]["name"]
    async with asyncio.timeout(60):
        while not await _is_served(  # noqa: ASYNC110  another process's state
            api, f"/apis/{group}/{version}", manifest["spec"]["names"]["plural"]
        ):
            await asyncio.sleep(0.1)


async def _is_served(api: Api, path: str, plural: str) -> bool:
    try:
        found = await api.request("GET", path)
    except RuntimeError:
        return False
    return any(item["name"] == plural for item in found.get("resources", ()))


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _rights() -> Manifest:
    group = "rbac.authorization.k8s.io"
    users = [*REPLICAS.values(), OTHER]
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "benchmark"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user} for user in users],
    }
