"""What one image is made of, and the tag that follows from it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The full name is used wherever an image is named, so that every engine and node knows it by one name.
REPOSITORY_PREFIX = "docker.io/frankenpanel"
TAG_HEX_DIGITS = 12
# Dockerfiles are named by their recipe; the rest changes no image.
_NOT_AN_INPUT = frozenset(
    {"Dockerfile", "README.md", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)

Prepare = Callable[[Path], None]


@dataclass(frozen=True)
class Recipe:
    """One image of ours.

    Attributes:
        name: last part of the repository name.
        dockerfile: path below the repository root.
        inputs: files and folders, below the repository root, that the build may read; nothing else can.
        parents: Dockerfile ARG -> name of the recipe whose image it is given.
        build_args: further ARGs with constant values.
        target: stage of the Dockerfile.
        ingredients: facts outside the repository that change the image, such as a compiler's version.
        prepare: fills the build context with what is not in the repository.
        shipped: whether a cluster runs it, or it is only a stage for others.
    """

    name: str
    dockerfile: str
    inputs: tuple[str, ...] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    build_args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    ingredients: tuple[str, ...] = ()
    prepare: Prepare | None = None
    shipped: bool = True


def input_files(root: Path, inputs: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files behind `inputs`, relative to the root and in a stable order.

    Raises:
        FileNotFoundError: when a named input is not there.
    """
    for name in sorted(inputs):
        path = root / name
        if path.is_dir():
            yield from _files_below(root, path)
        elif path.exists():
            yield Path(name)
        else:
            raise FileNotFoundError(f"an image needs {name}, which is not in the repository")


def recipe_tag(recipe: Recipe, root: Path, parent_references: Mapping[str, str]) -> str:
    """Return the tag: a hash of all that the image is made of, the parents' tags among it."""
    digest = hashlib.sha256()
    for part in (recipe.name, recipe.target or "", *recipe.ingredients):
        _feed(digest, part.encode())
    for key, value in sorted({**recipe.build_args, **parent_references}.items()):
        _feed(digest, f"{key}={value}".encode())
    for path in input_files(root, (recipe.dockerfile, *recipe.inputs)):
        _feed(digest, path.as_posix().encode())
        _feed(digest, b"x" if os.access(root / path, os.X_OK) else b"-")
        _feed(digest, (root / path).read_bytes())
    return digest.hexdigest()[:TAG_HEX_DIGITS]


def stage_context(recipe: Recipe, root: Path, folder: Path) -> None:
    """Lay the inputs of a recipe, and nothing else, into an empty folder."""
    for path in input_files(root, recipe.inputs):
        destination = folder / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, destination)
    if recipe.prepare is not None:
        recipe.prepare(folder)


def _files_below(root: Path, folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if name not in _NOT_AN_INPUT and not name.endswith(".egg-info")
        )
        for name in sorted(files):
            if name not in _NOT_AN_INPUT and not name.endswith((".pyc", ".swp", "~")):
                yield (Path(parent) / name).relative_to(root)


def _feed(digest: hashlib._Hash, part: bytes) -> None:
    # The length first, so that no two lists of parts give the same bytes.
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)
