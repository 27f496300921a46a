"""The script that lays an application into a site, run for real in folders of the test."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[4] / "images" / "wordpress" / "lay-code"
MARKER = ".frankenpanel-seeded"


@pytest.fixture
def code(tmp_path: Path) -> Path:
    code = tmp_path / "code"
    for name in (
        "index.php",
        ".hidden",
        "wp-content/themes/a/style.css",
        "wp-content/uploads/.keep",
        "wp-content.php",
    ):
        path = code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"first {name}")
    return code


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "app"
    (site / "wp-content").mkdir(parents=True)
    return site


def lay(code: Path, site: Path, *paths: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CODE_SOURCE": str(code)}
    return subprocess.run(
        ["bash", str(SCRIPT), str(site), *paths], env=environment, capture_output=True, text=True, check=False
    )


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_laid_and_the_volume_seeded(code: Path, site: Path) -> None:
    done = lay(code, site, "wp-content")
    assert (done.returncode, done.stderr) == (0, "")
    assert files(site) == files(code) | {f"wp-content/{MARKER}"}


def test_a_seeded_volume_is_never_written_to_again(code: Path, site: Path) -> None:
    lay(code, site, "wp-content")
    (site / "wp-content/themes/a/style.css").write_text("edited")
    (site / "wp-content/uploads/.keep").unlink()
    (code / "wp-content/themes/a/style.css").write_text("second")
    (code / "index.php").write_text("second")
    assert lay(code, site, "wp-content").returncode == 0
    assert (site / "wp-content/themes/a/style.css").read_text() == "edited"
    assert not (site / "wp-content/uploads/.keep").exists()
    assert (site / "index.php").read_text() == "second"


def test_a_volume_that_was_half_seeded_is_seeded_again(code: Path, site: Path) -> None:
    half = site / "wp-content/themes/a/style.css"
    half.parent.mkdir(parents=True)
    half.write_text("fir")
    (site / "wp-content" / f"{MARKER}.part").touch()
    assert lay(code, site, "wp-content").returncode == 0
    assert half.read_text() == "first wp-content/themes/a/style.css"


def test_a_failed_copy_leaves_no_marker(code: Path, site: Path) -> None:
    in_the_way = site / "wp-content/themes/a/style.css"
    in_the_way.mkdir(parents=True)
    (in_the_way / "x").touch()
    assert lay(code, site, "wp-content").returncode != 0
    assert not (site / "wp-content" / MARKER).exists()


def test_a_volume_below_a_volume_is_seeded_by_itself(code: Path, site: Path) -> None:
    (site / "wp-content/uploads").mkdir()
    (site / "wp-content/uploads" / MARKER).touch()
    assert lay(code, site, "wp-content", "wp-content/uploads").returncode == 0
    assert not (site / "wp-content/uploads/.keep").exists()
    assert (site / "wp-content/themes/a/style.css").exists()


def test_a_volume_of_which_the_application_knows_nothing_is_only_marked(code: Path, site: Path) -> None:
    (site / "data").mkdir()
    assert lay(code, site, "data").returncode == 0
    assert files(site / "data") == {MARKER}


def test_names_are_taken_literally(code: Path, site: Path) -> None:
    (code / "a*").mkdir()
    (code / "a*" / "x").write_text("x")
    (code / "ab").write_text("b")
    assert lay(code, site, "a*").returncode == 0
    assert (site / "ab").read_text() == "b"
    assert files(site / "a*") == {"x", MARKER}


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../b", "a//b", "", "."])
def test_a_path_that_leaves_the_site_is_refused(code: Path, site: Path, path: str) -> None:
    done = lay(code, site, path)
    assert done.returncode == 64
    assert "plain relative path" in done.stderr
    assert files(site) == set()


def test_the_folder_itself_keeps_its_mode(code: Path, site: Path) -> None:
    site.chmod(0o2771)
    code.chmod(0o755)
    assert lay(code, site, "wp-content").returncode == 0
    assert site.stat().st_mode & 0o7777 == 0o2771
