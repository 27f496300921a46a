"""Real servers for integration tests: a Kubernetes API server, and a small client for it.

`api_server` yields the path of a kubeconfig. It is the one that FRANKENPANEL_KUBECONFIG or KUBECONFIG names;
where neither is set, etcd and kube-apiserver are started from the build folder for the length of the run.
There are no controllers and no nodes in that server: objects are stored and validated, and nothing else
happens to them. `kubernetes_api` speaks to it without kubectl; `installed_crds` puts our CRDs into it.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_server_process import REPOSITORY, START_SECONDS, local_api_server
from kubernetes_api import KubernetesApi

GENERATED_CRDS = REPOSITORY / "crds" / "generated"


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the kubeconfig of a real API server; its user may do everything."""
    if named := os.environ.get("FRANKENPANEL_KUBECONFIG") or os.environ.get("KUBECONFIG"):
        yield Path(named.split(os.pathsep)[0])
        return
    with local_api_server(tmp_path_factory.mktemp("api-server")) as kubeconfig:
        yield kubeconfig


@pytest.fixture(scope="session")
def kubernetes_api(api_server: Path) -> KubernetesApi:
    """Return a client that sends plain requests to the API server."""
    return KubernetesApi(api_server)


@pytest.fixture(scope="session")
def installed_crds(kubernetes_api: KubernetesApi) -> list[str]:
    """Put our CRDs into the API server, wait until it serves them, and return their names."""
    names = []
    for path in sorted(GENERATED_CRDS.glob("*.yaml")):
        manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
        name = manifest["metadata"]["name"]
        answer = kubernetes_api.apply(_crd_path(name), manifest)
        assert answer.status in {200, 201}, answer.message
        names.append(name)
    for name in names:
        _wait_until_established(kubernetes_api, name)
    return names


def _crd_path(name: str) -> str:
    return f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"


def _wait_until_established(api: KubernetesApi, name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    conditions: dict[str, str] = {}
    while time.monotonic() < deadline:
        body = api.request("GET", _crd_path(name)).body
        # A definition made just now may say null.
        found = body.get("status", {}).get("conditions") or []
        conditions = {condition["type"]: condition["status"] for condition in found}
        version = body["spec"]["versions"][0]["name"]
        listed = api.request("GET", f"/apis/{body['spec']['group']}/{version}").body.get("resources") or []
        plural = body["spec"]["names"]["plural"]
        if conditions.get("Established") == "True" and any(item["name"] == plural for item in listed):
            return
        time.sleep(0.1)
    raise TimeoutError(f"{name} is not served after {START_SECONDS} s, conditions: {conditions}")


@pytest.fixture
def namespace(kubernetes_api: KubernetesApi) -> Iterator[str]:
    """Yield the name of a fresh namespace, deleted (as far as controllers run) afterwards."""
    name = f"test-{secrets.token_hex(4)}"
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    answer = kubernetes_api.request("POST", "/api/v1/namespaces", manifest)
    assert answer.status == 201, answer.message
    yield name
    kubernetes_api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def object_path() -> Callable[[Mapping[str, Any]], str]:
    """Return a function from a manifest of one of our kinds to the path of the object."""
    plurals = {}
    for path in GENERATED_CRDS.glob("*.yaml"):
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
        plurals[spec["names"]["kind"]] = (spec["names"]["plural"], spec["scope"] == "Namespaced")

    def path_of(manifest: Mapping[str, Any]) -> str:
        plural, is_namespaced = plurals[manifest["kind"]]
        metadata = manifest["metadata"]
        scope = f"/namespaces/{metadata['namespace']}" if is_namespaced else ""
        return f"/apis/{manifest['apiVersion']}{scope}/{plural}/{metadata['name']}"

    return path_of
