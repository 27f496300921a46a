from pathlib import Path

import pytest
from frankenpanel_hack import go_programs, versions
from frankenpanel_hack.layout import layout_from

MODULES = layout_from({}).go_modules_dir
EXPECTED = {
    "node": {**go_programs.NODE_PACKAGES, **go_programs.CLIENT_PACKAGES},
    "volumes": go_programs.VOLUME_PACKAGES,
    "kind": go_programs.KIND_PACKAGES,
}


def go_mod(module: str) -> str:
    return (MODULES / module / "go.mod").read_text()


@pytest.mark.parametrize("module", EXPECTED)
def test_every_program_is_a_tool_of_its_module(module: str) -> None:
    text = go_mod(module)
    tools = {
        line.removeprefix("tool").strip() for line in text.split("tool", 1)[1].splitlines() if "/" in line
    }
    assert set(EXPECTED[module]) <= tools


@pytest.mark.parametrize(
    ("module", "pinned"),
    [
        ("node", f"k8s.io/kubernetes {versions.KUBERNETES_VERSION}"),
        ("node", f"go.etcd.io/etcd/server/v3 {versions.ETCD_VERSION}"),
        ("node", f"github.com/coredns/coredns {versions.COREDNS_VERSION}"),
        ("node", f"github.com/cloudnativelabs/kube-router/v2 {versions.KUBE_ROUTER_VERSION}"),
        ("node", f"helm.sh/helm/v3 {versions.HELM_VERSION}"),
        ("volumes", f"github.com/rancher/local-path-provisioner {versions.LOCAL_PATH_VERSION}"),
    ],
)
def test_the_versions_are_those_of_the_modules(module: str, pinned: str) -> None:
    assert f"\t{pinned} //" in go_mod(module) or f"\t{pinned}\n" in go_mod(module)


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
        ("go.etcd.io/etcd/server/v3", "server"),
        ("helm.sh/helm/v3/cmd/helm", "helm"),
    ],
)
def test_a_program_is_named_by_the_last_part_that_is_no_version(package: str, name: str) -> None:
    assert go_programs.built_name(package) == name


@pytest.mark.parametrize(
    ("text", "enough"),
    [
        ("v3.18.0", True),
        ("v4.0.1", True),
        ("v3.9.9", False),
        ("3.20.2\n", True),
        ("devel", False),
        ("", False),
    ],
)
def test_versions_are_compared_by_number(text: str, enough: bool) -> None:
    assert go_programs.newest_enough(text, (3, 18)) is enough


def test_a_program_that_is_missing_is_not_new_enough() -> None:
    assert not go_programs.host_has(["there-is-no-such-program"], (0, 0))


def test_a_build_without_the_programs_is_not_done(tmp_path: Path) -> None:
    layout = layout_from({"FRANKENPANEL_BUILD_DIR": str(tmp_path)})
    assert not go_programs.go_build(layout, "node", go_programs.CLIENT_PACKAGES).is_done()
    assert go_programs.go_build(layout, "node", {}).is_done()
