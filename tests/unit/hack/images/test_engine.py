from __future__ import annotations

from pathlib import Path

import pytest
from frankenpanel_hack.images.commands import CommandFailedError
from frankenpanel_hack.images.engine import Buildah, FilesBuild, files_dockerfile
from frankenpanel_hack.images.host_settings import HostSettings

FAKE_BUILDAH = """#!/bin/sh
if [ -s "$START_FAILURES" ]; then
  sed -i 1d "$START_FAILURES"
  echo "Close_Fd sealing memfd copy: Device or resource busy" >&2
  exit 1
fi
case "$*" in
  *" inspect "*) exit 1 ;;
  *" build "*)
    for last; do :; done
    cat "$last/Dockerfile"
    cd "$last/root" && find . -type f | sort
    ;;
  *" push "*)
    for last; do :; done
    target=${last#docker-archive:}
    echo half > "${target%%:*}"
    [ ! -e "$FAIL" ] || exit 1
    ;;
esac
"""


@pytest.fixture
def buildah(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Buildah:
    program = tmp_path / "bin" / "buildah"
    program.parent.mkdir()
    program.write_text(FAKE_BUILDAH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("FAIL", str(tmp_path / "fail"))
    monkeypatch.setenv("START_FAILURES", str(tmp_path / "start-failures"))
    return Buildah(tmp_path / "build", HostSettings())


def test_files_lie_where_they_are_asked_for(buildah: Buildah, tmp_path: Path) -> None:
    source = tmp_path / "program"
    source.write_text("x")
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.html").write_text("x")
    lines: list[str] = []
    build = FilesBuild(
        "shop:1", {"/usr/bin/program": source, "/srv/pages": folder}, entrypoint=("/usr/bin/program",)
    )
    buildah.build_from_files(build, lines.append)
    assert lines == [
        "FROM scratch",
        "COPY root/ /",
        'ENTRYPOINT ["/usr/bin/program"]',
        "./srv/pages/a.html",
        "./usr/bin/program",
    ]
    assert source.read_text() == "x"


def test_packages_are_installed_as_root_before_the_files() -> None:
    build = FilesBuild(
        "proxy:1", {}, base="base:1", packages=("iptables", "ipset"), user="0", env={"A": 'b "c"'}
    )
    assert files_dockerfile(build).splitlines() == [
        "FROM base:1",
        "USER 0",
        'RUN ["install-packages", "iptables", "ipset"]',
        "COPY root/ /",
        'ENV A="b \\"c\\""',
        "USER 0",
    ]


def test_an_archive_is_whole_or_not_there(buildah: Buildah, tmp_path: Path) -> None:
    archive = tmp_path / "archives" / "shop.tar"
    (tmp_path / "fail").touch()
    with pytest.raises(CommandFailedError, match="ended with 1"):
        buildah.save("shop:1", archive)
    assert list(archive.parent.iterdir()) == []
    (tmp_path / "fail").unlink()
    buildah.save("shop:1", archive)
    assert [path.name for path in archive.parent.iterdir()] == ["shop.tar"]


def test_an_image_that_cannot_be_inspected_does_not_exist(buildah: Buildah) -> None:
    assert not buildah.exists("shop:1")


def test_a_start_that_failed_is_tried_again(buildah: Buildah, tmp_path: Path) -> None:
    failures = tmp_path / "start-failures"
    failures.write_text("once\ntwice\n")
    buildah.save("shop:1", tmp_path / "shop.tar")
    assert (tmp_path / "shop.tar").exists()
    failures.write_text("always\n" * 10)
    with pytest.raises(CommandFailedError, match="sealing memfd copy"):
        buildah.save("shop:1", tmp_path / "shop.tar")
    assert len(failures.read_text().splitlines()) == 5
