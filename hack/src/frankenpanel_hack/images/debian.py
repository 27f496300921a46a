"""A Debian root file system for hosts where no registry answers."""

from __future__ import annotations

import os
from pathlib import Path

from frankenpanel_hack.images.commands import run_streamed

SUITE = "trixie"
# For pinning: the address of a dated snapshot of the archive makes every package in every image repeatable.
MIRROR_VARIABLE = "FRANKENPANEL_DEBIAN_MIRROR"


def debian_ingredients() -> tuple[str, ...]:
    """Return what decides the content of the root file system."""
    return (SUITE, os.environ.get(MIRROR_VARIABLE, ""))


def bootstrap_debian(context: Path) -> None:
    """Write `rootfs.tar` into a build context."""
    root = context / "rootfs"
    mirror = os.environ.get(MIRROR_VARIABLE)
    command = ["debootstrap", "--variant=minbase", SUITE, str(root), *([mirror] if mirror else [])]
    run_streamed(command, os.environ, lambda _line: None)
    archive = [
        "tar",
        "--numeric-owner",
        "--directory",
        str(root),
        "--create",
        "--file",
        str(context / "rootfs.tar"),
        ".",
    ]
    run_streamed(archive, os.environ, lambda _line: None)
