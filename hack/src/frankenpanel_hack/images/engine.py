"""What builds and keeps container images: buildah on a bare host, Docker where its engine answers.

Errors: an `CommandFailedError` carries the command and the last lines it printed; the caller's `OnOutput`
has already been given every line.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from frankenpanel_hack.images.commands import CommandFailedError, OnOutput, quiet, run_streamed
from frankenpanel_hack.images.host_settings import HostSettings
from frankenpanel_hack.images.toolchain import link_or_copy

SCRATCH = "scratch"
# Buildah copies itself into memory as it starts, and now and then the kernel refuses to seal the copy.
# Nothing has happened by then, so trying again is safe.
_START_FAILURE = "sealing memfd copy"
_START_ATTEMPTS = 5


@dataclass(frozen=True)
class DockerfileBuild:
    """One `build` of a Dockerfile.

    Attributes:
        reference: full image name with its tag, as pods will ask for it.
        dockerfile: path of the Dockerfile.
        context: folder that COPY reads from.
        build_args: values of the Dockerfile's ARGs which are part of what the image is.
        target: stage to build; the last one when absent.
        labels: image labels added by the builder.
    """

    reference: str
    dockerfile: Path
    context: Path
    build_args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FilesBuild:
    """An image that is a base plus some files of this host.

    Attributes:
        reference: full image name with its tag.
        files: absolute path inside the image -> file or folder on this host.
        base: image to start from; `scratch` for an empty one.
        entrypoint: exec form.
        user: numeric user, or absent for the base's own (root when packages are installed).
        env: environment variables of the image.
        packages: Debian packages to install first; needs our own Debian base.
    """

    reference: str
    files: Mapping[str, Path]
    base: str = SCRATCH
    entrypoint: tuple[str, ...] = ()
    user: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()


class ImageEngine(Protocol):
    """Builds images and keeps them in a local store."""

    @property
    def name(self) -> str:
        """Name of the program, for messages."""
        ...

    @property
    def can_pull(self) -> bool:
        """Whether a public base image may be named, or everything must be made here."""
        ...

    def tmp_dir(self) -> Path:
        """Return a folder for build contexts, made if it is missing."""
        ...

    def exists(self, reference: str) -> bool:
        """Tell whether the local store has the image."""
        ...

    def build(self, build: DockerfileBuild, on_output: OnOutput) -> None:
        """Build a Dockerfile and tag the result."""
        ...

    def build_from_files(self, build: FilesBuild, on_output: OnOutput) -> None:
        """Build an image from files of this host."""
        ...

    def save(self, reference: str, archive_path: Path) -> None:
        """Write the image as a docker archive, whole or not at all."""
        ...


class Buildah:
    """Buildah with a store of its own below the build folder; needs root, no daemon and no registry."""

    name = "buildah"
    can_pull = False

    def __init__(self, build_dir: Path, host: HostSettings) -> None:
        self._build_dir = build_dir
        self._store = build_dir / "containers"
        self._host = host

    def tmp_dir(self) -> Path:
        """Return a folder for build contexts, made if it is missing."""
        return _made(self._build_dir / "tmp")

    def exists(self, reference: str) -> bool:
        """Tell whether the local store has the image."""
        try:
            self._run(["inspect", "--type", "image", reference], _ignore)
        except CommandFailedError:
            return False
        return True

    def build(self, build: DockerfileBuild, on_output: OnOutput) -> None:
        """Build a Dockerfile without asking any registry."""
        arguments = [
            "build",
            "--isolation=chroot",
            "--network=host",
            "--pull-never",
            "--layers",
            "--format=docker",
            *self._host.build_flags(build.dockerfile.read_text(encoding="utf-8")),
            *_dockerfile_flags(build),
            str(build.context),
        ]
        self._run(arguments, on_output)

    def build_from_files(self, build: FilesBuild, on_output: OnOutput) -> None:
        """Build an image from files of this host."""
        with tempfile.TemporaryDirectory(dir=self.tmp_dir()) as folder:
            self.build(_generated_dockerfile(build, Path(folder)), on_output)

    def save(self, reference: str, archive_path: Path) -> None:
        """Write the image as a docker archive, whole or not at all."""

        def push(part: Path) -> None:
            self._run(["push", "--quiet", reference, f"docker-archive:{part}:{reference}"], _ignore)

        _write_whole(archive_path, push)

    def _run(self, arguments: Sequence[str], on_output: OnOutput) -> None:
        places = ["--root", str(self._store / "storage"), "--runroot", str(self._store / "run")]
        for attempt in range(1, _START_ATTEMPTS + 1):
            try:
                run_streamed(["buildah", *places, *arguments], self._environment(), on_output)
            except CommandFailedError as error:
                if attempt < _START_ATTEMPTS and _never_started(error):
                    continue
                raise
            return

    def _environment(self) -> dict[str, str]:
        # TMPDIR also holds the builds' cache mounts, so that removing the build folder removes all of it.
        return {**os.environ, "TMPDIR": str(self.tmp_dir())}


class Docker:
    """A Docker engine with BuildKit; base images are pulled."""

    name = "docker"
    can_pull = True

    def __init__(self, build_dir: Path, host: HostSettings) -> None:
        self._build_dir = build_dir
        self._host = host

    def tmp_dir(self) -> Path:
        """Return a folder for build contexts, made if it is missing."""
        return _made(self._build_dir / "tmp")

    def exists(self, reference: str) -> bool:
        """Tell whether the engine has the image."""
        return quiet(["docker", "image", "inspect", reference], dict(os.environ))

    def build(self, build: DockerfileBuild, on_output: OnOutput) -> None:
        """Build a Dockerfile with BuildKit."""
        command = [
            "docker",
            "build",
            "--network=host",
            "--progress=plain",
            *self._host.build_flags(build.dockerfile.read_text(encoding="utf-8")),
            *_dockerfile_flags(build),
            str(build.context),
        ]
        run_streamed(command, {**os.environ, "DOCKER_BUILDKIT": "1"}, on_output)

    def build_from_files(self, build: FilesBuild, on_output: OnOutput) -> None:
        """Build an image from files of this host."""
        with tempfile.TemporaryDirectory(dir=self.tmp_dir()) as folder:
            self.build(_generated_dockerfile(build, Path(folder)), on_output)

    def save(self, reference: str, archive_path: Path) -> None:
        """Write the image as a docker archive, whole or not at all."""

        def save(part: Path) -> None:
            run_streamed(["docker", "save", "--output", str(part), reference], dict(os.environ), _ignore)

        _write_whole(archive_path, save)


def _never_started(error: CommandFailedError) -> bool:
    return len(error.last_lines) == 1 and _START_FAILURE in error.last_lines[0]


def _ignore(_line: str) -> None:
    return None


def docker_answers() -> bool:
    """Tell whether a Docker engine is there and reachable, not only its client."""
    return shutil.which("docker") is not None and quiet(["docker", "info"], dict(os.environ))


def choose_engine(build_dir: Path, host: HostSettings) -> ImageEngine:
    """Return Docker where its engine answers, else buildah.

    Raises:
        CommandFailedError: when neither can be used; the message names the cure.
    """
    if docker_answers():
        return Docker(build_dir, host)
    if shutil.which("buildah") is not None:
        return Buildah(build_dir, host)
    raise CommandFailedError(
        ["buildah"], 127, ["No Docker engine answers and buildah is not installed: install either."]
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _dockerfile_flags(build: DockerfileBuild) -> list[str]:
    flags = ["--file", str(build.dockerfile), "--tag", build.reference]
    for key, value in sorted(build.build_args.items()):
        flags += ["--build-arg", f"{key}={value}"]
    for key, value in sorted(build.labels.items()):
        flags += ["--label", f"{key}={value}"]
    if build.target:
        flags += ["--target", build.target]
    return flags


def _generated_dockerfile(build: FilesBuild, folder: Path) -> DockerfileBuild:
    root = folder / "root"
    root.mkdir()
    for destination, source in build.files.items():
        _place(source, root / destination.lstrip("/"))
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(files_dockerfile(build), encoding="utf-8")
    return DockerfileBuild(build.reference, dockerfile, folder)


def files_dockerfile(build: FilesBuild) -> str:
    """Return the Dockerfile of an image made from files of this host."""
    lines = [f"FROM {build.base}"]
    if build.packages:
        lines += ["USER 0", f"RUN {json.dumps(['install-packages', *build.packages])}"]
    lines.append("COPY root/ /")
    lines += [f"ENV {key}={json.dumps(value)}" for key, value in sorted(build.env.items())]
    if build.user:
        lines.append(f"USER {build.user}")
    if build.entrypoint:
        lines.append(f"ENTRYPOINT {json.dumps(list(build.entrypoint))}")
    return "\n".join(lines) + "\n"


def _place(source: Path, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, destination, copy_function=link_or_copy, symlinks=True)
    else:
        link_or_copy(str(source), str(destination))


def _write_whole(archive_path: Path, write: Callable[[Path], None]) -> None:
    archive_path.parent.mkdir(parents=True, exist_ok=True)
    part = archive_path.with_name(f".{archive_path.name}.part")
    part.unlink(missing_ok=True)
    try:
        write(part)
        part.replace(archive_path)
    finally:
        part.unlink(missing_ok=True)
