"""What every command needs to know: where things lie, which cluster, which programs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from frankenpanel_hack.choice import Facts, Way, choose_way
from frankenpanel_hack.errors import UserError
from frankenpanel_hack.go_programs import host_has
from frankenpanel_hack.host.preflight import owner_of_cluster
from frankenpanel_hack.images.catalogue import image_references, recipes, shipped_names
from frankenpanel_hack.images.engine import Buildah, Docker, ImageEngine, docker_answers
from frankenpanel_hack.images.host_settings import read_host_settings
from frankenpanel_hack.kubectl import Kubectl
from frankenpanel_hack.layout import Layout, layout_from
from frankenpanel_hack.ports import PublicPorts, read_ports
from frankenpanel_hack.release import Helm

# Program -> how to ask it for its version, and the oldest one that will do. kubectl may be one minor
# version away from the cluster's.
_HOST_PROGRAMS = {
    "kubectl": (("kubectl", "version", "--client", "--output=jsonpath={.clientVersion.gitVersion}"), (1, 34)),
    "helm": (("helm", "version", "--template={{.Version}}"), (3, 18)),
    "kind": (("kind", "version", "--quiet"), (0, 30)),
}


@dataclass(frozen=True)
class Session:
    """One run of the program.

    Attributes:
        layout: where things lie.
        ports: where visitors reach the gateway.
        kubeconfig_variable: what KUBECONFIG says, empty when unset.
    """

    layout: Layout
    ports: PublicPorts
    kubeconfig_variable: str

    @cached_property
    def way(self) -> Way:
        """Where the cluster comes from."""
        return choose_way(
            Facts(
                kubeconfig=self.kubeconfig_variable,
                own_kubeconfig=self.layout.kubeconfig,
                docker_answers=docker_answers(),
                is_linux=sys.platform == "linux",
                is_root=os.geteuid() == 0,
                has_host_cluster=owner_of_cluster() == self.layout.build_dir,
            )
        )

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the cluster."""
        return Path(self.kubeconfig_variable) if self.way is Way.GIVEN else self.layout.kubeconfig

    @cached_property
    def engine(self) -> ImageEngine:
        """What builds images."""
        host = read_host_settings()
        engine = Docker if self.way is not Way.HOST and docker_answers() else Buildah
        return engine(self.layout.build_dir, host)

    @cached_property
    def references(self) -> dict[str, str]:
        """Full references of the images for the files as they are now: every shipped one and the base."""
        known = recipes(can_pull=self.engine.can_pull)
        references = image_references(self.layout.repository, known)
        return {name: references[name] for name in dict.fromkeys(["base", *shipped_names(known)])}

    def program(self, name: str) -> Path:
        """Return the program that was compiled here, or else the host's own."""
        own = self.layout.bin_dir / name
        found = shutil.which(name)
        return own if own.exists() or not found else Path(found)

    def lacks_program(self, name: str) -> bool:
        """Tell whether a program must be compiled: the host's own is missing or too old."""
        command, wanted = _HOST_PROGRAMS[name]
        return not host_has(command, wanted)

    def require_cluster(self) -> None:
        """Refuse to go on without a cluster of this build folder.

        Raises:
            UserError: with the cure.
        """
        owner = owner_of_cluster()
        if self.way is Way.HOST and owner not in (None, self.layout.build_dir):
            raise UserError(f"The cluster on this host is that of {owner}, not of {self.layout.build_dir}.")
        if not self.kubeconfig.is_file() or (self.way is Way.HOST and owner is None):
            raise UserError("There is no cluster: `make up` makes one.")

    @property
    def kubectl(self) -> Kubectl:
        """The kubectl of the chosen cluster."""
        return Kubectl(str(self.program("kubectl")), self.kubeconfig)

    @property
    def helm(self) -> Helm:
        """The helm of the chosen cluster."""
        return Helm(str(self.program("helm")), self.kubeconfig)


def open_session(environment: Mapping[str, str]) -> Session:
    """Return the session that the environment describes."""
    return Session(layout_from(environment), read_ports(environment), environment.get("KUBECONFIG", ""))
