"""Read the table of mounts, and take away what was mounted for the cluster."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from frankenpanel_hack.images.commands import quiet

MOUNTS = Path("/proc/self/mounts")


def _points(mounts: str) -> list[str]:
    # The kernel writes spaces as octal escapes.
    return [line.split()[1].encode().decode("unicode_escape") for line in mounts.splitlines()]


def mounts_at(mounts: str, folder: Path) -> int:
    """Return how many mounts are stacked at a folder."""
    return _points(mounts).count(str(folder))


def mounts_below(mounts: str, roots: Iterable[Path]) -> list[str]:
    """Return the mount points below some folders, the last mounted first."""
    folders = list(roots)
    return [point for point in _points(mounts) if any(root in Path(point).parents for root in folders)][::-1]


def unmount(path: str | Path) -> None:
    """Unmount, lazily for what a process that is just ending still has open; nothing there is no error."""
    quiet(["umount", "--lazy", str(path)], os.environ)


def unmount_below(roots: Iterable[Path]) -> None:
    """Unmount everything below some folders."""
    for point in mounts_below(MOUNTS.read_text(), roots):
        unmount(point)


def unmount_down_to(folder: Path, count: int) -> None:
    """Unmount at a folder itself until only `count` mounts are left there.

    kubelet mounts its folder over itself to share mounts with its pods; the owner of the host may have
    mounted a disk there before.
    """
    for _ in range(mounts_at(MOUNTS.read_text(), folder) - count):
        unmount(folder)
