"""Paths and names of the cluster on this host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from frankenpanel_hack.layout import Layout

NODE_NAME = "local"
# kubeadm, kubelet and the control plane's manifests have these paths compiled in.
KUBERNETES_DIR = Path("/etc/kubernetes")
KUBELET_DIR = Path("/var/lib/kubelet")
POD_LOGS_DIRS = (Path("/var/log/pods"), Path("/var/log/containers"))
# Programs have these compiled in too, but a system containerd may use them beside ours.
SHARED_DIRS = (Path("/var/lib/cni"), Path("/run/containerd"))
SYSTEM_DIRS = (KUBERNETES_DIR, KUBELET_DIR, *POD_LOGS_DIRS)
# Unix sockets may have 107 bytes of path, so they cannot lie below an arbitrary build folder.
RUN_DIR = Path("/run/frankenpanel")

NODE_BRIDGE = "frankenpanel0"
POD_BRIDGE = "frankenpods0"
NETWORK_NAME = "frankenpanel"
NODE_ADDRESS = "10.199.0.1"
POD_SUBNET = "10.244.0.0/24"
SERVICE_SUBNET = "10.96.0.0/16"
API_PORT = 6443
KUBELET_PORT = 10250


@dataclass(frozen=True)
class HostPlaces:
    """Files of the cluster on this host that lie below the build folder."""

    layout: Layout

    @property
    def state_file(self) -> Path:
        """What `down` has to undo."""
        return self.layout.cluster_dir / "state.json"

    @property
    def containerd_config(self) -> Path:
        """Configuration of our own containerd."""
        return self.layout.cluster_dir / "containerd.toml"

    @property
    def containerd_root(self) -> Path:
        """Images and snapshots of our own containerd."""
        return self.layout.cluster_dir / "containerd"

    @property
    def containerd_state(self) -> Path:
        """Run-time state of our own containerd, worthless after a restart of the machine."""
        return RUN_DIR / "containerd"

    @property
    def containerd_socket(self) -> Path:
        """Socket of our own containerd."""
        return RUN_DIR / "containerd.sock"

    @property
    def cni_dir(self) -> Path:
        """CNI configuration of our own containerd."""
        return self.layout.cluster_dir / "cni"

    @property
    def etcd_dir(self) -> Path:
        """Data of etcd: the cluster's objects."""
        return self.layout.cluster_dir / "etcd"

    @property
    def pki_dir(self) -> Path:
        """Keys and certificates, beside the data that they belong to."""
        return self.layout.cluster_dir / "pki"

    @property
    def volumes_dir(self) -> Path:
        """Data of PersistentVolumes."""
        return self.layout.cluster_dir / "volumes"

    @property
    def kubeadm_config(self) -> Path:
        """Configuration of `kubeadm init`."""
        return self.layout.cluster_dir / "kubeadm.yaml"

    @property
    def supervisor_pid(self) -> Path:
        """Process id of the supervisor of containerd and kubelet."""
        return RUN_DIR / "supervisor.pid"
