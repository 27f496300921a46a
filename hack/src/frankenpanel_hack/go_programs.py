"""Compile the programs that the Go modules in hack/go pin."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from frankenpanel_hack.errors import UserError
from frankenpanel_hack.images.commands import OnOutput, run_streamed
from frankenpanel_hack.inputs import Stamps, hash_files, hash_values
from frankenpanel_hack.layout import Layout
from frankenpanel_hack.programs import capture
from frankenpanel_hack.versions import HELM_VERSION, KUBERNETES_VERSION

NODE_PACKAGES = {
    "k8s.io/kubernetes/cmd/kube-apiserver": "kube-apiserver",
    "k8s.io/kubernetes/cmd/kube-controller-manager": "kube-controller-manager",
    "k8s.io/kubernetes/cmd/kube-scheduler": "kube-scheduler",
    "k8s.io/kubernetes/cmd/kube-proxy": "kube-proxy",
    "k8s.io/kubernetes/cmd/kubeadm": "kubeadm",
    "k8s.io/kubernetes/cmd/kubelet": "kubelet",
    "go.etcd.io/etcd/server/v3": "etcd",
    "github.com/coredns/coredns": "coredns",
    "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router": "kube-router",
}
CLIENT_PACKAGES = {"k8s.io/kubernetes/cmd/kubectl": "kubectl", "helm.sh/helm/v3/cmd/helm": "helm"}
VOLUME_PACKAGES = {"github.com/rancher/local-path-provisioner": "local-path-provisioner"}
KIND_PACKAGES = {"sigs.k8s.io/kind": "kind"}

_VERSION_VARIABLES = {
    "k8s.io/component-base/version.gitVersion": KUBERNETES_VERSION,
    "k8s.io/client-go/pkg/version.gitVersion": KUBERNETES_VERSION,
    "helm.sh/helm/v3/internal/version.version": HELM_VERSION,
}


@dataclass(frozen=True)
class GoBuild:
    """Programs of one module.

    Attributes:
        module_dir: folder of the go.mod.
        packages: import path of a main package -> name of the program.
        bin_dir: where the programs go.
        stamps: remembers what was built from which inputs.
    """

    module_dir: Path
    packages: dict[str, str]
    bin_dir: Path
    stamps: Stamps

    @property
    def programs(self) -> list[Path]:
        """The files that come of it."""
        return [self.bin_dir / name for name in self.packages.values()]

    def digest(self) -> str:
        """Return what the result depends on; the toolchain's version is part of it."""
        modules = hash_files([self.module_dir / "go.mod", self.module_dir / "go.sum"])
        return hash_values([modules, build_flags(), go_version()])

    def is_done(self) -> bool:
        """Tell whether today's inputs were built before."""
        return all(
            self.stamps.matches(f"go-{program.name}", self.digest(), [program]) for program in self.programs
        )

    def run(self, on_output: OnOutput) -> None:
        """Compile and put the programs in place, each under its own name."""
        require_go()
        digest = self.digest()
        fresh = self.bin_dir / f".{self.module_dir.name}"
        fresh.mkdir(parents=True, exist_ok=True)
        # -v names each package when it is compiled: the only sign of life that a compiler gives.
        command = ["go", "build", "-v", *build_flags(), "-o", f"{fresh}/", *self.packages]
        run_streamed(["go", "-C", str(self.module_dir), *command[1:]], _environment(), on_output)
        for package, name in self.packages.items():
            (fresh / built_name(package)).replace(self.bin_dir / name)
            self.stamps.write(f"go-{name}", digest)
        shutil.rmtree(fresh)


def go_build(layout: Layout, module: str, packages: dict[str, str]) -> GoBuild:
    """Return the build of some programs of a module of ours."""
    return GoBuild(layout.go_modules_dir / module, packages, layout.bin_dir, Stamps(layout.stamps_dir))


def require_go() -> None:
    """Refuse to go on without a compiler.

    Raises:
        UserError: with the cure.
    """
    if shutil.which("go") is None:
        raise UserError("Go is needed to compile the programs of the cluster: install Go 1.26 or newer.")


def build_flags() -> list[str]:
    """Return the flags; any other ones would not find the packages that were compiled before."""
    variables = " ".join(f"-X {name}={value}" for name, value in _VERSION_VARIABLES.items())
    return ["-trimpath", "-ldflags", f"-s -w {variables}"]


def built_name(package: str) -> str:
    """Return the name that Go gives a program: the last part of its path that is no major version."""
    parts = [part for part in package.split("/") if not (part[0] == "v" and part[1:].isdigit())]
    return parts[-1]


def go_version() -> str:
    """Return the toolchain's version, empty where there is none."""
    if shutil.which("go") is None:
        return ""
    done = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0"}


def newest_enough(version_text: str, wanted: tuple[int, int]) -> bool:
    """Tell whether a version such as v3.20.2 is at least the wanted major and minor one."""
    parts = version_text.strip().lstrip("v").split(".")
    try:
        return (int(parts[0]), int(parts[1])) >= wanted
    except (ValueError, IndexError):
        return False


def host_has(command: Sequence[str], wanted: tuple[int, int]) -> bool:
    """Tell whether the host's own program prints a version that is new enough."""
    if shutil.which(command[0]) is None:
        return False
    return newest_enough(capture(command), wanted)
