"""Renders the charts with the helm that people use."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
PLATFORM_NAMESPACE = "frankenpanel-system"
# Without a cluster to ask, helm takes the version that it was compiled for.
KUBERNETES_VERSION = "1.35.0"
ON_HOST_PORTS = {"gateway": {"hostPorts": {"enabled": True}, "service": {"type": "ClusterIP"}}}

Manifest = dict[str, Any]
Result = subprocess.CompletedProcess[str]


class HelmMissingError(Exception):
    """There is no helm, neither on PATH nor in the build folder."""

    def __init__(self) -> None:
        super().__init__("helm is neither on PATH nor in the build folder (`make up` builds it)")


@dataclass(frozen=True)
class Rendered:
    """The objects of one rendering."""

    objects: list[Manifest]

    def find(self, kind: str, name: str) -> Manifest:
        """Return the one object of this kind and name."""
        (found,) = (o for o in self.objects if o["kind"] == kind and o["metadata"]["name"] == name)
        return found

    def workloads(self) -> Iterator[tuple[str, Manifest]]:
        """Yield the name and the pod specification of every workload."""
        for manifest in self.objects:
            if "template" in manifest.get("spec", {}):
                yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]

    def containers(self) -> Iterator[tuple[str, Manifest]]:
        """Yield every container with the name of its workload in front of its own."""
        for name, pod in self.workloads():
            for container in pod["containers"]:
                yield f"{name}/{container['name']}", container

    def container(self, path: str) -> Manifest:
        """Return one container by workload and name."""
        return dict(self.containers())[path]


def try_render(chart: str, values: Mapping[str, Any], namespace: str = PLATFORM_NAMESPACE) -> Result:
    """Render a chart with values on top of its defaults; helm may refuse.

    Raises:
        HelmMissingError: there is no helm.
    """
    build_dir = REPOSITORY / os.environ.get("FRANKENPANEL_BUILD_DIR", ".build")
    program = shutil.which("helm", path=f"{build_dir / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        raise HelmMissingError
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(dict(values), file)
        file.flush()
        command = [program, "template", chart, str(REPOSITORY / "charts" / chart)]
        command += [
            f"--namespace={namespace}",
            f"--kube-version={KUBERNETES_VERSION}",
            f"--values={file.name}",
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def render(chart: str, values: Mapping[str, Any], namespace: str = PLATFORM_NAMESPACE) -> Rendered:
    """Render a chart to objects.

    Raises:
        HelmMissingError: there is no helm.
        ValueError: helm refused; its words.
    """
    result = try_render(chart, values, namespace)
    if result.returncode != 0:
        raise ValueError(result.stderr)
    return Rendered([document for document in yaml.safe_load_all(result.stdout) if document])
