"""Where everything of the local cluster lies on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUILD_DIR_VARIABLE = "FRANKENPANEL_BUILD_DIR"
_REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Layout:
    """Folders below the repository and below the build folder.

    Attributes:
        repository: the checkout.
        build_dir: everything that is built, cached or kept by a cluster of ours.
    """

    repository: Path
    build_dir: Path

    @property
    def bin_dir(self) -> Path:
        """Compiled programs."""
        return self.build_dir / "bin"

    @property
    def logs_dir(self) -> Path:
        """One log a step, and those of the node's processes."""
        return self.build_dir / "logs"

    @property
    def stamps_dir(self) -> Path:
        """Hashes of the inputs of finished steps."""
        return self.build_dir / "stamps"

    @property
    def cluster_dir(self) -> Path:
        """State of the cluster on this host; `down` removes it."""
        return self.build_dir / "cluster"

    @property
    def kubeconfig(self) -> Path:
        """Administrator's kubeconfig of the cluster that `up` made."""
        return self.build_dir / "kubeconfig"

    @property
    def go_modules_dir(self) -> Path:
        """Go modules that pin the programs of the cluster."""
        return self.repository / "hack" / "go"

    @property
    def manifests_dir(self) -> Path:
        """Manifests of what the bare cluster needs beside kubeadm's own."""
        return self.repository / "hack" / "manifests"


def layout_from(environment: Mapping[str, str], repository: Path = _REPOSITORY) -> Layout:
    """Return the layout; a relative build folder counts from the repository."""
    named = environment.get(BUILD_DIR_VARIABLE) or ".build"
    return Layout(repository, (repository / Path(named).expanduser()).resolve())
