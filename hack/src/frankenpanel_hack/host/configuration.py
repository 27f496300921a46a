"""Configuration of the node's programs, as structures. Pure: no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from frankenpanel_hack.host.places import (
    API_PORT,
    NETWORK_NAME,
    NODE_ADDRESS,
    NODE_NAME,
    POD_BRIDGE,
    POD_SUBNET,
    RUN_DIR,
    SERVICE_SUBNET,
    HostPlaces,
)
from frankenpanel_hack.versions import ETCD_VERSION, IMAGE_REPOSITORY, KUBERNETES_VERSION, PAUSE_IMAGE

Structure = dict[str, Any]
CNI_PLUGINS_DIR = "/usr/lib/cni"


def containerd_config(places: HostPlaces) -> Structure:
    """Return the configuration of a containerd that shares nothing with the system's own."""
    return {
        "version": 2,
        "root": str(places.containerd_root),
        "state": str(places.containerd_state),
        # An empty oom_score would be lowered, which takes a capability that containers of CI lack.
        "oom_score": 0,
        "disabled_plugins": [
            "io.containerd.internal.v1.opt",
            "io.containerd.snapshotter.v1.aufs",
            "io.containerd.snapshotter.v1.btrfs",
            "io.containerd.snapshotter.v1.devmapper",
            "io.containerd.snapshotter.v1.zfs",
            "io.containerd.tracing.processor.v1.otlp",
            "io.containerd.internal.v1.tracing",
        ],
        "grpc": {"address": str(places.containerd_socket)},
        "ttrpc": {"address": f"{places.containerd_socket}.ttrpc"},
        "debug": {"address": str(RUN_DIR / "containerd-debug.sock"), "level": "warn"},
        "plugins": {"io.containerd.grpc.v1.cri": _cri_config(places)},
    }


def _cri_config(places: HostPlaces) -> Structure:
    return {
        "sandbox_image": PAUSE_IMAGE,
        # Lowering a score needs CAP_SYS_RESOURCE, which virtual machines of CI may lack.
        "restrict_oom_score_adj": True,
        "disable_apparmor": True,
        "cni": {"bin_dir": CNI_PLUGINS_DIR, "conf_dir": str(places.cni_dir)},
        "containerd": {
            "default_runtime_name": "runc",
            "runtimes": {
                "runc": {
                    "runtime_type": "io.containerd.runc.v2",
                    "options": {"SystemdCgroup": False, "Root": str(RUN_DIR / "runc")},
                },
            },
        },
    }


def cni_config() -> Structure:
    """Return the pod network: one bridge, and host ports."""
    return {
        "cniVersion": "1.0.0",
        "name": NETWORK_NAME,
        "plugins": [
            {
                "type": "bridge",
                "bridge": POD_BRIDGE,
                "isGateway": True,
                "ipMasq": True,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    # Below /run, so that the addresses of pods which a restart has ended are free again.
                    "dataDir": str(RUN_DIR / "addresses"),
                    "ranges": [[{"subnet": POD_SUBNET}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }


def kubeadm_documents(places: HostPlaces, resolv_conf: str) -> list[Structure]:
    """Return the documents that `kubeadm init` is given."""
    return [
        _init_document(places),
        _cluster_document(places),
        _kubelet_document(resolv_conf),
        _proxy_document(),
    ]


def _init_document(places: HostPlaces) -> Structure:
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": NODE_ADDRESS, "bindPort": API_PORT},
        "nodeRegistration": {
            "name": NODE_NAME,
            "criSocket": f"unix://{places.containerd_socket}",
            "taints": [],
            "imagePullPolicy": "IfNotPresent",
            "kubeletExtraArgs": [{"name": "node-ip", "value": NODE_ADDRESS}],
        },
    }


def _cluster_document(places: HostPlaces) -> Structure:
    # Neither program listens outside of the node: kubelet asks for their health on the loopback address.
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "kubernetesVersion": KUBERNETES_VERSION,
        "clusterName": "frankenpanel",
        # Nobody renews the certificates of a cluster for development; kubelet renews its own.
        "certificatesDir": str(places.pki_dir),
        "certificateValidityPeriod": "87600h0m0s",
        "imageRepository": IMAGE_REPOSITORY,
        "networking": {"podSubnet": POD_SUBNET, "serviceSubnet": SERVICE_SUBNET},
        "apiServer": {"extraArgs": [{"name": "bind-address", "value": NODE_ADDRESS}]},
        "etcd": {
            "local": {
                "dataDir": str(places.etcd_dir),
                "imageTag": ETCD_VERSION,
            }
        },
        "dns": {"imageTag": "v1.14.7"},
    }


def _kubelet_document(resolv_conf: str) -> Structure:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "failSwapOn": False,
        "resolvConf": resolv_conf,
        # A developer's disk is often nearly full, and images cannot be pulled again from anywhere.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "2%", "imagefs.available": "2%"},
        "imageGCHighThresholdPercent": 100,
        "shutdownGracePeriod": "0s",
        "serializeImagePulls": False,
    }


def _proxy_document() -> Structure:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        # The host's own connection tracking limits are not ours to raise.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "metricsBindAddress": f"{NODE_ADDRESS}:10249",
        "healthzBindAddress": f"{NODE_ADDRESS}:10256",
    }


def toml_text(structure: Mapping[str, Any]) -> str:
    """Serialise nested mappings to TOML; JSON's strings, numbers, booleans and lists are TOML's too."""
    return "\n".join(_toml_lines(structure, ())) + "\n"


def _toml_lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    if path:
        yield f"[{'.'.join(json.dumps(key) for key in path)}]"
    for key, value in table.items():
        if not isinstance(value, Mapping):
            yield f"{json.dumps(key)} = {json.dumps(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _toml_lines(value, (*path, key))
