"""What the bare cluster on this host lacks: enforcement of NetworkPolicies, and volumes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from frankenpanel_hack.images.commands import OnOutput
from frankenpanel_hack.kubectl import Kubectl

Manifest = dict[str, Any]
_ROLLOUTS = (
    ("kube-system", "daemonset/kube-router"),
    ("kube-system", "daemonset/kube-proxy"),
    ("kube-system", "deployment/coredns"),
    ("local-path-storage", "deployment/local-path-provisioner"),
)


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


def install_addons(kubectl: Kubectl, documents: list[Manifest], on_output: OnOutput) -> None:
    """Apply the manifests and wait until everything of the bare cluster runs."""
    on_output(kubectl.apply(documents))
    for namespace, what in _ROLLOUTS:
        kubectl.run(on_output, "--namespace", namespace, "rollout", "status", what, "--timeout=180s")
