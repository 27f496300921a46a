"""A cluster in Docker: kind does the work."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from frankenpanel_hack.errors import UserError
from frankenpanel_hack.images.commands import OnOutput, run_streamed
from frankenpanel_hack.layout import Layout
from frankenpanel_hack.ports import LISTEN_ADDRESS, PublicPorts
from frankenpanel_hack.programs import capture

NAME = "frankenpanel"


def kind_config(ports: PublicPorts) -> dict[str, object]:
    """Return a cluster of one node whose ports 80 and 443 are published on the loopback address."""
    published = [
        {"containerPort": inside, "hostPort": outside, "listenAddress": LISTEN_ADDRESS, "protocol": "TCP"}
        for inside, outside in ((80, ports.http), (443, ports.https))
    ]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "extraPortMappings": published}],
    }


@dataclass(frozen=True)
class KindCluster:
    """One kind cluster.

    Attributes:
        program: kind itself.
        layout: where things lie.
        ports: where visitors reach the gateway.
    """

    program: str
    layout: Layout
    ports: PublicPorts

    def exists(self) -> bool:
        """Tell whether kind knows the cluster."""
        return NAME in capture([self.program, "get", "clusters"]).split()

    def create(self, on_output: OnOutput) -> None:
        """Create the cluster, or start its node again, and write the kubeconfig.

        Raises:
            UserError: when the running cluster publishes other ports.
        """
        if self.exists():
            self._refuse_other_ports()
            run_streamed(["docker", "start", f"{NAME}-control-plane"], os.environ, on_output)
        else:
            self._create_new(on_output)
        text = capture([self.program, "get", "kubeconfig", "--name", NAME])
        self.layout.kubeconfig.touch(mode=0o600)
        self.layout.kubeconfig.write_text(text, encoding="utf-8")

    def _create_new(self, on_output: OnOutput) -> None:
        config = self.layout.cluster_dir / "kind.yaml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(yaml.safe_dump(kind_config(self.ports)), encoding="utf-8")
        command = [self.program, "create", "cluster", "--name", NAME, "--config", str(config), "--wait", "3m"]
        run_streamed([*command, "--kubeconfig", str(self.layout.kubeconfig)], os.environ, on_output)

    def _refuse_other_ports(self) -> None:
        wanted = f"{LISTEN_ADDRESS}:{self.ports.http}"
        published = capture(["docker", "port", f"{NAME}-control-plane"])
        if published and wanted not in published.split():
            raise UserError(
                f"The kind cluster of `make up` publishes other ports than {self.ports.http} and "
                f"{self.ports.https}, which cannot be changed later: `make down` first."
            )

    def load(self, references: Mapping[str, str], on_output: OnOutput) -> None:
        """Carry images that the node does not have from Docker to it."""
        listed = ["docker", "exec", f"{NAME}-control-plane", "ctr", "-n", "k8s.io", "images", "ls", "-q"]
        present = set(capture(listed).split())
        missing = [reference for reference in references.values() if reference not in present]
        if missing:
            run_streamed(
                [self.program, "load", "docker-image", "--name", NAME, *missing], os.environ, on_output
            )

    def delete(self, on_output: OnOutput) -> None:
        """Remove the cluster."""
        run_streamed([self.program, "delete", "cluster", "--name", NAME], os.environ, on_output)
        self.layout.kubeconfig.unlink(missing_ok=True)


def kind_program(layout: Layout) -> Path:
    """Return where `up` puts the kind that it compiles."""
    return layout.bin_dir / "kind"
