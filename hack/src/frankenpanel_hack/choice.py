"""Choose the cluster. Pure: what was found on the host comes in as a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from frankenpanel_hack.errors import UserError


class Way(Enum):
    """Where the cluster comes from."""

    GIVEN = "the cluster of KUBECONFIG"
    KIND = "kind, in Docker"
    HOST = "kubeadm, on this host"


@dataclass(frozen=True)
class Facts:
    """What the choice depends on.

    Attributes:
        kubeconfig: value of KUBECONFIG, empty when unset.
        own_kubeconfig: where `up` itself writes the kubeconfig of a cluster it made.
        docker_answers: whether a Docker engine is there and reachable.
        is_linux: whether this is Linux.
        is_root: whether we are root.
        has_host_cluster: whether a cluster of ours is on this host already.
    """

    kubeconfig: str
    own_kubeconfig: Path
    docker_answers: bool
    is_linux: bool
    is_root: bool
    has_host_cluster: bool = False


def choose_way(facts: Facts) -> Way:
    """Return where the cluster comes from.

    Raises:
        UserError: where none can be had; the text names what to install.
    """
    if facts.kubeconfig and Path(facts.kubeconfig).resolve() != facts.own_kubeconfig.resolve():
        return Way.GIVEN
    # A Docker engine that was started later must not make `up` leave the cluster it already keeps here.
    if facts.has_host_cluster and facts.is_root:
        return Way.HOST
    if facts.docker_answers:
        return Way.KIND
    if facts.is_linux and facts.is_root:
        return Way.HOST
    raise UserError(
        "No cluster can be made here. Install Docker (or start it, and allow your user to reach it), "
        "or give a cluster with KUBECONFIG=..., or on Debian Linux run this as root."
    )
