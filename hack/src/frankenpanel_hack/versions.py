"""Versions of the cluster's programs; the Go modules beside this package pin the same ones."""

from __future__ import annotations

KUBERNETES_VERSION = "v1.35.4"
ETCD_VERSION = "v3.6.5"
COREDNS_VERSION = "v1.14.7"
KUBE_ROUTER_VERSION = "v2.1.0"
LOCAL_PATH_VERSION = "v0.0.30"
HELM_VERSION = "v3.20.2"
# The tag that this kubeadm knows; what is in the image is Debian's catatonit.
PAUSE_VERSION = "3.10.1"

IMAGE_REPOSITORY = "docker.io/frankenpanel"
PAUSE_IMAGE = f"{IMAGE_REPOSITORY}/pause:{PAUSE_VERSION}"
KUBE_ROUTER_IMAGE = f"{IMAGE_REPOSITORY}/kube-router:{KUBE_ROUTER_VERSION}"
LOCAL_PATH_IMAGE = f"{IMAGE_REPOSITORY}/local-path-provisioner:{LOCAL_PATH_VERSION}"
