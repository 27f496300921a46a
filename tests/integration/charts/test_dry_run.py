"""A real API server takes what chart and examples bring, and admits the platform's pods as restricted."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_charts
import pytest
import yaml
from helm_charts import HelmMissingError, Rendered

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds")]

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
DRY_RUN = "dryRun=All&fieldValidation=Strict"
PLURALS = {"NetworkPolicy": "networkpolicies"}


def _collection(manifest: dict[str, Any], namespace: str) -> str:
    """Return the path of the collection that an object is created in."""
    root = (
        f"/apis/{manifest['apiVersion']}"
        if "/" in manifest["apiVersion"]
        else f"/api/{manifest['apiVersion']}"
    )
    plural = PLURALS.get(manifest["kind"], f"{manifest['kind'].lower()}s")
    return (
        f"{root}/namespaces/{namespace}/{plural}"
        if "namespace" in manifest["metadata"]
        else f"{root}/{plural}"
    )


def _renamed(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a cluster-scoped object under a free name, where the name is ours to choose."""
    if "namespace" in manifest["metadata"] or manifest["kind"] == "RuntimeCatalog":
        return manifest
    return {**manifest, "metadata": {**manifest["metadata"], "name": f"dry-run-{secrets.token_hex(4)}"}}


def _refusal(api: Any, manifest: dict[str, Any], namespace: str) -> str | None:
    manifest = _renamed(manifest)
    if "namespace" in manifest["metadata"]:
        manifest = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
    answer = api.request("POST", f"{_collection(manifest, namespace)}?{DRY_RUN}", manifest)
    # A cluster on which FrankenPanel runs has its catalogue already.
    return None if answer.status in {201, 409} else f"{manifest['kind']}: {answer.message}"


def _pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "any"}, "spec": spec}


@pytest.fixture
def restricted_namespace(kubernetes_api: Any) -> Iterator[str]:
    """A namespace that admits restricted pods only."""
    name = f"restricted-{secrets.token_hex(4)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    assert kubernetes_api.request("POST", "/api/v1/namespaces", body).status == 201
    yield name
    kubernetes_api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def rendered(restricted_namespace: str) -> Rendered:
    """The chart's objects, for the restricted namespace."""
    try:
        return helm_charts.render("frankenpanel", {}, restricted_namespace)
    except HelmMissingError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


def test_the_chart_is_taken(rendered: Rendered, kubernetes_api: Any, restricted_namespace: str) -> None:
    refusals = [_refusal(kubernetes_api, manifest, restricted_namespace) for manifest in rendered.objects]
    assert [refusal for refusal in refusals if refusal] == []


def test_the_platforms_pods_are_admitted_as_restricted(
    rendered: Rendered, kubernetes_api: Any, restricted_namespace: str
) -> None:
    for name, specification in rendered.workloads():
        # No service account exists here; the volume of a claim template is the StatefulSet's to add.
        claim = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
        volumes = [*specification.get("volumes", []), *([claim] if name.endswith("mariadb") else [])]
        spec = {**specification, "serviceAccountName": "default", "volumes": volumes}
        assert _refusal(kubernetes_api, _pod(name, spec), restricted_namespace) is None, name


def test_host_ports_are_what_restricted_namespaces_refuse(
    kubernetes_api: Any, restricted_namespace: str, rendered: Rendered
) -> None:
    _, specification = next(item for item in rendered.workloads() if item[0] == "frankenpanel-gateway")
    caddy, *others = specification["containers"]
    ports = [{**port, "hostPort": port["containerPort"]} for port in caddy["ports"]]
    spec = {
        **specification,
        "serviceAccountName": "default",
        "containers": [{**caddy, "ports": ports}, *others],
    }
    pod = _pod("gateway", spec)
    assert "hostPort" in str(_refusal(kubernetes_api, pod, restricted_namespace))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_taken(example: Path, kubernetes_api: Any, restricted_namespace: str) -> None:
    for manifest in yaml.safe_load_all(example.read_text(encoding="utf-8")):
        assert _refusal(kubernetes_api, manifest, restricted_namespace) is None
