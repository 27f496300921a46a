"""What the bare cluster on this host lacks: enforcement of NetworkPolicies, and volumes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from frankenpanel_hack.host.containerd import Containerd
from frankenpanel_hack.images.commands import OnOutput
from frankenpanel_hack.kubectl import Kubectl
from frankenpanel_hack.polling import wait_until
from frankenpanel_hack.workloads import wait_for_workloads

Manifest = dict[str, Any]
_NAMESPACES = ("kube-system", "local-path-storage")
_READY_SECONDS = 180


def addon_manifests(manifests_dir: Path, images: Mapping[str, str], volumes_dir: Path) -> list[Manifest]:
    """Return the manifests with our images and our folder in place.

    Args:
        manifests_dir: where the manifests lie.
        images: image name as the manifests have it -> full reference.
        volumes_dir: where volumes shall lie.
    """
    documents: list[Manifest] = []
    for path in sorted(manifests_dir.glob("*.yaml")):
        documents += [
            document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document
        ]
    for document in documents:
        _place_images(document, images)
        if document["metadata"]["name"] == "local-path-config":
            _place_volumes(document["data"], images, volumes_dir)
    return documents


def _place_images(manifest: Manifest, images: Mapping[str, str]) -> None:
    template = (
        manifest.get("spec", {}).get("template", manifest) if isinstance(manifest.get("spec"), dict) else {}
    )
    for container in template.get("spec", {}).get("containers", ()):
        container["image"] = images[container["image"]]


def _place_volumes(data: dict[str, str], images: Mapping[str, str], volumes_dir: Path) -> None:
    config = json.loads(data["config.json"])
    config["nodePathMap"][0]["paths"] = [str(volumes_dir)]
    data["config.json"] = json.dumps(config)
    pod = yaml.safe_load(data["helperPod.yaml"])
    _place_images(pod, images)
    data["helperPod.yaml"] = yaml.safe_dump(pod, sort_keys=False)


def stale_pods(pods: list[dict[str, Any]], running: set[str]) -> list[str]:
    """Return the pods that are said to run a container which does not."""
    return [pod["metadata"]["name"] for pod in pods if not _claimed_containers(pod) <= running]


def _claimed_containers(pod: dict[str, Any]) -> set[str]:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return {
        status["containerID"].rpartition("/")[2]
        for status in statuses
        if "running" in status.get("state", {})
    }


def install_addons(
    kubectl: Kubectl, containerd: Containerd, documents: list[Manifest], on_output: OnOutput
) -> None:
    """Apply the manifests and wait until everything of the bare cluster runs."""
    on_output(kubectl.apply(documents))

    def stale() -> str | None:
        running = containerd.running_containers()
        return (
            ", ".join(stale_pods(kubectl.json("get", "pods", "--all-namespaces")["items"], running)) or None
        )

    # After a crash the API still tells of the pods of before, and every later wait would believe it.
    wait_until("news of pods that ended", stale, 120, on_output)
    for namespace in _NAMESPACES:
        wait_for_workloads(kubectl, namespace, _READY_SECONDS, on_output)
