"""Every Dockerfile, read as text: what hadolint does not look at, and what its configuration leaves to us."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from frankenpanel_hack.images.catalogue import recipes

ROOT = Path(__file__).resolve().parents[4]
RECIPES = recipes(can_pull=False)
SHIPPED = [recipe for recipe in RECIPES.values() if recipe.shipped]


def last_stage(dockerfile: str) -> list[str]:
    lines = dockerfile.replace("\\\n", " ").splitlines()
    start = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    return lines[start:]


@pytest.mark.parametrize("recipe", SHIPPED, ids=lambda recipe: recipe.name)
def test_the_last_user_is_a_number_other_than_root(recipe) -> None:
    users = [
        line.split()[1]
        for line in last_stage((ROOT / recipe.dockerfile).read_text())
        if line.startswith("USER ")
    ]
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", users[-1])


@pytest.mark.parametrize("recipe", SHIPPED, ids=lambda recipe: recipe.name)
def test_labels_say_what_it_is(recipe) -> None:
    text = " ".join(last_stage((ROOT / recipe.dockerfile).read_text()))
    for label in ("title", "description", "licenses"):
        assert f"org.opencontainers.image.{label}=" in text


@pytest.mark.parametrize("recipe", SHIPPED, ids=lambda recipe: recipe.name)
def test_settings_of_the_building_host_stay_out_of_the_last_stage(recipe) -> None:
    declared = [
        line.split()[1]
        for line in last_stage((ROOT / recipe.dockerfile).read_text())
        if line.startswith("ARG ")
    ]
    assert not {name.partition("=")[0] for name in declared} & {
        "GOPROXY",
        "PIP_INDEX_URL",
        "UV_DEFAULT_INDEX",
    }


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_every_parent_is_an_argument_of_the_dockerfile(recipe) -> None:
    text = (ROOT / recipe.dockerfile).read_text()
    declared = set(re.findall(r"^ARG\s+(\w+)", text, re.MULTILINE))
    assert {*recipe.parents, *recipe.build_args} <= declared


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_what_is_copied_or_mounted_is_a_declared_input(recipe) -> None:
    text = (ROOT / recipe.dockerfile).read_text().replace("\\\n", " ")
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE)
        for source in line.split()[:-1]
        if source.startswith("images/")
    ]
    sources += re.findall(r"--mount=type=bind,source=(images/[\w/.-]+)", text)
    stages_inputs = {
        path for other in RECIPES.values() if other.dockerfile == recipe.dockerfile for path in other.inputs
    }
    for source in sources:
        assert any(source == path or source.startswith(f"{path}/") for path in stages_inputs), source


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_no_step_mounts_what_may_change(recipe) -> None:
    """Buildah's layer cache does not look into mounts; the toolchain's version is copied beside its mount."""
    text = (ROOT / recipe.dockerfile).read_text()
    assert set(re.findall(r"--mount=type=bind,from=(\w+)", text)) <= {"go"}
    assert "--mount=type=bind,source" not in text


def test_each_image_has_a_readme() -> None:
    folders = {(ROOT / recipe.dockerfile).parent for recipe in RECIPES.values()}
    assert [folder.name for folder in folders if not (folder / "README.md").is_file()] == []
