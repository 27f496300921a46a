from pathlib import Path

from frankenpanel_hack.host.node_images import files_build, node_images
from frankenpanel_hack.host.plan import HostCluster, announcement, host_steps
from frankenpanel_hack.images.engine import Buildah
from frankenpanel_hack.images.host_settings import HostSettings
from frankenpanel_hack.layout import Layout
from frankenpanel_hack.steps import check_plan


def cluster(tmp_path: Path) -> HostCluster:
    names = ("base", "operator", "gateway", "frankenphp", "wordpress", "mariadb", "dashboard-api")
    references = {name: f"docker.io/frankenpanel/{name}:1" for name in names}
    return HostCluster(Layout(tmp_path, tmp_path / ".build"), Buildah(tmp_path, HostSettings()), references)


def test_the_plan_can_be_finished(tmp_path: Path) -> None:
    check_plan(host_steps(cluster(tmp_path)))


def test_packages_compilers_and_downloads_overlap(tmp_path: Path) -> None:
    first = {step.name for step in host_steps(cluster(tmp_path)) if not step.after}
    assert first == {"packages", "node-programs"}


def test_what_compiles_says_so(tmp_path: Path) -> None:
    compiling = {step.name for step in host_steps(cluster(tmp_path)) if step.compiles}
    assert compiling == {"node-programs", "volume-program", "compiled-images"}


def test_changes_of_the_host_are_announced_before_they_are_made(tmp_path: Path) -> None:
    said = "\n".join(announcement(cluster(tmp_path), ["ipset"], None))
    for word in (
        "ipset",
        "Processes",
        "10.199.0.1",
        "iptables",
        "Kernel",
        "Mounts",
        "/etc/kubernetes",
        "make down",
    ):
        assert word in said


def test_an_image_is_named_after_all_that_is_in_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / ".build")
    layout.bin_dir.mkdir(parents=True)
    proxy = next(image for image in node_images(layout) if image.name == "kube-proxy")
    proxy.program.write_text("1")
    first = files_build(proxy, "base:1").reference
    assert files_build(proxy, "base:2").reference != first
    proxy.program.write_text("2")
    assert files_build(proxy, "base:1").reference != first


def test_what_runs_other_programs_stands_on_debian_and_the_rest_on_nothing(tmp_path: Path) -> None:
    on_base = {image.name for image in node_images(Layout(tmp_path, tmp_path)) if image.stands_on_base}
    assert on_base == {"kube-proxy", "kube-router"}
