"""Images of the cluster's own programs, made from the binaries compiled here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from frankenpanel_hack.host.containerd import Containerd
from frankenpanel_hack.images.commands import OnOutput
from frankenpanel_hack.images.engine import SCRATCH, FilesBuild, ImageEngine
from frankenpanel_hack.inputs import hash_files
from frankenpanel_hack.layout import Layout
from frankenpanel_hack.versions import (
    COREDNS_VERSION,
    ETCD_VERSION,
    IMAGE_REPOSITORY,
    KUBE_ROUTER_VERSION,
    KUBERNETES_VERSION,
    LOCAL_PATH_VERSION,
    PAUSE_VERSION,
)

CATATONIT = Path("/usr/bin/catatonit")


@dataclass(frozen=True)
class NodeImage:
    """One program as an image.

    Attributes:
        name: last part of the image's name.
        version: the tag that kubeadm and our manifests ask for.
        program: file on this host.
        target: file in the image.
        arguments: of the entry point.
        packages: Debian packages that the program runs; they bring the base image with them.
    """

    name: str
    version: str
    program: Path
    target: str
    arguments: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def stands_on_base(self) -> bool:
        """Whether it needs a Debian below it."""
        return bool(self.packages)


def node_images(layout: Layout) -> list[NodeImage]:
    """Return what kubeadm asks for, and what a bare cluster lacks: policies and volumes."""
    bin_dir = layout.bin_dir
    kubernetes = [
        NodeImage(name, KUBERNETES_VERSION, bin_dir / name, f"/usr/local/bin/{name}")
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    ]
    rules = ("iptables", "ipset", "nftables", "conntrack", "kmod", "iproute2")
    return [
        *kubernetes,
        NodeImage("etcd", ETCD_VERSION, bin_dir / "etcd", "/usr/local/bin/etcd"),
        NodeImage("pause", PAUSE_VERSION, CATATONIT, "/catatonit", arguments=("-P",)),
        NodeImage("coredns", COREDNS_VERSION, bin_dir / "coredns", "/coredns"),
        NodeImage(
            "local-path-provisioner",
            LOCAL_PATH_VERSION,
            bin_dir / "local-path-provisioner",
            "/usr/bin/local-path-provisioner",
        ),
        NodeImage(
            "kube-proxy",
            KUBERNETES_VERSION,
            bin_dir / "kube-proxy",
            "/usr/local/bin/kube-proxy",
            packages=rules,
        ),
        NodeImage(
            "kube-router",
            KUBE_ROUTER_VERSION,
            bin_dir / "kube-router",
            "/usr/local/bin/kube-router",
            packages=rules,
        ),
    ]


def files_build(image: NodeImage, base: str) -> FilesBuild:
    """Return how an image is built; its tag follows from everything in it."""
    below = base if image.stands_on_base else SCRATCH
    digest = hashlib.sha256(
        repr((hash_files([image.program]), image.target, image.arguments, image.packages, below)).encode()
    )
    return FilesBuild(
        reference=f"{IMAGE_REPOSITORY}/{image.name}:{digest.hexdigest()[:12]}",
        files={image.target: image.program},
        base=below,
        entrypoint=(image.target, *image.arguments),
        packages=image.packages,
    )


def load_node_images(
    images: Sequence[NodeImage],
    base: str,
    engine: ImageEngine,
    tools: tuple[Containerd, Path],
    on_output: OnOutput,
) -> None:
    """Build and load what the node does not have yet, and give each image its version as a second name."""
    containerd, archives_dir = tools
    present = containerd.image_names()
    for image in images:
        build = files_build(image, base)
        named = f"{IMAGE_REPOSITORY}/{image.name}:{image.version}"
        if build.reference not in present:
            on_output(f"building {build.reference}")
            if not engine.exists(build.reference):
                engine.build_from_files(build, on_output)
            load_image(build.reference, engine, containerd, archives_dir, on_output)
        containerd.tag(build.reference, named)


def load_image(
    reference: str, engine: ImageEngine, containerd: Containerd, archives_dir: Path, on_output: OnOutput
) -> None:
    """Carry one image from the engine's store to the node's."""
    archive = archives_dir / (reference.rpartition("/")[2].replace(":", "-") + ".tar")
    on_output(f"loading {reference}")
    engine.save(reference, archive)
    try:
        containerd.import_archive(archive, on_output)
    finally:
        archive.unlink(missing_ok=True)
