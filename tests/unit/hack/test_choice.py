from pathlib import Path

import pytest
from frankenpanel_hack.choice import Facts, Way, choose_way
from frankenpanel_hack.errors import UserError

OWN = Path("/build/kubeconfig")


def facts(**changes: object) -> Facts:
    values = {
        "kubeconfig": "",
        "own_kubeconfig": OWN,
        "docker_answers": False,
        "is_linux": True,
        "is_root": True,
        **changes,
    }
    return Facts(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "way"),
    [
        (facts(kubeconfig="/home/me/.kube/config", docker_answers=True), Way.GIVEN),
        (facts(kubeconfig=str(OWN)), Way.HOST),
        (facts(kubeconfig="/build/other/../kubeconfig", docker_answers=True), Way.KIND),
        (facts(docker_answers=True), Way.KIND),
        (facts(docker_answers=True, is_linux=False, is_root=False), Way.KIND),
        (facts(docker_answers=True, has_host_cluster=True), Way.HOST),
        (facts(), Way.HOST),
    ],
    ids=[
        "given wins over docker",
        "our own kubeconfig is not a given cluster",
        "our own kubeconfig written another way",
        "docker wins over the host",
        "docker on another system",
        "a cluster that is here already stays",
        "root on Linux",
    ],
)
def test_the_first_way_that_is_there_is_taken(found: Facts, way: Way) -> None:
    assert choose_way(found) is way


@pytest.mark.parametrize("found", [facts(is_root=False), facts(is_linux=False)], ids=["no root", "no Linux"])
def test_the_one_error_names_every_cure(found: Facts) -> None:
    with pytest.raises(UserError, match=r"Install Docker.*KUBECONFIG=.*as root"):
        choose_way(found)
