import socket
from pathlib import Path

import pytest
from frankenpanel_hack.errors import UserError
from frankenpanel_hack.host import preflight
from frankenpanel_hack.host.state import HostState


@pytest.fixture
def kubernetes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(preflight, "KUBELET_PORT", server.getsockname()[1])
    return tmp_path / "kubernetes"


def refuse(kubernetes: Path, state: HostState | None = None) -> None:
    preflight.refuse_foreign_cluster(Path("/mine/.build"), state, kubernetes, kubernetes.parent / "kubelet")


def test_an_empty_host_is_taken(kubernetes: Path) -> None:
    refuse(kubernetes)
    kubernetes.mkdir()
    refuse(kubernetes)


def test_our_own_cluster_is_taken_up_again(kubernetes: Path) -> None:
    preflight.mark_owner(Path("/mine/.build"), kubernetes)
    (kubernetes / "admin.conf").touch()
    refuse(kubernetes)


def test_a_foreign_cluster_is_left_alone(kubernetes: Path) -> None:
    kubernetes.mkdir()
    (kubernetes / "admin.conf").touch()
    with pytest.raises(UserError, match="already is a Kubernetes node"):
        refuse(kubernetes)


def test_a_foreign_kubelet_is_left_alone(kubernetes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(preflight, "KUBELET_PORT", server.getsockname()[1])
        with pytest.raises(UserError, match="a program on port"):
            refuse(kubernetes)


def test_the_cluster_of_another_build_folder_is_named_with_the_cure(kubernetes: Path) -> None:
    preflight.mark_owner(Path("/other/.build"), kubernetes)
    with pytest.raises(UserError, match=r"FRANKENPANEL_BUILD_DIR=/other/\.build make down"):
        refuse(kubernetes)


def test_the_undo_list_tells_whose_it_is_when_the_mark_is_lost(kubernetes: Path) -> None:
    (kubernetes.parent / "kubelet" / "pods").mkdir(parents=True)
    refuse(kubernetes, HostState(boot_id="boot"))
    with pytest.raises(UserError, match="already is a Kubernetes node"):
        refuse(kubernetes, HostState(boot_id=""))


def test_a_mark_of_another_folder_counts_more_than_our_undo_list(kubernetes: Path) -> None:
    preflight.mark_owner(Path("/other/.build"), kubernetes)
    with pytest.raises(UserError, match="another FrankenPanel build folder"):
        refuse(kubernetes, HostState(boot_id="boot"))
