"""Look for what is in the way before anything on this host is changed."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from frankenpanel_hack.errors import UserError
from frankenpanel_hack.host.places import KUBELET_DIR, KUBELET_PORT, KUBERNETES_DIR
from frankenpanel_hack.host.state import HostState

MARKER_NAME = ".frankenpanel"


def owner_of_cluster(kubernetes_dir: Path = KUBERNETES_DIR) -> Path | None:
    """Return the build folder whose cluster is on this host, if one of ours is."""
    marker = kubernetes_dir / MARKER_NAME
    return Path(marker.read_text(encoding="utf-8").strip()) if marker.is_file() else None


def mark_owner(build_dir: Path, kubernetes_dir: Path = KUBERNETES_DIR) -> None:
    """Write down that the cluster on this host is ours."""
    kubernetes_dir.mkdir(parents=True, exist_ok=True)
    (kubernetes_dir / MARKER_NAME).write_text(f"{build_dir}\n", encoding="utf-8")


def is_ours(build_dir: Path, state: HostState | None, kubernetes_dir: Path = KUBERNETES_DIR) -> bool:
    """Tell whether the cluster on this host, if any, was made from this build folder.

    The undo list counts where the mark was lost with its folder; it names a boot once the host was changed.
    """
    owner = owner_of_cluster(kubernetes_dir)
    return owner == build_dir or (owner is None and state is not None and state.boot_id != "")


def refuse_foreign_cluster(
    build_dir: Path,
    state: HostState | None,
    kubernetes_dir: Path = KUBERNETES_DIR,
    kubelet_dir: Path = KUBELET_DIR,
) -> None:
    """Refuse a host that has another Kubernetes node on it.

    Raises:
        UserError: with the cure.
    """
    if is_ours(build_dir, state, kubernetes_dir):
        return
    owner = owner_of_cluster(kubernetes_dir)
    if owner is not None:
        raise UserError(
            f"The cluster of another FrankenPanel build folder is on this host: {owner}. Remove it with "
            f"`FRANKENPANEL_BUILD_DIR={owner} make down`, or let `make up` do that: `make up REPLACE=1`."
        )
    used = [folder for folder in (kubernetes_dir, kubelet_dir) if _has_files(folder)]
    if used or is_port_taken("127.0.0.1", KUBELET_PORT):
        signs = " and ".join(map(str, used)) or f"a program on port {KUBELET_PORT}"
        raise UserError(
            f"This host already is a Kubernetes node ({signs}), and it is left as it is. "
            "Use its cluster with KUBECONFIG=..., or another host."
        )


def is_port_taken(address: str, port: int) -> bool:
    """Tell whether a program on this host listens there."""
    with socket.socket() as probe:
        # Connections of the last run in TIME_WAIT are nobody's.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
