"""The images of FrankenPanel, and building those that are not there yet."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from frankenpanel_hack.images.debian import bootstrap_debian, debian_ingredients
from frankenpanel_hack.images.engine import DockerfileBuild, ImageEngine
from frankenpanel_hack.images.recipe import REPOSITORY_PREFIX, Recipe, recipe_tag, stage_context
from frankenpanel_hack.images.toolchain import copy_go_toolchain, go_ingredients

# Image name and one printed line.
OnProgress = Callable[[str, str], None]

_PYTHON_WORKSPACE = (
    "pyproject.toml",
    "uv.lock",
    "crds/pyproject.toml",
    "operator/pyproject.toml",
    "dashboard-api/pyproject.toml",
    "images/gateway/pyproject.toml",
    "hack/pyproject.toml",
)
_OFFICIAL_FRANKENPHP = "dunglas/frankenphp:1.12.6-php8.4-trixie"
_OFFICIAL_CADDY = "caddy:2.11.7"
_OFFICIAL_DEBIAN = "debian:trixie-slim"


def recipes(*, can_pull: bool) -> dict[str, Recipe]:
    """Return every recipe by name, parents before children.

    Args:
        can_pull: whether public base images may be used; otherwise they are made here.
    """
    listed = [*(_pulled_bases() if can_pull else _own_bases()), *_shared(can_pull=can_pull)]
    return {recipe.name: recipe for recipe in listed}


def image_references(root: Path, known: Mapping[str, Recipe]) -> dict[str, str]:
    """Return the full reference of every recipe for the files as they are now."""
    references: dict[str, str] = {}
    for name, recipe in known.items():
        parents = {key: references[parent] for key, parent in recipe.parents.items()}
        references[name] = f"{REPOSITORY_PREFIX}/{name}:{recipe_tag(recipe, root, parents)}"
    return references


def build_images(
    names: Iterable[str] | None, engine: ImageEngine, root: Path, on_progress: OnProgress
) -> dict[str, str]:
    """Build the named images, or all shipped ones, with what they stand on; skip those that exist.

    Args:
        names: names of recipes; None for every shipped image.
        engine: where to build.
        root: the repository.
        on_progress: given the image's name and each line of output.

    Returns:
        The reference of each named image.
    """
    known = recipes(can_pull=engine.can_pull)
    builder = _Builder(engine, root, known, image_references(root, known), on_progress)
    wanted = list(names) if names is not None else shipped_names(known)
    for name in wanted:
        builder.ensure(name)
    return {name: builder.references[name] for name in wanted}


def shipped_names(known: Mapping[str, Recipe]) -> list[str]:
    """Return the names of the images that a cluster runs."""
    return [name for name, recipe in known.items() if recipe.shipped]


@dataclass(frozen=True)
class _Builder:
    engine: ImageEngine
    root: Path
    known: Mapping[str, Recipe]
    references: Mapping[str, str]
    on_progress: OnProgress

    def ensure(self, name: str) -> None:
        reference = self.references[name]
        if self.engine.exists(reference):
            self.on_progress(name, f"{reference} is there already")
            return
        for parent in self.known[name].parents.values():
            self.ensure(parent)
        started_seconds = time.monotonic()
        self._build(self.known[name])
        self.on_progress(name, f"{reference} built in {time.monotonic() - started_seconds:.1f} s")

    def _build(self, recipe: Recipe) -> None:
        parents = {key: self.references[parent] for key, parent in recipe.parents.items()}
        reference = self.references[recipe.name]
        with tempfile.TemporaryDirectory(prefix=f"{recipe.name}-", dir=self.engine.tmp_dir()) as folder:
            context = Path(folder)
            stage_context(recipe, self.root, context)
            build = DockerfileBuild(
                reference,
                self.root / recipe.dockerfile,
                context,
                {**recipe.build_args, **parents},
                recipe.target,
                {"org.opencontainers.image.version": reference.rpartition(":")[2]},
            )
            self.engine.build(build, lambda line: self.on_progress(recipe.name, line))


def _pulled_bases() -> list[Recipe]:
    return [_base(parents={}, build_args={"BASE": _OFFICIAL_DEBIAN})]


def _own_bases() -> list[Recipe]:
    """Make what a registry would give: Debian, FrankenPHP and Caddy."""
    embed = Recipe(
        "frankenphp-embed",
        "images/frankenphp-embed/Dockerfile",
        ("images/frankenphp-embed",),
        parents={"BASE": "base", "GO": "go"},
        target="frankenphp-embed",
        shipped=False,
    )
    return [
        Recipe(
            "debian",
            "images/debian/Dockerfile",
            ingredients=debian_ingredients(),
            prepare=bootstrap_debian,
            shipped=False,
        ),
        _base(parents={"BASE": "debian"}, build_args={}),
        Recipe(
            "go",
            "images/go/Dockerfile",
            ingredients=go_ingredients(),
            prepare=copy_go_toolchain,
            shipped=False,
        ),
        embed,
        replace(embed, name="caddy", target="caddy"),
    ]


def _base(parents: Mapping[str, str], build_args: Mapping[str, str]) -> Recipe:
    return Recipe(
        "base",
        "images/base/Dockerfile",
        ("images/base",),
        parents=parents,
        build_args=build_args,
    )


def _shared(*, can_pull: bool) -> list[Recipe]:
    return [*_site_images(can_pull=can_pull), *_python_images(can_pull=can_pull)]


def _site_images(*, can_pull: bool) -> list[Recipe]:
    on_base = {"BASE": "base"}
    return [
        Recipe(
            "frankenphp",
            "images/frankenphp/Dockerfile",
            ("images/frankenphp", "images/base/seal-image"),
            parents={} if can_pull else {"FRANKENPHP": "frankenphp-embed"},
            build_args={"FRANKENPHP": _OFFICIAL_FRANKENPHP} if can_pull else {},
        ),
        Recipe(
            "wordpress",
            "images/wordpress/Dockerfile",
            ("images/wordpress",),
            parents=on_base,
        ),
        Recipe(
            "mariadb",
            "images/mariadb/Dockerfile",
            ("images/mariadb",),
            parents=on_base,
        ),
    ]


def _python_images(*, can_pull: bool) -> list[Recipe]:
    builders = {"PYTHON": "python", "PYTHON_BUILD": "python-build"}
    python = Recipe(
        "python", "images/python/Dockerfile", parents={"BASE": "base"}, target="python", shipped=False
    )
    caddy_parent = {} if can_pull else {"CADDY": "caddy"}
    return [
        python,
        replace(
            python,
            name="python-build",
            target="python-build",
            inputs=("images/python/build-requirements.txt",),
        ),
        Recipe(
            "operator",
            "images/operator/Dockerfile",
            (*_PYTHON_WORKSPACE, "crds/src", "operator/src"),
            parents=builders,
        ),
        Recipe(
            "dashboard-api",
            "images/dashboard-api/Dockerfile",
            (*_PYTHON_WORKSPACE, "crds/src", "dashboard-api/src"),
            parents=builders,
        ),
        Recipe(
            "gateway",
            "images/gateway/Dockerfile",
            (
                *_PYTHON_WORKSPACE,
                "crds/src",
                "images/gateway/src",
                "images/gateway/gateway.json",
                "images/gateway/pages",
            ),
            parents={**builders, **caddy_parent},
            build_args={"CADDY": _OFFICIAL_CADDY} if can_pull else {},
        ),
    ]
