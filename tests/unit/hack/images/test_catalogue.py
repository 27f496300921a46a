from __future__ import annotations

from pathlib import Path

import pytest
from frankenpanel_hack.images.catalogue import build_images, image_references, recipes, shipped_names
from frankenpanel_hack.images.commands import CommandFailedError, OnOutput
from frankenpanel_hack.images.engine import DockerfileBuild, FilesBuild

ROOT = Path(__file__).resolve().parents[4]
SHIPPED = {"base", "frankenphp", "wordpress", "mariadb", "gateway", "operator", "dashboard-api"}


class RecordingEngine:
    """Keeps the order of builds; fails where told."""

    name = "recording"

    def __init__(self, tmp_dir: Path, *, can_pull: bool, fails: str = "") -> None:
        self.can_pull = can_pull
        self.builds: list[DockerfileBuild] = []
        self._fails = fails
        self._tmp_dir = tmp_dir

    def tmp_dir(self) -> Path:
        return self._tmp_dir

    def exists(self, reference: str) -> bool:
        return any(build.reference == reference for build in self.builds)

    def build(self, build: DockerfileBuild, on_output: OnOutput) -> None:
        if self._fails and f"/{self._fails}:" in build.reference:
            raise CommandFailedError(["build"], 1, ["no"])
        on_output("STEP 1")
        self.builds.append(build)

    def build_from_files(self, build: FilesBuild, on_output: OnOutput) -> None:
        raise NotImplementedError

    def save(self, reference: str, archive_path: Path) -> None:
        raise NotImplementedError


def names_of(builds: list[DockerfileBuild]) -> list[str]:
    return [build.reference.rpartition("/")[2].partition(":")[0] for build in builds]


@pytest.mark.parametrize("can_pull", [True, False])
def test_what_a_cluster_runs_is_the_same_on_both_engines(can_pull: bool) -> None:
    assert set(shipped_names(recipes(can_pull=can_pull))) == SHIPPED


def test_parents_come_before_their_children() -> None:
    for can_pull in (True, False):
        seen: set[str] = set()
        for name, recipe in recipes(can_pull=can_pull).items():
            assert set(recipe.parents.values()) <= seen
            seen.add(name)


def test_parents_are_built_first_once_and_passed_on(tmp_path: Path) -> None:
    engine = RecordingEngine(tmp_path, can_pull=True)
    references = build_images(["operator", "gateway"], engine, ROOT, lambda _name, _line: None)
    assert names_of(engine.builds) == ["base", "python", "python-build", "operator", "gateway"]
    operator = engine.builds[3]
    assert operator.build_args["PYTHON"] == engine.builds[1].reference
    assert references == {"operator": operator.reference, "gateway": engine.builds[4].reference}


def test_what_exists_is_not_built_again(tmp_path: Path) -> None:
    engine = RecordingEngine(tmp_path, can_pull=True)
    build_images(["mariadb"], engine, ROOT, lambda _name, _line: None)
    lines: list[tuple[str, str]] = []
    build_images(["mariadb"], engine, ROOT, lambda name, line: lines.append((name, line)))
    assert names_of(engine.builds) == ["base", "mariadb"]
    assert [name for name, line in lines if line.endswith("is there already")] == ["mariadb"]


def test_a_failed_build_stops_what_stands_on_it(tmp_path: Path) -> None:
    engine = RecordingEngine(tmp_path, can_pull=True, fails="python")
    with pytest.raises(CommandFailedError):
        build_images(["operator"], engine, ROOT, lambda _name, _line: None)
    assert names_of(engine.builds) == ["base"]
    assert list(tmp_path.iterdir()) == []


def test_references_are_full_names_with_stable_tags() -> None:
    known = recipes(can_pull=True)
    references = image_references(ROOT, known)
    assert references == image_references(ROOT, known)
    assert all(
        reference.startswith(f"docker.io/frankenpanel/{name}:") for name, reference in references.items()
    )
