"""Debian packages that the cluster on this host needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from frankenpanel_hack.errors import UserError
from frankenpanel_hack.images.commands import OnOutput, run_streamed

# A program or file that must be there -> the package that brings it. Programs rather than packages, since
# the same program may come from elsewhere (Docker's own containerd) and must then be left alone.
NEEDED = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    "conntrack": "conntrack",
    "iptables": "iptables",
    "ip": "iproute2",
    "modprobe": "kmod",
    "mount": "mount",
    "ipset": "ipset",
    "socat": "socat",
    "/usr/bin/catatonit": "catatonit",
}


def missing_packages(is_there: Callable[[str], bool]) -> list[str]:
    """Return the packages to install, given what is there."""
    return sorted({package for need, package in NEEDED.items() if not is_there(need)})


def is_installed(need: str) -> bool:
    """Tell whether a program or file is there."""
    return Path(need).exists() if need.startswith("/") else shutil.which(need) is not None


def install_packages(packages: list[str], on_output: OnOutput) -> None:
    """Install packages without starting their services.

    Raises:
        UserError: where there is no apt.
    """
    if shutil.which("apt-get") is None:
        raise UserError(f"This host has no apt-get: install these yourself and repeat: {', '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wait = ["-o", "DPkg::Lock::Timeout=300"]
    run_streamed(["apt-get", *wait, "update"], environment, on_output)
    install = ["apt-get", *wait, "install", "--yes", "--no-install-recommends", *packages]
    run_streamed(install, environment, on_output)
