"""Hashes of what a step reads, so that a step whose inputs are unchanged is skipped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

DIGEST_HEX_DIGITS = 16


def hash_files(paths: Iterable[Path]) -> str:
    """Return a digest over names and contents of files, and of all files below folders."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(path.parent)}\0".encode())
                with file.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:DIGEST_HEX_DIGITS]


def hash_values(values: object) -> str:
    """Return a digest over plain data; the order of mapping keys does not matter."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_HEX_DIGITS]


class Stamps:
    """Remembers the digest with which a step was last finished."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def matches(self, name: str, digest: str, products: Iterable[Path] = ()) -> bool:
        """Tell whether the step was finished with these inputs and its products are still there."""
        try:
            said = (self._folder / name).read_text(encoding="ascii")
        except FileNotFoundError:
            return False
        return said == digest and all(product.exists() for product in products)

    def write(self, name: str, digest: str) -> None:
        """Remember that the step is finished."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_text(digest, encoding="ascii")
