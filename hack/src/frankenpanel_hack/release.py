"""Install FrankenPanel's charts into a cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frankenpanel_hack.images.commands import CommandFailedError, OnOutput, run_streamed
from frankenpanel_hack.inputs import hash_files, hash_values
from frankenpanel_hack.kubectl import Kubectl
from frankenpanel_hack.layout import Layout
from frankenpanel_hack.ports import LISTEN_ADDRESS, PublicPorts
from frankenpanel_hack.programs import capture, cluster_environment
from frankenpanel_hack.workloads import missing_workloads, wait_for_workloads

NAMESPACE = "frankenpanel-system"
CRDS_RELEASE = "frankenpanel-crds"
RELEASE = "frankenpanel"
READY_SECONDS = 300


def image_values(references: Mapping[str, str], known: frozenset[str]) -> dict[str, Any]:
    """Return the chart's values for our own images; images the chart does not know are left out."""
    tags = {
        name: {"tag": reference.rpartition(":")[2]} for name, reference in references.items() if name in known
    }
    return {"images": tags}


def host_port_values(ports: PublicPorts) -> dict[str, Any]:
    """Return the values of a gateway on this host's own loopback address."""
    host_ports = {"enabled": True, "ip": LISTEN_ADDRESS, "http": ports.http, "https": ports.https}
    return {"gateway": {"hostPorts": host_ports, "service": {"type": "ClusterIP"}}}


def kind_port_values(ports: PublicPorts) -> dict[str, Any]:
    """Return the values of a gateway in a container whose ports 80 and 443 Docker publishes."""
    host_ports = {"enabled": True, "ip": "", "http": 80, "https": 443}
    public = {"http": ports.http, "https": ports.https}
    return {"gateway": {"hostPorts": host_ports, "publicPorts": public, "service": {"type": "ClusterIP"}}}


def local_domain_values() -> dict[str, Any]:
    """Return the values of a cluster for oneself, where nobody has to prove that *.localhost is theirs."""
    return {"domains": {"trustedNamespaces": ["*"]}}


class Helm:
    """helm with one kubeconfig."""

    def __init__(self, program: str, kubeconfig: Path) -> None:
        self._program = program
        self._environment = {**cluster_environment(os.environ), "KUBECONFIG": str(kubeconfig)}

    def deployed_description(self, release: str) -> str | None:
        """Return the description of the release when its last upgrade went through."""
        command = [self._program, "status", release, f"--namespace={NAMESPACE}", "--output=json"]
        try:
            text = capture(command, self._environment)
        except CommandFailedError:
            return None
        info = json.loads(text)["info"]
        return str(info["description"]) if info["status"] == "deployed" else None

    def manifest(self, release: str) -> str:
        """Return the objects that the release has made."""
        command = [self._program, "get", "manifest", release, f"--namespace={NAMESPACE}"]
        return capture(command, self._environment)

    def upgrade(
        self, release: str, chart: Path, values: Mapping[str, Any], description: str, on_output: OnOutput
    ) -> None:
        """Install or upgrade a release; what it made may become ready later."""
        command = [self._program, "upgrade", "--install", release, str(chart)]
        command += [f"--namespace={NAMESPACE}", "--create-namespace", f"--description={description}"]
        command.append("--history-max=5")
        for key, value in values.items():
            command.append(f"--set-json={key}={json.dumps(value)}")
        run_streamed(command, self._environment, on_output)


def release_digest(chart: Path, values: Mapping[str, Any]) -> str:
    """Return what the release's description says when it has these files and values."""
    return f"inputs {hash_values([hash_files([chart]), values])}"


def is_installed(helm: Helm, kubectl: Kubectl, layout: Layout, values: Mapping[str, Any]) -> bool:
    """Tell whether both charts were installed from the files and values of today, and all of it is there."""
    charts = layout.repository / "charts"
    for release, chart_values in ((CRDS_RELEASE, {}), (RELEASE, values)):
        if helm.deployed_description(release) != release_digest(charts / release, chart_values):
            return False
        if not kubectl.has_all(helm.manifest(release), NAMESPACE):
            return False
    return missing_workloads(kubectl, NAMESPACE) is None


def install(helm: Helm, kubectl: Kubectl, layout: Layout, values: Mapping[str, Any], say: OnOutput) -> None:
    """Install or upgrade both charts, the definitions first, and wait until everything runs."""
    _forget_interrupted(kubectl, say)
    charts = layout.repository / "charts"
    empty: Mapping[str, Any] = {}
    for release, chart_values in ((CRDS_RELEASE, empty), (RELEASE, values)):
        chart = charts / release
        helm.upgrade(release, chart, chart_values, release_digest(chart, chart_values), say)
    wait_for_workloads(kubectl, NAMESPACE, READY_SECONDS, say)


def _forget_interrupted(kubectl: Kubectl, say: OnOutput) -> None:
    # helm refuses to work on a release whose last operation was killed; the next one takes its objects over.
    pending = "status in (pending-install,pending-upgrade,pending-rollback)"
    say(kubectl.text("delete", "secret", f"--namespace={NAMESPACE}", f"--selector=owner=helm,{pending}"))
