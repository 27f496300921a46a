"""What every image that a cluster runs must be, read from the built images themselves."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from frankenpanel_hack.images.catalogue import image_references, recipes, shipped_names
from frankenpanel_hack.images.engine import ImageEngine, choose_engine
from frankenpanel_hack.images.host_settings import read_host_settings
from frankenpanel_hack.layout import layout_from

pytestmark = pytest.mark.integration

LAYOUT = layout_from(os.environ)
SHIPPED = shipped_names(recipes(can_pull=False))
ELF_CAPABILITY = "SCHILY.xattr.security.capability"


@dataclass(frozen=True)
class BuiltImage:
    user: str
    labels: dict[str, str]
    privileged_files: list[str]


@pytest.fixture(scope="module")
def engine() -> ImageEngine:
    return choose_engine(LAYOUT.build_dir, read_host_settings())


@pytest.fixture(scope="module", params=SHIPPED)
def image(
    request: pytest.FixtureRequest, engine: ImageEngine, tmp_path_factory: pytest.TempPathFactory
) -> BuiltImage:
    known = recipes(can_pull=engine.can_pull)
    reference = image_references(LAYOUT.repository, known)[request.param]
    if not engine.exists(reference):
        pytest.skip(f"{reference} is not built: make images")
    archive = tmp_path_factory.mktemp("images") / "image.tar"
    engine.save(reference, archive)
    try:
        return read_image(archive)
    finally:
        archive.unlink()


def read_image(archive: Path) -> BuiltImage:
    with tarfile.open(archive) as outer:
        manifest = json.loads(member_bytes(outer, "manifest.json"))[0]
        config = json.loads(member_bytes(outer, manifest["Config"]))["config"]
        privileged = [name for layer in manifest["Layers"] for name in privileged_files(outer, layer)]
    return BuiltImage(config.get("User", ""), config.get("Labels") or {}, privileged)


def member_bytes(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def privileged_files(outer: tarfile.TarFile, layer: str) -> Iterator[str]:
    """Yield the files which give their caller rights; of every layer, for a hidden file can be had too."""
    with tarfile.open(fileobj=outer.extractfile(layer) or io.BytesIO()) as inner:
        for member in inner:
            if member.isfile() and (
                member.mode & (stat.S_ISUID | stat.S_ISGID) or ELF_CAPABILITY in member.pax_headers
            ):
                yield member.name


def test_nothing_gives_its_caller_rights(image: BuiltImage) -> None:
    assert image.privileged_files == []


def test_the_user_is_a_number_other_than_root(image: BuiltImage) -> None:
    assert re.fullmatch(r"[1-9][0-9]*(:[1-9][0-9]*)?", image.user)


def test_labels_say_what_it_is(image: BuiltImage) -> None:
    for label in ("title", "description", "licenses", "version"):
        assert image.labels.get(f"org.opencontainers.image.{label}")
