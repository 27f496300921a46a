"""The steps that bring up the cluster on this host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from frankenpanel_hack.go_programs import CLIENT_PACKAGES, NODE_PACKAGES, VOLUME_PACKAGES, go_build
from frankenpanel_hack.host import addons, node, packages
from frankenpanel_hack.host.containerd import Containerd
from frankenpanel_hack.host.node_images import load_image, load_node_images, node_images
from frankenpanel_hack.host.places import HostPlaces
from frankenpanel_hack.host.state import HostState, read_state, write_state
from frankenpanel_hack.images.catalogue import build_images
from frankenpanel_hack.images.commands import OnOutput
from frankenpanel_hack.images.engine import ImageEngine
from frankenpanel_hack.kubectl import Kubectl
from frankenpanel_hack.layout import Layout
from frankenpanel_hack.steps import Step
from frankenpanel_hack.versions import KUBE_ROUTER_IMAGE, LOCAL_PATH_IMAGE

# These compile Go programs themselves.
COMPILED_IMAGES = ("frankenphp", "gateway")


@dataclass(frozen=True)
class HostCluster:
    """Everything the steps work with.

    Attributes:
        layout: where things lie.
        engine: builds images.
        references: image name -> full reference, for every shipped image and the base.
    """

    layout: Layout
    engine: ImageEngine
    references: Mapping[str, str]

    @property
    def places(self) -> HostPlaces:
        """Files of the cluster."""
        return HostPlaces(self.layout)

    @property
    def containerd(self) -> Containerd:
        """The node's image store."""
        return Containerd(self.places)

    @property
    def kubectl(self) -> Kubectl:
        """The kubectl of the cluster's own version."""
        return Kubectl(str(self.layout.bin_dir / "kubectl"), self.layout.kubeconfig)

    def install_missing_packages(self, on_output: OnOutput) -> None:
        """Install what this host lacks, and write down what that was."""
        missing = packages.missing_packages(packages.is_installed)
        path = self.places.state_file
        state = read_state(path) or node.first_state()
        state.installed_packages = sorted({*state.installed_packages, *missing})
        write_state(path, state)
        packages.install_packages(missing, on_output)

    def start_node(self, on_output: OnOutput) -> None:
        """Prepare the host and have containerd and kubelet running."""
        node.prepare_host(self.places, on_output)
        node.start_daemons(self.places, on_output)

    def load_node_images(self, on_output: OnOutput) -> None:
        """Have the cluster's own programs in the node's store."""
        tools = (self.containerd, self.layout.build_dir / "tmp")
        load_node_images(node_images(self.layout), self.references["base"], self.engine, tools, on_output)
        # Pods that make and remove volumes run it.
        self._load([self.references["base"]], on_output)

    def load_images(self, on_output: OnOutput) -> None:
        """Have FrankenPanel's images in the node's store."""
        self._load(self.references.values(), on_output)

    def _load(self, references: Iterable[str], on_output: OnOutput) -> None:
        present = self.containerd.image_names()
        for reference in references:
            if reference not in present:
                load_image(reference, self.engine, self.containerd, self.layout.build_dir / "tmp", on_output)

    def initialise(self, on_output: OnOutput) -> None:
        """Have a control plane that answers and a node that takes pods."""
        node.initialise_control_plane(self.places, on_output)
        node.wait_for_node(self.kubectl, on_output)

    def install_addons(self, on_output: OnOutput) -> None:
        """Add what a bare cluster lacks."""
        images = {
            "frankenpanel/kube-router": KUBE_ROUTER_IMAGE,
            "frankenpanel/local-path-provisioner": LOCAL_PATH_IMAGE,
            "frankenpanel/base": self.references["base"],
        }
        documents = addons.addon_manifests(self.layout.manifests_dir, images, self.places.volumes_dir)
        addons.install_addons(self.kubectl, self.containerd, documents, on_output)


def build_step(
    cluster: HostCluster, name: str, title: str, images: list[str], after: tuple[str, ...]
) -> Step:
    """Return the step that builds some images."""

    def build(on_output: OnOutput) -> None:
        build_images(
            images,
            cluster.engine,
            cluster.layout.repository,
            lambda image, line: on_output(f"{image}: {line}"),
        )

    return Step(
        name,
        title,
        build,
        after,
        is_done=lambda: all(cluster.engine.exists(cluster.references[image]) for image in images),
        compiles=bool(set(images) & set(COMPILED_IMAGES)),
    )


def host_steps(cluster: HostCluster) -> list[Step]:
    """Return the steps up to a cluster that has FrankenPanel's images but not FrankenPanel."""
    node_programs = go_build(cluster.layout, "node", {**NODE_PACKAGES, **CLIENT_PACKAGES})
    volume_program = go_build(cluster.layout, "volumes", VOLUME_PACKAGES)
    plain = [name for name in cluster.references if name not in COMPILED_IMAGES and name != "base"]
    compiled = [name for name in COMPILED_IMAGES if name in cluster.references]
    return [
        Step(
            "packages",
            "Debian packages",
            cluster.install_missing_packages,
            is_done=lambda: not packages.missing_packages(packages.is_installed),
        ),
        Step(
            "node-programs",
            "Kubernetes, etcd, CoreDNS, kube-router, helm: compile",
            node_programs.run,
            is_done=node_programs.is_done,
            compiles=True,
        ),
        Step(
            "volume-program",
            "Volume provisioner: compile",
            volume_program.run,
            ("node-programs",),
            volume_program.is_done,
            compiles=True,
        ),
        build_step(cluster, "base-image", "Image base", ["base"], ("packages",)),
        build_step(cluster, "images", f"Images {', '.join(plain)}", plain, ("base-image",)),
        build_step(
            cluster, "compiled-images", f"Images {', '.join(compiled)}", compiled, ("images", "node-programs")
        ),
        Step("node", "Node: network, containerd, kubelet", cluster.start_node, ("packages", "node-programs")),
        Step(
            "node-images",
            "Images of the control plane",
            cluster.load_node_images,
            ("base-image", "node", "volume-program"),
        ),
        Step("control-plane", "Control plane", cluster.initialise, ("node-images",)),
        Step("addons", "Policies, volumes, DNS", cluster.install_addons, ("control-plane",)),
        Step(
            "load-images", "Images into the node", cluster.load_images, ("images", "compiled-images", "node")
        ),
    ]


def announcement(cluster: HostCluster, missing: list[str], state: HostState | None) -> list[str]:
    """Return what `up` will change on this host, in sentences."""
    layout = cluster.layout
    lines = [
        f"Debian packages to install: {', '.join(missing)}" if missing else "Debian packages: all there",
        "Processes: a supervisor, its own containerd and kubelet, the pods; no system containerd is touched",
        "Network: bridges frankenpanel0 (10.199.0.1) and frankenpods0 (10.244.0.0/24); rules of kube-proxy "
        "(nftables), of kube-router and of the pods' host ports (iptables)",
        "Kernel settings: ip_forward=1, bridge-nf-call-iptables=1, and kubelet's vm.* and kernel.panic*",
        "Mounts: those of the pods",
        f"Files: {layout.build_dir}, /etc/kubernetes, /var/lib/kubelet, /var/log/pods, /var/log/containers, "
        "/run/frankenpanel",
    ]
    if state is not None:
        return [f"A cluster of ours is on this host; it is brought up to date. {lines[0]}."]
    return [*lines, "`make down` takes all of it away again, but for the packages."]
