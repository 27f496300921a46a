"""Gets PHP and the code of WordPress for tests, from Debian's packages, without a web server.

Another version, such as that of the image, is used where FRANKENPANEL_TEST_WORDPRESS names its folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
IMAGE_FILES = REPOSITORY / "images" / "wordpress"
PHP_PACKAGES = ("php-cli", "php-mysql", "php-intl")
WORDPRESS_PACKAGE = "wordpress"
NEEDED_EXTENSIONS = {"json", "mysqli"}


class CodeMissingError(Exception):
    """PHP or WordPress is not on this machine, and may not be fetched; fit for a skipped test."""


@dataclass(frozen=True)
class WordPressCode:
    """A folder as the image lays it into a site, and the PHP that runs it."""

    php: str
    folder: Path

    def run(
        self, file: Path | str, *arguments: str, stdin: str = "", memory: str = "128M", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a file of the folder, or another one, on the command line."""
        command = [self.php, "-d", f"memory_limit={memory}", str(self.folder / file), *arguments]
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **environment},
            check=False,
            timeout=300,
        )


def lay_wordpress(folder: Path) -> WordPressCode:
    """Lay WordPress and the files of our image into a new folder.

    Raises:
        CodeMissingError: with the reason.
    """
    php = _php()
    package = Path(os.environ.get("FRANKENPANEL_TEST_WORDPRESS") or "/usr/share/wordpress")
    if not (package / "wp-load.php").is_file():
        package = _unpack(folder / "package")
    code = folder / "app"
    shutil.copytree(package, code, symlinks=True)
    for file in IMAGE_FILES.glob("*.php"):
        (code / file.name).unlink(missing_ok=True)
        shutil.copy(file, code / file.name)
    return WordPressCode(php, code)


def _php() -> str:
    found = shutil.which("php")
    if found is None:
        _apt("install", "-qq", "-y", "--no-install-recommends", *PHP_PACKAGES)
        found = shutil.which("php")
    if found is None:
        raise CodeMissingError("apt-get could not install php-cli and php-mysql")
    listed = subprocess.run([found, "-m"], capture_output=True, text=True, check=True).stdout.split()
    if missing := NEEDED_EXTENSIONS.difference(listed):
        raise CodeMissingError(f"PHP lacks {', '.join(sorted(missing))} (Debian: php-mysql)")
    return found


def _unpack(folder: Path) -> Path:
    """Fetch the package and take it apart; installed, it would bring a web server."""
    folder.mkdir(parents=True)
    _apt("download", "-qq", WORDPRESS_PACKAGE, cwd=folder)
    packages = list(folder.glob("*.deb"))
    if not packages:
        raise CodeMissingError(f"apt-get could not download {WORDPRESS_PACKAGE}")
    subprocess.run(["dpkg-deb", "-x", str(packages[0]), str(folder)], check=True)
    return folder / "usr" / "share" / "wordpress"


def _apt(*arguments: str, cwd: Path | None = None) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise CodeMissingError(
            f"PHP or WordPress is missing (Debian: {', '.join((*PHP_PACKAGES, WORDPRESS_PACKAGE))}), "
            "and only root may fetch them"
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", *arguments]):
        subprocess.run(
            command,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
