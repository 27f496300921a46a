"""The block list on disk, beside the routing tree: an empty file for each address and network.

    blocked -> blocklists/3
    blocklists/3/any
    blocklists/3/203.0.113.7
    blocklists/3/198.51.100.0/24

`any` is there where anybody is blocked, so that Caddy looks once and not three times where nobody is.
A new list is written as a whole and taken into use by one rename. Everything here blocks; callers use a
thread.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

CURRENT = "blocked"
LISTS = "blocklists"
ANY = "any"


class BlockStore:
    """Owns `blocked` and `blocklists` below the routes root; one process at a time."""

    def __init__(self, root: Path) -> None:
        self._current = root / CURRENT
        self._lists = root / LISTS

    def replace_all(self, names: Collection[str]) -> None:
        """Block what the names say and nothing else.

        The list before stays until the next one: a request may be looking into it.
        """
        self._lists.mkdir(parents=True, exist_ok=True)
        before = self._current_number()
        number = max((int(path.name) for path in self._numbered()), default=0) + 1
        folder = self._lists / str(number)
        folder.mkdir()
        for name in names:
            address, _, size = name.partition("/")
            if size:
                (folder / address).mkdir(exist_ok=True)
            (folder / name).touch()
        if names:
            (folder / ANY).touch()
        pointer = self._lists / "next"
        pointer.unlink(missing_ok=True)
        pointer.symlink_to(f"{LISTS}/{number}")
        pointer.replace(self._current)
        for path in self._numbered():
            if int(path.name) not in (before, number):
                shutil.rmtree(path)

    def _numbered(self) -> list[Path]:
        return [path for path in self._lists.iterdir() if path.name.isdecimal()]

    def _current_number(self) -> int | None:
        try:
            return int(Path(os.readlink(self._current)).name)
        except FileNotFoundError:
            return None
