"""Renders the charts with the helm that people use."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "charts" / "frankenpanel"
PLATFORM_NAMESPACE = "frankenpanel-system"
# Without a cluster to ask, helm takes the version that it was compiled for.
KUBERNETES_VERSION = "1.35.0"

Manifest = dict[str, Any]
Result = subprocess.CompletedProcess[str]


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


@pytest.fixture(scope="session")
def helm() -> Callable[..., Result]:
    """Runs helm; without one the tests are skipped, except in CI, where `make up` has built it before."""
    build_dir = REPOSITORY / os.environ.get("FRANKENPANEL_BUILD_DIR", ".build")
    program = shutil.which("helm", path=f"{build_dir / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        reason = "helm is neither on PATH nor in the build folder (`make up` builds it)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)

    def run(*arguments: str) -> Result:
        return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def try_render(
    helm: Callable[..., Result], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Mapping[str, Any]], Result]:
    """Renders the chart with values on top of its defaults; helm may refuse."""

    def try_render(values: Mapping[str, Any]) -> Result:
        values_file = tmp_path_factory.mktemp("values") / "values.yaml"
        values_file.write_text(yaml.safe_dump(dict(values)))
        place = ("--namespace", PLATFORM_NAMESPACE, "--kube-version", KUBERNETES_VERSION)
        return helm("template", "frankenpanel", str(CHART), *place, "--values", str(values_file))

    return try_render


@pytest.fixture(scope="session")
def render(try_render: Callable[[Mapping[str, Any]], Result]) -> Callable[..., Rendered]:
    """Renders the chart to objects; values are given by name."""

    def render(**values: Any) -> Rendered:
        result = try_render(values)
        assert result.returncode == 0, result.stderr
        return Rendered([document for document in yaml.safe_load_all(result.stdout) if document])

    return render


@pytest.fixture(scope="session")
def defaults(render: Callable[..., Rendered]) -> Rendered:
    """What the chart makes when nobody chose anything."""
    return render()


@pytest.fixture(scope="session")
def on_host_ports(render: Callable[..., Rendered]) -> Rendered:
    """What the chart makes on a cluster without a load balancer."""
    return render(gateway={"hostPorts": {"enabled": True}, "service": {"type": "ClusterIP"}})
