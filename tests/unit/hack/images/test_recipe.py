from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from frankenpanel_hack.images.recipe import Recipe, recipe_tag, stage_context

RECIPE = Recipe("shop", "images/shop/Dockerfile", ("images/shop", "uv.lock"), build_args={"VERSION": "1"})
PARENTS = {"BASE": "registry/base:1"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in {
        "images/shop/Dockerfile": "FROM scratch\n",
        "images/shop/entry": "#!/bin/sh\n",
        "images/shop/README.md": "how\n",
        "images/shop/conf.d/a.ini": "a = 1\n",
        "images/other/entry": "#!/bin/sh\n",
        "uv.lock": "version = 1\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def tag(root: Path, recipe: Recipe = RECIPE) -> str:
    return recipe_tag(recipe, root, PARENTS)


def add_line(root: Path, name: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("more\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: add_line(root, "images/shop/Dockerfile"),
        lambda root: add_line(root, "images/shop/entry"),
        lambda root: add_line(root, "images/shop/conf.d/a.ini"),
        lambda root: add_line(root, "images/shop/conf.d/new.ini"),
        lambda root: add_line(root, "uv.lock"),
        lambda root: (root / "images/shop/entry").chmod(0o755),
        lambda root: (root / "images/shop/entry").rename(root / "images/shop/start"),
        lambda root: (root / "images/shop/conf.d/a.ini").unlink(),
    ],
    ids=["dockerfile", "file", "nested file", "new file", "lock", "mode", "name", "removal"],
)
def test_a_changed_input_changes_the_tag(root: Path, change: Callable[[Path], object]) -> None:
    before = tag(root)
    change(root)
    assert tag(root) != before


@pytest.mark.parametrize(
    "name",
    [
        "images/other/entry",
        "images/shop/README.md",
        "images/shop/__pycache__/entry.cpython-311.pyc",
        "images/shop/conf.d/.a.ini.swp",
        "pyproject.toml",
    ],
)
def test_a_file_that_is_no_input_leaves_the_tag(root: Path, name: str) -> None:
    before = tag(root)
    add_line(root, name)
    assert tag(root) == before


def test_arguments_parents_target_and_ingredients_count(root: Path) -> None:
    tags = {
        tag(root),
        tag(root, replace(RECIPE, build_args={"VERSION": "2"})),
        tag(root, replace(RECIPE, target="build")),
        tag(root, replace(RECIPE, ingredients=("go1.26",))),
        recipe_tag(RECIPE, root, {"BASE": "registry/base:2"}),
    }
    assert len(tags) == 5


def test_neighbouring_parts_do_not_run_into_each_other(root: Path) -> None:
    assert tag(root, replace(RECIPE, ingredients=("ab", "c"))) != tag(
        root, replace(RECIPE, ingredients=("a", "bc"))
    )


def test_a_missing_input_is_named(root: Path) -> None:
    with pytest.raises(FileNotFoundError, match="images/shop/gone"):
        tag(root, replace(RECIPE, inputs=("images/shop/gone",)))


def test_the_context_holds_the_inputs_and_nothing_else(root: Path, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    prepared = replace(RECIPE, prepare=lambda folder: (folder / "extra").write_text("x") and None)
    stage_context(prepared, root, context)
    found = {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}
    assert found == {"images/shop/entry", "images/shop/conf.d/a.ini", "uv.lock", "extra"}
