import tomllib
from pathlib import Path
from typing import Any

import pytest
from frankenpanel_hack.host.configuration import cni_config, containerd_config, kubeadm_documents, toml_text
from frankenpanel_hack.host.places import HostPlaces
from frankenpanel_hack.layout import Layout

PLACES = HostPlaces(Layout(Path("/repo"), Path("/repo/.build")))


def document(kind: str) -> dict[str, Any]:
    return next(one for one in kubeadm_documents(PLACES, "/etc/resolv.conf") if one["kind"] == kind)


def test_toml_gives_back_what_was_put_in() -> None:
    structure = {"a": 1, "b": {"c": ['quote " and \\', "é"], "io.x.v1/y": {"d": True}}, "e": -3}
    assert tomllib.loads(toml_text(structure)) == structure


def test_containerd_shares_nothing_with_the_systems_own() -> None:
    config = tomllib.loads(toml_text(containerd_config(PLACES)))
    paths = [config["root"], config["state"], config["grpc"]["address"], config["debug"]["address"]]
    assert all(path.startswith(("/repo/.build/", "/run/frankenpanel/")) for path in paths)
    assert len(set(paths)) == len(paths)


def test_nothing_listens_on_an_outside_address() -> None:
    api_server = {
        entry["name"]: entry["value"] for entry in document("ClusterConfiguration")["apiServer"]["extraArgs"]
    }
    assert api_server["bind-address"] == "10.199.0.1"
    assert document("InitConfiguration")["localAPIEndpoint"]["advertiseAddress"] == "10.199.0.1"
    assert document("KubeletConfiguration")["address"] == "10.199.0.1"
    proxy = document("KubeProxyConfiguration")
    assert proxy["metricsBindAddress"].startswith("10.199.0.1:")
    assert proxy["healthzBindAddress"].startswith("10.199.0.1:")


def test_data_of_the_cluster_is_below_the_build_folder() -> None:
    configuration = document("ClusterConfiguration")
    assert configuration["etcd"]["local"]["dataDir"] == "/repo/.build/cluster/etcd"
    assert configuration["certificatesDir"] == "/repo/.build/cluster/pki"


def test_the_sandbox_image_is_the_one_that_is_made_here() -> None:
    cri = containerd_config(PLACES)["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["sandbox_image"] == "docker.io/frankenpanel/pause:3.10.1"


def test_addresses_of_pods_do_not_outlive_a_restart_of_the_machine() -> None:
    bridge, portmap = cni_config()["plugins"]
    assert bridge["ipam"]["dataDir"].startswith("/run/")
    assert portmap["capabilities"] == {"portMappings": True}


@pytest.mark.parametrize("path", [PLACES.containerd_socket, Path("/run/frankenpanel/containerd-debug.sock")])
def test_sockets_fit_into_what_the_kernel_allows(path: Path) -> None:
    assert len(str(path)) < 80
