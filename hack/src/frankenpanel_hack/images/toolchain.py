"""The Go toolchain of this host, handed to builds that cannot pull one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from frankenpanel_hack.images.commands import CommandFailedError

_PARTS = ("VERSION", "bin", "go.env", "lib", "pkg/include", "pkg/tool", "src")


def go_ingredients() -> tuple[str, ...]:
    """Return the version of the toolchain, or a note that there is none."""
    return (_go("version") if shutil.which("go") else "no go",)


def copy_go_toolchain(context: Path) -> None:
    """Lay the toolchain into a build context, by hard links where the file system allows it."""
    root = Path(_go("env", "GOROOT"))
    for part in _PARTS:
        source = root / part
        destination = context / part
        if source.is_dir():
            shutil.copytree(source, destination, copy_function=link_or_copy, symlinks=True)
        elif source.exists():
            destination.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(str(source), str(destination))


def link_or_copy(source: str, destination: str) -> str:
    """Make a hard link, or a copy on another file system; the signature is that of `copytree`'s function."""
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)
    return destination


def _go(*arguments: str) -> str:
    command = ["go", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CommandFailedError(
            command, 127, ["Go is needed to compile FrankenPHP: install Go 1.26"]
        ) from error
    if done.returncode != 0:
        raise CommandFailedError(command, done.returncode, done.stderr.splitlines())
    return done.stdout.strip()
